package desired_test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const classic = `
apiVersion: netplan-overlay/v1
name: classic
backend: {type: vxlan, vni: 1, port: 8472}
nodes:
  vm1:
    address: 192.168.32.245
    bridges:    {br245: 172.245.0.1/24}
    namespaces: {ns245: 172.245.0.2/24}
  vm2:
    address: 192.168.32.246
    bridges:    {br246: 172.246.0.1/24}
    namespaces: {ns246: 172.246.0.2/24}
`

const campus = `
apiVersion: netplan-overlay/v1
name: campus
backend: {type: vxlan, vni: 42, port: 4789, directRouting: true}
mtu: 9000
nodes:
  rack1:
    address: [10.0.0.11, 2001:db8:0:1::11]
    bridges:
      br0: [10.42.1.1/24, fd42:0:0:1::1/64]
    namespaces:
      web: [10.42.1.10/24, fd42:0:0:1::10/64]
  rack2:
    address: [10.0.0.12, 2001:db8:0:1::12]
    bridges:
      br0: [10.42.2.1/24, fd42:0:0:2::1/64]
  rack3:
    address: [10.0.7.13, 2001:db8:0:7::13]
    interface: bond0
    bridges:
      br0: [10.42.3.1/24, fd42:0:0:3::1/64]
      brdmz: {addresses: [10.42.103.1/24], mtu: 1400, overlay: false}
    namespaces:
      cache: [10.42.3.10/24, fd42:0:0:3::10/64]
      fw:
        interfaces:
          eth0: {addresses: [10.42.3.30/24]}
          eth1: {bridge: brdmz, addresses: [10.42.103.2/24], mac: "02:00:00:00:67:02", host: vethfw1}
        routes: [{to: default, via: 10.42.3.1}]
        sysctls: {net.ipv4.ip_forward: 1}
`

const overridden = `
apiVersion: netplan-overlay/v1
name: classic
backend: {type: vxlan, vni: 1, port: 8472}
nodes:
  vm1:
    address: 192.168.32.245
    overlay: {device: vtep245, mac: "52:3a:8c:c9:08:e8", address: 172.245.0.0/32, mtu: 1400}
    bridges: {br245: {addresses: [172.245.0.1/24], mtu: 1500, mac: "02:8d:b1:91:fa:7a"}}
    namespaces: {ns245: {interfaces: {eth0: {addresses: [172.245.0.2/24], host: veth245, mtu: 1500}}}}
  vm2:
    address: 192.168.32.246
    bridges: {br246: 172.246.0.1/24}
`

// parse reads a topology that has no errors, with another backend if one is given.
func parse(t *testing.T, text, backend string) *spec.Topology {
	t.Helper()
	if backend != "" {
		var lines []string
		for l := range strings.Lines(text) {
			if strings.HasPrefix(l, "backend:") {
				l = "backend: " + backend + "\n"
			}
			lines = append(lines, l)
		}
		text = strings.Join(lines, "")
	}
	topology, problems := spec.Parse([]spec.Source{{Name: "t.yaml", Data: []byte(text)}})
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("%+v", p)
		}
	}
	return topology
}

func nodeOf(t *testing.T, topology *spec.Topology, name string) *spec.Node {
	t.Helper()
	for i := range topology.Nodes {
		if topology.Nodes[i].Name == name {
			return &topology.Nodes[i]
		}
	}
	t.Fatalf("no node %s", name)
	return nil
}

// What each backend makes of a node: the objects with their attributes, in
// testdata.
func TestExpand(t *testing.T) {
	for _, tc := range []struct{ name, text, backend, node string }{
		{"classic-vxlan", classic, "", "vm1"},
		{"classic-host-gw", classic, "host-gw", "vm2"},
		{"classic-ipip", classic, "ipip", "vm1"},
		{"classic-ipip-direct", classic, "{type: ipip, directRouting: true}", "vm1"},
		{"classic-per-peer", classic, "{type: ipip, mode: per-peer}", "vm1"},
		{"campus-rack1", campus, "", "rack1"},
		{"campus-rack3", campus, "", "rack3"},
		{"overridden", overridden, "", "vm1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			topology := parse(t, tc.text, tc.backend)
			node := nodeOf(t, topology, tc.node)
			x, err := desired.Expand(topology, node, desired.Assume(topology, node))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tc.name+".txt", text(x))
		})
	}
}

