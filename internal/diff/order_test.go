package diff_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Make before break, which no property can see: the steps from one version of a
// topology to the next, in testdata/order.
func TestOrder(t *testing.T) {
	for _, tc := range []struct {
		name     string
		from, to func() *spec.Topology
	}{
		{"from nothing", nil, of(vxlan)},
		{"to nothing", of(vxlan), nil},
		{"vxlan to host-gw", of(vxlan), of(hostGW)},
		{"host-gw to vxlan", of(hostGW), of(vxlan)},
		{"vxlan to ipip", of(vxlan), of(ipip)},
		{"ipip to per-peer", of(ipip), of(perPeer)},
		{"new peer", of(vxlan), of(vxlan, third)},
		{"peer gone", of(vxlan, third), of(vxlan)},
		{"VTEP MAC of a peer changed", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Nodes[1].Overlay.MAC = mac("02:00:00:00:02:46") })},
		{"own VTEP MAC changed", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Nodes[0].Overlay.MAC = mac("02:00:00:00:02:45") })},
		{"underlay address of a peer changed", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Nodes[1].Addresses[0] = netip.MustParseAddr("192.168.32.99") })},
		{"VNI changed", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Backend.VNI = 2 })},
		{"vxlan renamed with the same VNI", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Nodes[0].Overlay.Device = "vtep245" })},
		{"bridge renamed", of(vxlan), of(vxlan, func(t *spec.Topology) {
			t.Nodes[0].Bridges[0].Name, t.Nodes[0].Namespaces[0].Interfaces[0].Bridge = "br0", "br0"
		})},
		{"bridge address changed", of(vxlan), of(vxlan, func(t *spec.Topology) {
			t.Nodes[0].Bridges[0].Addresses = prefixes("172.245.0.254/24")
			t.Nodes[0].Namespaces[0].Routes[0].Via = netip.MustParseAddr("172.245.0.254")
		})},
		{"MTU lowered", of(vxlan), of(vxlan, func(t *spec.Topology) { t.MTU = 1400 })},
		{"MTU raised", of(vxlan, func(t *spec.Topology) { t.MTU = 1400 }), of(vxlan)},
		{"MTU raised to what IPv6 needs", of(vxlan, func(t *spec.Topology) { t.MTU = 1300 }), of(vxlan)},
		{"namespace renamed", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Nodes[0].Namespaces[0].Name = "web" })},
		{"host end renamed", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Nodes[0].Namespaces[0].Interfaces[0].Host = "vweb" })},
		{"own subnets gone", of(vxlan), of(vxlan, noSubnets)},
		{"own subnets gone and a new peer", of(vxlan), of(vxlan, noSubnets, third)},
		{"own subnets gone and a new peer over ipip", of(ipip), of(ipip, noSubnets, third)},
		{"subnet moved to the peer", of(vxlan), of(vxlan, swapSubnets)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := bare()
			if tc.from != nil {
				k = applied(t, tc.from())
			}
			want := expand(t, of(hostGW)())
			if tc.to != nil {
				want = expand(t, tc.to())
			} else {
				for _, key := range want.Keys() {
					want.Remove(key)
				}
			}
			p := diff.Compute(want, k.Observe(want), diff.Options{})
			run(t, k, p)
			golden(t, filepath.Join("order", strings.ReplaceAll(tc.name, " ", "_")+".txt"), text(p))
		})
	}
}

// of returns classic with a backend and some changes, made anew at each call.
func of(b spec.Backend, changes ...func(*spec.Topology)) func() *spec.Topology {
	return func() *spec.Topology {
		t := classic(b)
		for _, change := range changes {
			change(t)
		}
		return t
	}
}

// third adds a node.
func third(t *spec.Topology) {
	t.Nodes = append(t.Nodes, spec.Node{
		Name: "vm3", Addresses: []netip.Addr{netip.MustParseAddr("192.168.32.247")},
		Overlay: spec.Overlay{Device: "vxlan1", MAC: mac("02:00:00:00:01:47"), Addresses: prefixes("172.247.0.0/32")},
		Bridges: []spec.Bridge{{Name: "br247", Addresses: prefixes("172.247.0.1/24"), Overlay: true}},
	})
}

// swapSubnets gives each node the subnet of the other.
func swapSubnets(t *spec.Topology) {
	a, b := &t.Nodes[0], &t.Nodes[1]
	a.Bridges[0].Addresses, b.Bridges[0].Addresses = b.Bridges[0].Addresses, a.Bridges[0].Addresses
	a.Overlay.Addresses, b.Overlay.Addresses = b.Overlay.Addresses, a.Overlay.Addresses
	x, y := &a.Namespaces[0], &b.Namespaces[0]
	x.Interfaces[0].Addresses, y.Interfaces[0].Addresses = y.Interfaces[0].Addresses, x.Interfaces[0].Addresses
	x.Routes, y.Routes = y.Routes, x.Routes
}

// noSubnets leaves the first node nothing but its way to the others.
func noSubnets(t *spec.Topology) {
	n := &t.Nodes[0]
	n.Bridges, n.Namespaces, n.Overlay.Addresses = nil, nil, nil
}

// golden compares with a file below testdata, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
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
