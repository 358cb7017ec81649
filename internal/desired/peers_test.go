package desired

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/desired/backend"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// randomFleet is a topology of vxlan nodes with some subnets of either family.
func randomFleet(t *testing.T, r *rand.Rand) *spec.Topology {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: fleet\nbackend: {type: vxlan, routeMetrics: %s}\nnodes:\n", []string{"auto", "plain", "spread"}[r.IntN(3)])
	for i := range 2 + r.IntN(20) {
		fmt.Fprintf(&b, "  n%d:\n    address: 192.0.2.%d\n    bridges:\n", i, i+1)
		for j := range r.IntN(4) {
			subnet := fmt.Sprintf("10.%d.%d.1/24", i, j)
			if r.IntN(3) == 0 {
				subnet = fmt.Sprintf("fd00:%d:%d::1/64", i, j)
			}
			fmt.Fprintf(&b, "      br%d: {addresses: %s, overlay: %v}\n", j, subnet, r.IntN(5) > 0)
		}
		fmt.Fprintf(&b, "      local: {addresses: 172.16.%d.1/24, overlay: false}\n", i)
	}
	top, problems := spec.Parse([]spec.Source{{Name: "fleet.yaml", Data: []byte(b.String())}})
	if top == nil {
		t.Fatalf("%v\n%s", problems, &b)
	}
	return top
}

// both expands a topology in either way, the first being inTurn, and returns what byKinds
// does.
func both(t *testing.T, top *spec.Topology) (x, y *expander, ok bool) {
	t.Helper()
	b, err := backend.For(top.Backend)
	if err != nil {
		t.Fatal(err)
	}
	node := &top.Nodes[0]
	x, y = newExpander(top, node, Assume(top, node), b), newExpander(top, node, Assume(top, node), b)
	x.inTurn()
	return x, y, y.byKinds()
}

// Kind by kind, the same is emitted in the same order as peer by peer.
func TestKindsAreAsInTurn(t *testing.T) {
	every := func(string, string, netip.Addr) bool { return true }
	same := cmp.Options{
		cmp.Comparer(func(a, b model.Entry) bool { return a == b }), cmp.Comparer(func(a, b model.Key) bool { return a == b }),
	}
	for seed := range uint64(200) {
		top := randomFleet(t, rand.New(rand.NewPCG(seed, 2)))
		x, y, ok := both(t, top)
		if !ok || len(x.errs)+len(y.errs) > 0 {
			t.Fatalf("seed %d: errors %v, %v, clashes: %v", seed, x.errs, y.errs, !ok)
		}
		d := cmp.Diff(slices.Collect(x.out.State.All()), slices.Collect(y.out.State.All()), same) +
			cmp.Diff(x.out.State.Leading(every), y.out.State.Leading(every), same) +
			cmp.Diff(x.out.Derived, y.out.Derived) + cmp.Diff(x.out.Warnings, y.out.Warnings)
		if d != "" {
			t.Fatalf("seed %d (-in turn +by kinds):\n%s", seed, d)
		}
	}
}

// What is asked for twice, of whatever kind, is found, so that it is told as it would have
// been found peer by peer.
func TestKindsAskedForTwice(t *testing.T) {
	for name, spoil := range map[string]func(a, b *spec.Node){
		"route":     func(a, b *spec.Node) { b.Bridges[0].Addresses = a.Bridges[0].Addresses },
		"neighbour": func(a, b *spec.Node) { b.Overlay.Addresses = a.Overlay.Addresses },
		"FDB entry": func(a, b *spec.Node) { b.Overlay.MAC = a.Overlay.MAC },
	} {
		top := randomFleet(t, rand.New(rand.NewPCG(5, 5)))
		for i := range top.Nodes {
			n := &top.Nodes[i]
			p := netip.MustParsePrefix(fmt.Sprintf("10.200.%d.1/24", i))
			n.Bridges = []spec.Bridge{{Name: "br0", Addresses: []netip.Prefix{p}, Overlay: true}}
			n.Overlay.Addresses = []netip.Prefix{netip.PrefixFrom(p.Masked().Addr(), 32)}
		}
		if _, _, ok := both(t, top); !ok {
			t.Fatal("the topology is spoilt already")
		}
		spoil(&top.Nodes[1], &top.Nodes[2])
		if x, _, ok := both(t, top); ok || len(x.errs) == 0 {
			t.Errorf("a %s twice: found by kinds: %v, in turn: %v", name, !ok, x.errs)
		}
	}
}

// There is room for all that leads to peers, and not for kinds that there are none of.
func TestMostThatLeadsToPeers(t *testing.T) {
	top := randomFleet(t, rand.New(rand.NewPCG(7, 7)))
	x, _, _ := both(t, top)
	count := map[model.Kind]int{}
	for _, k := range x.out.State.Leading(func(netns, _ string, _ netip.Addr) bool { return netns == "" }) {
		count[k.Kind]++
	}
	routes, neighbours, fdb := most(top)
	of := [...]struct{ most, are int }{{routes, count[model.KindRoute]}, {neighbours, count[model.KindNeighbour]}, {fdb, count[model.KindFDB]}}
	for i, c := range of {
		if c.most < c.are || c.most > c.are+4 { // the node's own count, too, and nodes without subnets
			t.Errorf("kind %d: room for %d, and there are %d", i, c.most, c.are)
		}
	}
	top.Backend.Type = spec.HostGW
	if _, neighbours, fdb := most(top); neighbours+fdb > 0 {
		t.Errorf("host-gw: room for %d neighbours and %d FDB entries", neighbours, fdb)
	}
}

// What leads to a node says the same, wherever the peers have come to, and for a copy of it.
func TestWordsOfACopy(t *testing.T) {
	top := randomFleet(t, rand.New(rand.NewPCG(7, 7)))
	b, err := backend.For(top.Backend)
	if err != nil {
		t.Fatal(err)
	}
	l := &leader{expander: newExpander(top, &top.Nodes[0], Assume(top, &top.Nodes[0]), b), words: wordsOf(top)}
	last := len(top.Nodes) - 1
	copied := top.Nodes[0]
	for i, p := range []*spec.Node{&top.Nodes[last], &copied, &top.Nodes[last], &top.Nodes[0]} {
		n := model.Neighbour{Link: "vx", IP: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})}
		l.neighbour(n, p)
		e, _ := l.out.State.Get(n.Key())
		if e.Source != p.Pos.String() || e.Intent != backend.PeerIntent(p) {
			t.Errorf("%d: %q at %q, want %q at %q", i, e.Intent, e.Source, backend.PeerIntent(p), p.Pos)
		}
	}
}