// text lists the objects, and what was decided about peers.
func text(x *desired.Expansion) string {
	var b strings.Builder
	for e := range x.State.All() {
		if e.Ref {
			fmt.Fprintf(&b, "needs %s (%s)\n", e.Object.Key(), e.Source)
			continue
		}
		fmt.Fprintf(&b, "%s (%s, %s)\n", e.Object.Key(), e.Intent, e.Source)
		for _, a := range e.Object.Attrs() {
			fmt.Fprintf(&b, "  %s %s\n", a.Name, a.Value)
		}
	}
	for _, d := range x.Derived {
		if strings.Contains(d.Path, "directRouting") || strings.Contains(d.Path, "mtu") {
			fmt.Fprintf(&b, "%s: %s (%s)\n", d.Path, d.Value, d.Reason)
		}
	}
	for _, w := range x.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// No backend depends on the order of nodes or on who looks: what a node makes for a
// peer is what that peer is.
func TestPeersAgree(t *testing.T) {
	topology := parse(t, classic, "")
	a, b := &topology.Nodes[0], &topology.Nodes[1]
	ofA, err := desired.Expand(topology, a, desired.Assume(topology, a))
	if err != nil {
		t.Fatal(err)
	}
	ofB, err := desired.Expand(topology, b, desired.Assume(topology, b))
	if err != nil {
		t.Fatal(err)
	}
	e, ok := ofB.State.Get(model.LinkKey("", b.Overlay.Device))
	if !ok {
		t.Fatal("no VTEP")
	}
	far := e.Object.(model.Link)
	if _, ok := ofA.State.Get(model.FDBKey("", a.Overlay.Device, far.MAC.Value(), netip.Addr{})); !ok {
		t.Errorf("%s has no FDB entry for %s, the MAC of the VTEP of %s", a.Name, far.MAC.Value(), b.Name)
	}
	if _, ok := ofB.State.Get(model.AddressKey("", b.Overlay.Device, b.Overlay.Address(4))); !ok {
		t.Errorf("%s lacks its own VTEP address", b.Name)
	}
}

// facts are those of a host with one underlay device.
func facts(topology *spec.Topology, node *spec.Node, mtu uint32) model.Facts {
	f := desired.Assume(topology, node)
	f.Assumed = false
	for family, u := range f.Underlay {
		u.MTU = mtu
		f.Underlay[family] = u
	}
	return f
}

func TestMTU(t *testing.T) {
	six := strings.ReplaceAll(classic, "192.168.32.", "2001:db8::")
	with := func(text, overlay string) string {
		return strings.Replace(text, "    address: 192.168.32.245\n", "    address: 192.168.32.245\n    overlay: {"+overlay+"}\n", 1)
	}
	for _, tc := range []struct {
		name, text, backend string
		underlay            uint32
		overlay, bridge     uint32 // 0: no device
		warning             string
	}{
		{"vxlan", classic, "", 1500, 1450, 1450, ""},
		{"vxlan over IPv6", six, "", 1500, 1430, 1430, ""},
		{"ipip", classic, "ipip", 1500, 1480, 1480, ""},
		{"host-gw", classic, "host-gw", 1500, 0, 1500, ""},
		{"jumbo frames", classic, "", 9000, 8950, 8950, ""},
		{"less than the device has", "mtu: 1400\n" + classic, "", 9000, 1350, 1350, ""},
		{"more than the device has, clamped by the kernel", "mtu: 9000\n" + classic, "", 1500, 1450, 1450, "mtu 9000 is more than the underlay device eth0 has (1500)"},
		{"explicit", with(classic, "mtu: 1400"), "", 1500, 1400, 1400, ""},
		{"explicit and clamped by the kernel", with(classic, "mtu: 1480"), "", 1500, 1450, 1450, "overlay.mtu 1480 is more than the underlay leaves room for (1450)"},
		{"explicit and taken by the kernel", with(classic, "mtu: 1490"), "ipip", 1500, 1490, 1490, "overlay.mtu 1490 is more than the underlay leaves room for (1480)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			topology := parse(t, tc.text, tc.backend)
			node := nodeOf(t, topology, "vm1")
			x, err := desired.Expand(topology, node, facts(topology, node, tc.underlay))
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range []struct {
				netns, name string
				want        uint32
			}{{"", node.Overlay.Device, tc.overlay}, {"", "br245", tc.bridge}, {"ns245", "eth0", tc.bridge}, {"", "veth-ns245", tc.bridge}} {
				e, ok := x.State.Get(model.LinkKey(l.netns, l.name))
				if l.want == 0 {
					continue
				}
				if got := e.Object; !ok || got.(model.Link).MTU.Value() != l.want {
					t.Errorf("%s: %+v, want MTU %d", l.name, got, l.want)
				}
			}
			if got := strings.Join(x.Warnings, "\n"); tc.warning == "" && got != "" || !strings.Contains(got, tc.warning) {
				t.Errorf("warnings %q, want %q", got, tc.warning)
			}
		})
	}
}

