package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// small is a topology in which nearly everything is derived.
const small = `apiVersion: netplan-overlay/v1
name: classic
backend: BACKEND
nodes:
  vm1:
    address: 192.168.32.245
    bridges:    {br245: [172.16.1.1/24, "fd00:0:0:1::1/64"]}
    namespaces: {ns245: [172.16.1.2/24, "fd00:0:0:1::2/64"]}
  vm2:
    address: 192.168.32.246
    bridges:    {br246: 172.16.2.1/24}
    namespaces: {a-very-long-name: 172.16.2.2/24}
`

func derived(t *testing.T, text string) map[string]string {
	t.Helper()
	top, problems := parse(text)
	if top == nil {
		t.Fatal(problems)
	}
	m := map[string]string{}
	for _, n := range top.Nodes {
		for _, d := range top.Derived(&n) {
			if d.Reason == "" {
				t.Errorf("%s has no reason", d.Path)
			}
			m[d.Path] += d.Value
		}
	}
	return m
}

// The values are part of the format: hosts with different versions of the program
// must derive the same. The MACs and the long name were computed with sha256sum.
func TestDerived(t *testing.T) {
	want := map[string]string{
		"backend.vni":                                       "11", // noted for each node
		"backend.port":                                      "84728472",
		"nodes.vm1.bridges.br245.mac":                       "9e:e9:b3:99:8f:44",
		"nodes.vm2.bridges.br246.mac":                       "de:12:f9:5d:40:2c",
		"nodes.vm1.overlay.device":                          "vxlan1",
		"nodes.vm2.overlay.device":                          "vxlan1",
		"nodes.vm1.overlay.mac":                             "da:b5:9b:3d:5a:21",
		"nodes.vm2.overlay.mac":                             "62:e3:0c:90:ef:da",
		"nodes.vm1.overlay.address":                         "172.16.1.0/32fd00:0:0:1::/128",
		"nodes.vm2.overlay.address":                         "172.16.2.0/32",
		"nodes.vm1.namespaces.ns245.interfaces.eth0.bridge": "br245",
		"nodes.vm2.namespaces.a-very-long-name.interfaces.eth0.bridge": "br246",
		"nodes.vm1.namespaces.ns245.interfaces.eth0.host":              "veth-ns245",
		"nodes.vm2.namespaces.a-very-long-name.interfaces.eth0.host":   "veth-4a2901d6db",
		"nodes.vm1.namespaces.ns245.routes.default.ipv4":               "172.16.1.1",
		"nodes.vm1.namespaces.ns245.routes.default.ipv6":               "fd00:0:0:1::1",
		"nodes.vm2.namespaces.a-very-long-name.routes.default.ipv4":    "172.16.2.1",
	}
	if d := cmp.Diff(want, derived(t, strings.Replace(small, "BACKEND", "vxlan", 1))); d != "" {
		t.Errorf("derived (-want +got):\n%s", d)
	}
}

// Adding a node renumbers nothing, and the order of nodes counts for nothing.
func TestDerivationIsStable(t *testing.T) {
	text := strings.Replace(small, "BACKEND", "vxlan", 1)
	before := derived(t, text)
	first := strings.Replace(text, "nodes:\n", "nodes:\n  aaa: {address: 192.168.32.1, bridges: {br0: 172.16.9.1/24}}\n", 1)
	after := derived(t, first)
	for path, v := range before {
		if !strings.HasPrefix(path, "backend.") && after[path] != v {
			t.Errorf("%s was %s, and is %s with another node", path, v, after[path])
		}
	}
}

func TestDerivedNames(t *testing.T) {
	for _, tc := range []struct{ backend, device string }{
		{"{type: vxlan, vni: 16777215}", "vxlan16777215"},
		{"host-gw", ""},
	} {
		top, problems := parse(strings.Replace(small, "BACKEND", tc.backend, 1))
		if top == nil {
			t.Fatal(problems)
		}
		if got := top.Nodes[0].Overlay.Device; got != tc.device {
			t.Errorf("%s: the device is %q, want %q", tc.backend, got, tc.device)
		}
	}
	v4 := strings.NewReplacer(`, "fd00:0:0:1::1/64"`, "", `, "fd00:0:0:1::2/64"`, "").Replace(small)
	top, problems := parse(strings.Replace(v4, "BACKEND", "{type: ipip, mode: per-peer}", 1))
	if top == nil {
		t.Fatal(problems)
	}
	vm1 := &top.Nodes[0]
	for ns, want := range map[string]string{`"a:b"`: "veth-c69006d890", "a%d": "veth-8db69580f7", "abcdefghij": "veth-abcdefghij"} {
		top, problems := parse(strings.NewReplacer("BACKEND", "vxlan", "ns245", ns).Replace(small))
		if top == nil {
			t.Fatal(problems)
		}
		if got := top.Nodes[0].Namespaces[0].Interfaces[0].Host; got != want {
			t.Errorf("the veth of %s is %q, want %q", ns, got, want)
		}
	}
	for peer, want := range map[string]string{"vm2": "ipip-vm2", "a-rather-long-peer": "ipip-07a61b5703"} {
		if got := top.TunnelName(vm1, &spec.Node{Name: peer}); got != want {
			t.Errorf("the tunnel to %s is %q, want %q", peer, got, want)
		}
	}
	vm1.Overlay.Device = "tun1"
	if got := top.TunnelName(vm1, &top.Nodes[1]); got != "tun1" {
		t.Errorf("the named tunnel is %q", got)
	}
}

