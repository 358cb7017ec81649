package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// overVXLAN is two nodes in which everything is said that can be changed.
func overVXLAN() string { return measuredTopology("{type: vxlan, vni: 1, port: 8472}", vtep) }

func vtep(n int) string {
	return fmt.Sprintf(`overlay: {device: ov%[1]d, mac: "02:00:00:00:00:0%[1]d", address: [10.%[1]d.0.0/32, "fd0%[1]d::/128"], mtu: 1400}`, n)
}

// measuredTopology has the same in each node, with other numbers.
func measuredTopology(backend string, overlay func(n int) string) string {
	s := fmt.Sprintf("apiVersion: netplan-overlay/v1\nname: measured\nbackend: %s\nnodes:\n", backend)
	for n := 1; n <= 2; n++ {
		s += fmt.Sprintf(`  vm%[1]d:
    address: [192.168.32.%[1]d, "2001:db8::%[1]d"]
    %[2]s
    bridges:
      br%[1]d: {addresses: [10.%[1]d.0.1/24, "fd0%[1]d::1/64"], mtu: 1400, mac: "02:00:00:00:01:0%[1]d"}
    namespaces:
      web%[1]d:
        interfaces:
          eth0: {bridge: br%[1]d, host: veth%[1]d, addresses: [10.%[1]d.0.2/24, "fd0%[1]d::2/64"], mtu: 1400, mac: "02:00:00:00:02:0%[1]d"}
        routes: [{to: default, via: 10.%[1]d.0.1}, {to: "::/0", via: "fd0%[1]d::1"}]
        sysctls: {net.ipv6.conf.default.accept_dad: 0}
`, n, overlay(n))
	}
	return s
}

// peerThree is another node.
const peerThree = "  vm3: {address: [192.168.32.3, \"2001:db8::3\"], overlay: {device: ov3, address: [10.3.0.0/32, \"fd03::/128\"], mtu: 1400}, bridges: {br3: [10.3.0.1/24, \"fd03::1/64\"]}}\n"

// classicBase has the given backend, and leaves its devices to be derived.
func classicBase(backend string) func() string {
	return func() string { return measuredTopology(backend, func(int) string { return "" }) }
}

// classicBase4 is the same without IPv6.
func classicBase4(backend string) func() string {
	return func() string { return withoutIPv6.Replace(classicBase(backend)()) }
}

// overIPIP is two nodes joined by ipip.
func overIPIP(mode string) func() string {
	return func() string {
		return withoutIPv6.Replace(measuredTopology("{type: ipip, mode: "+mode+"}", func(n int) string {
			return fmt.Sprintf(`overlay: {device: ov%[1]d, address: 10.%[1]d.0.0/32, mtu: 1400}`, n)
		}))
	}
}

func at(host int, netns, address string) target {
	return target{host, netns, netip.MustParseAddr(address)}
}

const (
	brief      = model.ImpactBrief
	disruptive = model.ImpactDisruptive
)