// What cannot be expanded for a host, and what is only warned of.
func TestExpandComplaints(t *testing.T) {
	far := strings.Replace(classic, "192.168.32.246", "192.168.99.246", 1)
	six := strings.Replace(strings.Replace(classic, "172.246.0.1/24", "[172.246.0.1/24, fd00:246::1/64]", 1), "172.245.0.1/24", "[172.245.0.1/24, fd00:245::1/64]", 1)
	for _, tc := range []struct {
		name, text, backend string
		mtu                 uint32
		err, warning        string
	}{
		{name: "all is well", text: classic, mtu: 1500},
		{
			name: "host-gw and a peer elsewhere", text: far, backend: "host-gw", mtu: 1500,
			err: "t.yaml:10: host-gw cannot reach peer vm2: 192.168.99.246 is not on the link of eth0: assumed: it is in another subnet, 192.168.99.0/24; use the backend vxlan or ipip",
		},
		{name: "vxlan and a peer elsewhere", text: far, mtu: 1500},
		{name: "host-gw with IPv6 subnets over IPv4 alone", text: six, backend: "host-gw", mtu: 1500, warning: "peer vm2: its IPv6 subnets cannot be reached"},
		{name: "too small for IPv6", text: six, mtu: 1300, err: "an overlay MTU of 1250 leaves no room for IPv6, which needs 1280"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			topology := parse(t, tc.text, tc.backend)
			node := nodeOf(t, topology, "vm1")
			x, err := desired.Expand(topology, node, facts(topology, node, tc.mtu))
			if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("error %v, want %q", err, tc.err)
			}
			if err != nil {
				return
			}
			if got := strings.Join(x.Warnings, "\n"); tc.warning == "" && got != "" || !strings.Contains(got, tc.warning) {
				t.Errorf("warnings %q, want %q", got, tc.warning)
			}
		})
	}
}

// The underlay keeps hearing router advertisements, where it lived on them.
func TestAcceptRA(t *testing.T) {
	topology := parse(t, campus, "")
	node := nodeOf(t, topology, "rack1")
	key := model.SysctlKey("", "net.ipv6.conf.eth0.accept_ra")
	for value, want := range map[string]bool{"": false, "0": false, "1": true, "2": true} {
		f := facts(topology, node, 9000)
		f.AcceptRA = value
		x, err := desired.Expand(topology, node, f)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := x.State.Get(key); ok != want {
			t.Errorf("accept_ra %q: set is %v, want %v", value, ok, want)
		}
	}
}

// Directness is asked for only where somebody wants to know.
func TestPeers(t *testing.T) {
	for _, tc := range []struct {
		backend string
		want    []netip.Addr
	}{
		{"vxlan", nil},
		{"ipip", nil},
		{"host-gw", []netip.Addr{netip.MustParseAddr("192.168.32.246")}},
		{"{type: vxlan, directRouting: true}", []netip.Addr{netip.MustParseAddr("192.168.32.246")}},
	} {
		topology := parse(t, classic, tc.backend)
		got := desired.Peers(topology, nodeOf(t, topology, "vm1"))
		if d := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.backend, d)
		}
	}
}

// Where addresses carry no mark, none is asked for.
func TestAddressesWithoutMark(t *testing.T) {
	topology := parse(t, classic, "")
	node := nodeOf(t, topology, "vm1")
	f := facts(topology, node, 1500)
	f.AddressProtocol = false
	x, err := desired.Expand(topology, node, f)
	if err != nil {
		t.Fatal(err)
	}
	for e := range x.State.All() {
		if a, ok := e.Object.(model.Address); ok && a.Protocol.IsSet() {
			t.Errorf("%s is to carry a mark", a.Key())
		}
	}
}