func TestRoutes(t *testing.T) {
	const text = `apiVersion: netplan-overlay/v1
name: n
backend: host-gw
nodes:
  a:
    address: 192.0.2.1
    bridges: {br0: [10.1.0.1/24, "fd00::1/64"], brx: {addresses: 10.9.0.1/24, overlay: false}}
    namespaces: {ns: NS}
`
	for _, tc := range []struct{ name, ns, want string }{
		{"derived", `[10.1.0.2/24, "fd00::2/64"]`, "0.0.0.0/0 via 10.1.0.1 dev eth0, ::/0 via fd00::1 dev eth0"},
		{"eth0 before others", `{interfaces: {aaa: 10.9.0.2/24, eth0: 10.1.0.2/24}}`, "0.0.0.0/0 via 10.1.0.1 dev eth0"},
		{"the first without eth0", `{interfaces: {lan: 10.9.0.2/24, zzz: 10.1.0.2/24}}`, "0.0.0.0/0 via 10.9.0.1 dev lan"},
		{"own default", `{interfaces: {eth0: 10.1.0.2/24}, routes: [{to: default, via: 10.1.0.9}]}`, "0.0.0.0/0 via 10.1.0.9 dev eth0"},
		{"own default of one family", `{interfaces: {eth0: [10.1.0.2/24, "fd00::2/64"]}, routes: [{to: default, via: 10.1.0.9}]}`, "0.0.0.0/0 via 10.1.0.9 dev eth0, ::/0 via fd00::1 dev eth0"},
		{"another route", `{interfaces: {eth0: 10.1.0.2/24}, routes: [{to: 10.5.0.0/16, dev: eth0}]}`, "10.5.0.0/16 via invalid IP dev eth0, 0.0.0.0/0 via 10.1.0.1 dev eth0"},
		{"none", `{interfaces: {eth0: 10.1.0.2/24}, routes: []}`, ""},
		{"a subnet with another metric than the kernel's", `{interfaces: {eth0: "fd00::2/64"}, routes: [{to: "fd00::/64", dev: eth0}]}`, "fd00::/64 via invalid IP dev eth0, ::/0 via fd00::1 dev eth0"},
		{"two metrics", `{interfaces: {eth0: 10.1.0.2/24}, routes: [{to: default, via: 10.1.0.8}, {to: default, via: 10.1.0.9, metric: 7}]}`, "0.0.0.0/0 via 10.1.0.8 dev eth0, 0.0.0.0/0 via 10.1.0.9 dev eth0"},
		{"a gateway at the end of a route", `{interfaces: {eth0: 10.1.0.2/24}, routes: [{to: 10.7.0.1/32, dev: eth0}, {to: default, via: 10.7.0.1, dev: eth0}]}`, "10.7.0.1/32 via invalid IP dev eth0, 0.0.0.0/0 via 10.7.0.1 dev eth0"},
		{"eth0 before others on its bridge", `{interfaces: {aaa: 10.1.0.3/24, eth0: 10.1.0.2/24}, routes: [{to: default, via: 10.1.0.9}]}`, "0.0.0.0/0 via 10.1.0.9 dev eth0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			top, problems := parse(strings.Replace(text, "NS", tc.ns, 1))
			if top == nil {
				t.Fatal(problems)
			}
			var l []string
			for _, r := range top.Nodes[0].Namespaces[0].Routes {
				l = append(l, fmt.Sprintf("%s via %s dev %s", r.To, r.Via, r.Dev))
			}
			if got := strings.Join(l, ", "); got != tc.want {
				t.Errorf("routes are %q, want %q", got, tc.want)
			}
		})
	}
}

// Scalars are the text that stands there: YAML's own ideas of them don't count.
func TestScalarsAreText(t *testing.T) {
	text := strings.NewReplacer("BACKEND", "vxlan", "name: classic", "name: 012", "vm1:", "no:", "vm2:", "1e3:", "br246:", "0x10:").Replace(small)
	top, problems := parse(text)
	if top == nil {
		t.Fatal(problems)
	}
	if top.Name != "012" || top.Nodes[0].Name != "1e3" || top.Nodes[1].Name != "no" || top.Nodes[0].Bridges[0].Name != "0x10" {
		t.Errorf("names became %q, %q, %q, %q", top.Name, top.Nodes[0].Name, top.Nodes[1].Name, top.Nodes[0].Bridges[0].Name)
	}
}

