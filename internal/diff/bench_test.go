package diff_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// fleet is classic with more peers.
func fleet(peers int) *spec.Topology {
	t := classic(vxlan)
	for i := range peers - 1 {
		subnet := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		t.Nodes = append(t.Nodes, spec.Node{
			Name: fmt.Sprintf("peer%d", i), Addresses: []netip.Addr{netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})},
			Overlay: spec.Overlay{Device: "vxlan1", MAC: model.MAC{2, 1, 0, byte(i >> 16), byte(i >> 8), byte(i)}, Addresses: []netip.Prefix{netip.PrefixFrom(subnet.Addr(), 32)}},
			Bridges: []spec.Bridge{{Name: "br0", Addresses: []netip.Prefix{subnet}, Overlay: true}},
		})
	}
	return t
}

// settled returns what a host with so many peers should have, and one that has it.
func settled(b *testing.B, peers int) (*desired.Expansion, *fake.Kernel) {
	b.Helper()
	topology := fleet(peers)
	x, err := desired.Expand(topology, &topology.Nodes[0], desired.Assume(topology, &topology.Nodes[0]))
	if err != nil {
		b.Fatal(err)
	}
	k := bare()
	for e := range x.State.All() {
		if !e.Ref {
			k.Put(e.Object)
		}
	}
	return x, k
}

func BenchmarkCompute(b *testing.B) {
	for _, peers := range []int{1000, 10000, 50000} {
		x, k := settled(b, peers)
		right := k.Observe(x.State)
		changed := k.Observe(x.State)
		changed.Remove(model.RouteKey("", model.TableMain, netip.MustParsePrefix("10.0.7.0/24"), 0))
		empty := bare().Observe(x.State)
		for _, c := range []struct {
			name  string
			state *model.State
			steps int
		}{{"converged", right, 0}, {"one change", changed, 1}, {"from nothing", empty, x.State.Len() - 1}} {
			b.Run(fmt.Sprintf("peers=%d/%s", peers, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if p := diff.Compute(x.State, c.state, diff.Options{}); len(p.Steps) != c.steps {
						b.Fatalf("%d steps, want %d", len(p.Steps), c.steps)
					}
				}
			})
		}
	}
}

// BenchmarkDestroy plans the removal of all that a host with many peers has.
func BenchmarkDestroy(b *testing.B) {
	for _, peers := range []int{1000, 10000, 50000} {
		_, k := settled(b, peers)
		nothing := &model.State{}
		observed := k.Observe(nothing)
		b.Run(fmt.Sprintf("peers=%d", peers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p := diff.Compute(nothing, observed, diff.Options{}); len(p.Changes) < peers {
					b.Fatalf("%d changes for %d peers", len(p.Changes), peers)
				}
			}
		})
	}
}