// impactCases are the kinds of change that the tool can make to what packets flow
// through, or beside it.
var impactCases = []impactCase{
	{name: "overlay device: lower MTU", class: brief, edit: []string{`fd01::/128"], mtu: 1400`, `fd01::/128"], mtu: 1300`}},
	{name: "overlay device: higher MTU", class: brief, before: []string{`fd01::/128"], mtu: 1400`, `fd01::/128"], mtu: 1300`}, edit: []string{"mtu: 1300", "mtu: 1400"}},
	{name: "overlay device: MAC", class: disruptive, edit: []string{"02:00:00:00:00:01", "02:00:00:00:00:f1"}},
	{name: "overlay device: VNI", class: disruptive, edit: []string{"vni: 1,", "vni: 2,"}},
	{name: "overlay device: port", class: disruptive, edit: []string{"port: 8472", "port: 4789"}},
	{name: "overlay device: own underlay address", class: brief, edit: []string{"address: [192.168.32.1,", "address: [192.168.32.101,"}},
	{name: "overlay device: underlay device", class: brief, edit: []string{`address: [192.168.32.1, "2001:db8::1"]`, "interface: eth1\n    address: [192.168.32.201, \"2001:db8::201\"]"}, drift: [][]string{
		{"link", "add", "eth1", "link", "eth0", "type", "macvlan", "mode", "bridge"}, {"link", "set", "eth1", "up"}, {"address", "add", "192.168.32.201/24", "dev", "eth1"},
		{"address", "add", "2001:db8::201/64", "dev", "eth1", "nodad"},
	}},
	{name: "overlay device: underlay of the other family", class: disruptive, edit: []string{"192.168.32.1, ", "", "192.168.32.2, ", ""}},
	{name: "overlay device: name", older: disruptive, edit: []string{"device: ov1", "device: vtep1"}},
	{name: "overlay device: name and VNI", class: disruptive, edit: []string{"device: ov1", "device: vtep1", "vni: 1,", "vni: 2,"}},
	{name: "overlay device: learning", drift: [][]string{{"link", "set", "ov1", "type", "vxlan", "learning"}}},
	{name: "overlay device: address", class: brief, edit: []string{`10.1.0.0/32, "fd01::/128"`, `10.1.0.99/32, "fd01::99/128"`}},

	{name: "bridge: lower MTU", class: brief, edit: []string{`fd01::1/64"], mtu: 1400`, `fd01::1/64"], mtu: 1300`}},
	{name: "bridge: higher MTU", class: brief, before: []string{`fd01::1/64"], mtu: 1400`, `fd01::1/64"], mtu: 1300`}, edit: []string{"mtu: 1300", "mtu: 1400"}},
	{name: "bridge: MAC", class: disruptive, edit: []string{"02:00:00:00:01:01", "02:00:00:00:01:f1"}},
	{name: "bridge: name", older: disruptive, edit: []string{"br1", "brx1"}},
	{name: "bridge: another address", edit: []string{"[10.1.0.1/24, ", "[10.1.0.1/24, 10.11.0.1/24, ", `"fd01::1/64"]`, `"fd01::1/64", "fd11::1/64"]`}},
	{name: "bridge: one address less", class: disruptive, to: at(1, "", "10.11.0.1"), before: []string{"[10.1.0.1/24, ", "[10.1.0.1/24, 10.11.0.1/24, "}, edit: []string{" 10.11.0.1/24,", ""}},
	{name: "bridge: the gateway's address", class: disruptive, edit: []string{"10.1.0.1/24", "10.1.0.254/24", "via: 10.1.0.1}", "via: 10.1.0.254}", "fd01::1/64", "fd01::ff/64", `"fd01::1"`, `"fd01::ff"`}},
	{name: "bridge: another one", edit: []string{"    bridges:\n      br1", "    bridges:\n      beside: {addresses: 10.11.0.1/24}\n      br1"}},
	{name: "bridge: one less", class: disruptive, to: at(1, "", "10.11.0.1"), before: []string{"    bridges:\n      br1", "    bridges:\n      beside: {addresses: 10.11.0.1/24}\n      br1"}, edit: []string{"      beside: {addresses: 10.11.0.1/24}\n", ""}},
	{name: "bridge: one less, unused", before: []string{"    bridges:\n      br1", "    bridges:\n      beside: {}\n      br1"}, edit: []string{"      beside: {}\n", ""}},
	{name: "bridge: another one up", before: []string{"    bridges:\n      br1", "    bridges:\n      beside: {addresses: 10.11.0.1/24}\n      br1"}, drift: [][]string{{"link", "set", "beside", "down"}}},

	{name: "all MTUs lower", class: brief, edit: []string{"mtu: 1400", "mtu: 1300"}},
	{name: "all MTUs higher", class: brief, before: []string{"mtu: 1400", "mtu: 1300"}, edit: []string{"mtu: 1300", "mtu: 1400"}},

	{name: "interface: lower MTU than its bridge's", class: disruptive, edit: []string{`fd01::2/64"], mtu: 1400`, `fd01::2/64"], mtu: 1300`}},
	{name: "interface: higher MTU", class: brief, full: 1300, before: []string{`fd01::2/64"], mtu: 1400`, `fd01::2/64"], mtu: 1300`}, edit: []string{"mtu: 1300", "mtu: 1400"}},
	{name: "interface: MAC", class: brief, edit: []string{"02:00:00:00:02:01", "02:00:00:00:02:f1"}},
	{name: "interface: name on the host", older: disruptive, edit: []string{"host: veth1", "host: vweb1"}},
	{name: "interface: name", class: disruptive, edit: []string{"eth0: {bridge: br1", "lan0: {bridge: br1"}},
	{name: "interface: address", class: disruptive, edit: []string{"10.1.0.2/24", "10.1.0.3/24", "fd01::2/64", "fd01::3/64"}},
	{name: "interface: another address", edit: []string{"10.1.0.2/24,", "10.1.0.2/24, 10.1.0.3/24,"}},
	{name: "interface: one address less", class: disruptive, to: at(1, "web1", "10.1.0.3"), before: []string{"10.1.0.2/24,", "10.1.0.2/24, 10.1.0.3/24,"}, edit: []string{" 10.1.0.3/24,", ""}},
	{name: "interface: another one", edit: []string{"        interfaces:\n          eth0: {bridge: br1", "        interfaces:\n          lan1: {bridge: br1, addresses: 10.1.0.7/24}\n          eth0: {bridge: br1"}},

	{name: "namespace: another one", edit: []string{"      web1:", "      db1: 10.1.0.9/24\n      web1:"}},
	{name: "namespace: one less", class: disruptive, to: at(1, "db1", "10.1.0.9"), before: []string{"      web1:", "      db1: 10.1.0.9/24\n      web1:"}, edit: []string{"      db1: 10.1.0.9/24\n", ""}},
	{name: "namespace: name", class: disruptive, edit: []string{"      web1:", "      app1:"}},
	{name: "namespace: lo set up", drift: [][]string{{"web1", "link", "set", "lo", "down"}}},
	{name: "namespace: default route's gateway", class: brief, before: []string{"[10.1.0.1/24, ", "[10.1.0.1/24, 10.1.0.254/24, ", `"fd01::1/64"]`, `"fd01::1/64", "fd01::ff/64"]`}, edit: []string{"via: 10.1.0.1}", "via: 10.1.0.254}", `"fd01::1"`, `"fd01::ff"`}},
	{name: "namespace: another route", edit: []string{"routes: [{to: default, via: 10.1.0.1},", "routes: [{to: 10.2.0.0/24, via: 10.1.0.1}, {to: default, via: 10.1.0.1},"}},
	{name: "namespace: one route less, a wider one leads the same way", before: []string{"routes: [{to: default, via: 10.1.0.1},", "routes: [{to: 10.2.0.0/24, via: 10.1.0.1}, {to: default, via: 10.1.0.1},"}, edit: []string{"{to: 10.2.0.0/24, via: 10.1.0.1}, ", ""}},
	{name: "namespace: no default route any more", class: disruptive, edit: []string{`[{to: default, via: 10.1.0.1}, {to: "::/0", via: "fd01::1"}]`, "[]"}},
	{name: "namespace: default route's metric", edit: []string{"via: 10.1.0.1}", "via: 10.1.0.1, metric: 50}", `via: "fd01::1"}`, `via: "fd01::1", metric: 50}`}},
	{name: "namespace: forwarding on", edit: []string{"accept_dad: 0}\n  vm2", "accept_dad: 0, net.ipv4.ip_forward: 1, net.ipv6.conf.all.forwarding: 1}\n  vm2"}},
	{name: "namespace: another sysctl", class: brief, edit: []string{"accept_dad: 0}\n  vm2", "accept_dad: 0, net.ipv4.conf.all.rp_filter: 1}\n  vm2"}},

	{name: "peer: another one", edit: []string{"  vm2:\n", peerThree + "  vm2:\n"}},
	{name: "peer: one less", class: disruptive, before: []string{"  vm2:\n", peerThree + "  vm2:\n"}, edit: []string{overVXLAN()[strings.Index(overVXLAN(), "  vm2:"):], ""}},
	{name: "peer: MAC of its overlay device", class: disruptive, edit: []string{"02:00:00:00:00:02", "02:00:00:00:00:f2"}},
	{name: "peer: underlay address", class: brief, edit: []string{"[192.168.32.2,", "[192.168.32.102,"}},
	{name: "peer: overlay address", class: brief, edit: []string{`10.2.0.0/32, "fd02::/128"`, `10.2.0.99/32, "fd02::99/128"`}},
	{name: "peer: another subnet", edit: []string{`"fd02::1/64"]`, `"fd02::1/64", 10.12.0.1/24]`}},
	{name: "peer: one subnet less", class: disruptive, to: at(2, "", "10.12.0.1"), before: []string{`"fd02::1/64"]`, `"fd02::1/64", 10.12.0.1/24]`}, edit: []string{", 10.12.0.1/24]", "]"}},
	{name: "peer: direct routes", class: brief, edit: []string{"port: 8472}", "port: 8472, directRouting: true}"}},
	{name: "peer: no direct routes any more", class: brief, before: []string{"port: 8472}", "port: 8472, directRouting: true}"}, edit: []string{", directRouting: true}", "}"}},
	{name: "peer: routes with spread metrics", edit: []string{"port: 8472}", "port: 8472, routeMetrics: spread}"}},
	{name: "peer: routes without metrics again", before: []string{"port: 8472}", "port: 8472, routeMetrics: spread}"}, edit: []string{"spread}", "plain}"}},
	{name: "peer: a route of ours too many", class: disruptive, drift: [][]string{{"route", "add", "10.77.0.0/16", "via", "192.168.32.2", "proto", "157"}}},
	{name: "peer: a neighbour of ours too many", drift: [][]string{{"neighbour", "add", "10.77.0.1", "lladdr", "02:00:00:00:00:77", "dev", "ov1", "nud", "permanent", "protocol", "157"}}},
	{name: "peer: an FDB entry too many", drift: [][]string{{"bridge", "fdb", "add", "02:00:00:00:00:77", "dev", "ov1", "dst", "192.168.32.99"}}},

	{name: "peer: underlay address, host-gw", class: brief, base: classicBase("host-gw"), edit: []string{"[192.168.32.2,", "[192.168.32.102,"}},

	{name: "ipip device: lower MTU", inVM: true, class: brief, base: overIPIP("multipoint"), edit: []string{"10.1.0.0/32, mtu: 1400", "10.1.0.0/32, mtu: 1300"}},
	{name: "ipip device: higher MTU", class: brief, base: overIPIP("multipoint"), before: []string{"10.1.0.0/32, mtu: 1400", "10.1.0.0/32, mtu: 1300"}, edit: []string{"mtu: 1300", "mtu: 1400"}},
	{name: "ipip device: own underlay address", inVM: true, class: disruptive, base: overIPIP("multipoint"), edit: []string{"[192.168.32.1,", "[192.168.32.101,"}},
	{name: "ipip device: name", older: disruptive, base: overIPIP("multipoint"), edit: []string{"device: ov1", "device: tun1"}},
	{name: "ipip device: address", class: brief, base: overIPIP("multipoint"), edit: []string{"10.1.0.0/32", "10.1.0.99/32"}},
	{name: "ipip device of a peer: own underlay address", class: disruptive, base: overIPIP("per-peer"), edit: []string{"[192.168.32.1,", "[192.168.32.101,"}},
	{name: "ipip device of a peer: its underlay address", class: disruptive, base: overIPIP("per-peer"), edit: []string{"[192.168.32.2,", "[192.168.32.102,"}},
	{name: "peer: underlay address, ipip", class: disruptive, base: overIPIP("multipoint"), edit: []string{"[192.168.32.2,", "[192.168.32.102,"}},
	{name: "peer: direct routes, ipip", class: brief, base: overIPIP("multipoint"), edit: []string{"multipoint}", "multipoint, directRouting: true}"}},
	{name: "peer: no direct routes any more, ipip", class: brief, base: overIPIP("multipoint"), before: []string{"multipoint}", "multipoint, directRouting: true}"}, edit: []string{", directRouting: true", ""}},

	{name: "half-made link", drift: [][]string{{"link", "add", "debris", "group", "157", "type", "bridge"}}},
	{name: "mark missing", drift: [][]string{{"link", "set", "ov1", "alias", ""}, {"link", "set", "br1", "alias", ""}}},
	{name: "adoption", adopt: true, drift: [][]string{
		{"link", "set", "ov1", "alias", ""}, {"link", "set", "ov1", "group", "0"}, {"link", "set", "br1", "alias", ""}, {"link", "set", "br1", "group", "0"},
		{"route", "change", "10.2.0.0/24", "via", "10.2.0.0", "dev", "ov1", "onlink", "proto", "static"},
		{"neighbour", "replace", "10.2.0.0", "lladdr", "02:00:00:00:00:02", "dev", "ov1", "nud", "permanent", "protocol", "static"},
	}},

	{name: "backend: vxlan to host-gw", class: disruptive, base: classicBase("{type: vxlan, vni: 1, port: 8472}"), edit: []string{"{type: vxlan, vni: 1, port: 8472}", "host-gw"}},
	{name: "backend: host-gw to vxlan", class: disruptive, base: classicBase("host-gw"), edit: []string{"host-gw", "vxlan"}},
	{name: "backend: vxlan to ipip", inVM: true, class: disruptive, base: classicBase4("vxlan"), edit: []string{"backend: vxlan", "backend: ipip"}},
	{name: "backend: ipip to vxlan", class: disruptive, base: classicBase4("ipip"), edit: []string{"backend: ipip", "backend: vxlan"}},
	{name: "backend: ipip to a device for each peer", class: disruptive, base: classicBase4("ipip"), edit: []string{"backend: ipip", "backend: {type: ipip, mode: per-peer}"}},
}