func TestDefaults(t *testing.T) {
	text := strings.NewReplacer("BACKEND", `vxlan
defaults:
  x-why: every host is the same
  node: {interface: bond0, overlay: {device: vx, mtu: 1400}}
  bridge: {mtu: 1399}
  namespace: {mtu: 1398, sysctls: {net.ipv4.tcp_ecn: 1, net.ipv4.ip_forward: 0, net.ipv4.conf.eth0.rp_filter: 2, net.ipv4.conf.eth9.rp_filter: 2}}`,
		"ns245: [172.16.1.2/24, \"fd00:0:0:1::2/64\"]", "ns245: {interfaces: {eth0: {addresses: 172.16.1.2/24, mtu: 1300}}, sysctls: {net.ipv4.ip_forward: 1}}").Replace(small)
	top, problems := parse(text)
	if top == nil {
		t.Fatal(problems)
	}
	n := top.Nodes[0]
	got := fmt.Sprint(n.Interface, n.Overlay.Device, n.Overlay.MTU, n.Bridges[0].MTU, n.Namespaces[0].Interfaces[0].MTU, top.Nodes[1].Namespaces[0].Interfaces[0].MTU)
	if want := fmt.Sprint("bond0", "vx", 1400, 1399, 1300, 1398); got != want {
		t.Errorf("defaults gave %s, want %s", got, want)
	}
	var sysctls []string
	for _, s := range n.Namespaces[0].Sysctls {
		sysctls = append(sysctls, s.Name+"="+s.Value)
	}
	if got := strings.Join(sysctls, " "); got != "net.ipv4.conf.eth0.rp_filter=2 net.ipv4.ip_forward=1 net.ipv4.tcp_ecn=1" {
		t.Errorf("sysctls are %s", got)
	}
	if len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Message, `no namespace has an interface "eth9"`) {
		t.Errorf("problems are %v", problems)
	}
}

// subnets is a topology of two nodes with so many IPv4 subnets that peers get routes to,
// one that they don't, and an IPv6 one.
func subnets(backend string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: big\nbackend: %s\nnodes:\n", backend)
	b.WriteString("  vm0: {address: 192.0.2.1, bridges: {br0: 10.0.0.1/24}}\n  vm1:\n    address: 192.0.2.2\n    bridges:\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "      br%d: 10.%d.%d.1/24\n", i, i>>8, i&255)
	}
	b.WriteString("      local: {addresses: 10.200.0.1/24, overlay: false}\n")
	if !strings.Contains(backend, "ipip") {
		b.WriteString("      six: \"fd00::1/64\"\n")
	}
	return b.String()
}

// Beyond 2,000 IPv4 subnets, routes have metrics, unless the file says otherwise.
func TestRouteMetrics(t *testing.T) {
	const why = "the nodes have 2001 IPv4 subnets: with more than 2000, routes of one metric take the kernel long to make"
	for _, tc := range []struct {
		backend string
		subnets int
		choice  string
		spread  bool
		reason  string
	}{
		{"vxlan", 2000, spec.Auto, false, ""},
		{"vxlan", 2001, spec.Auto, true, why},
		{"{type: vxlan, routeMetrics: auto}", 2001, spec.Auto, true, why},
		{"{type: vxlan, routeMetrics: plain}", 2001, spec.Plain, false, ""},
		{"{type: vxlan, routeMetrics: spread}", 2, spec.Spread, true, ""},
		{"host-gw", 2001, spec.Auto, true, why},
		{"{type: host-gw, routeMetrics: spread}", 2, spec.Spread, true, ""},
		{"ipip", 2001, spec.Auto, true, why},
		{"{type: ipip, mode: per-peer}", 2001, spec.Auto, false, ""},
		{"{type: ipip, mode: per-peer, directRouting: true}", 2001, spec.Auto, true, why},
	} {
		top, problems := parse(subnets(tc.backend, tc.subnets))
		if top == nil {
			t.Fatal(problems)
		}
		reason := ""
		for _, d := range top.Derived(&top.Nodes[0]) {
			if d.Path == "backend.routeMetrics" {
				reason = d.Reason
			}
		}
		if b := top.Backend; b.RouteMetrics != tc.choice || b.Spread != tc.spread || reason != tc.reason {
			t.Errorf("%s, %d subnets: %s, spread %v, %q", tc.backend, tc.subnets, b.RouteMetrics, b.Spread, reason)
		}
	}
}
