package reconcile

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// fleet is what node vm0 of a topology wants, and a host that has just that.
func fleet(t *testing.T, backend string, nodes int) (*spec.Topology, *model.State, *model.State) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: fleet\nbackend: %s\nnodes:\n", backend)
	for i := range nodes {
		fmt.Fprintf(&b, "  vm%d: {address: 10.0.%d.%d, bridges: {br0: 172.16.%d.1/24}, namespaces: {web: 172.16.%d.2/24}}\n", i, i/200, i%200+1, i, i)
	}
	top, problems := spec.Parse([]spec.Source{{Name: "fleet.yaml", Data: []byte(b.String())}})
	if top == nil {
		t.Fatal(problems)
	}
	x, err := desired.Expand(top, &top.Nodes[0], desired.Assume(top, &top.Nodes[0]))
	if err != nil {
		t.Fatal(err)
	}
	seen := &model.State{}
	for e := range x.State.All() {
		owner := model.OwnerOurs
		if e.Ref {
			owner = model.OwnerForeign
		}
		seen.Put(model.Entry{Object: e.Object, Owner: owner})
	}
	return top, x.State, seen
}

// What a plan of single objects does, a plan of everything does, too: no more, and no
// less.
func TestAround(t *testing.T) {
	for _, backend := range []string{
		"host-gw", "vxlan", "ipip", "{type: ipip, mode: per-peer}", "{type: vxlan, routeMetrics: spread}", "{type: host-gw, routeMetrics: spread}",
	} {
		top, want, converged := fleet(t, backend, 6)
		node, facts := &top.Nodes[0], desired.Assume(top, &top.Nodes[0])
		var leaves, frame []model.Key
		for _, k := range want.Keys() {
			if k.Kind == model.KindRoute || k.Kind == model.KindNeighbour || k.Kind == model.KindFDB || k.Kind == model.KindSysctl {
				leaves = append(leaves, k)
			} else {
				frame = append(frame, k)
			}
		}
		steps := 0
		for seed := range uint64(2000) {
			r := rand.New(rand.NewPCG(seed, 7))
			seen := converged.Clone()
			var keys []model.Key
			for range 1 + r.IntN(4) {
				from := leaves
				if seed%2 == 1 && r.IntN(2) == 0 {
					from = frame
				}
				keys = append(keys, disturb(r, seen, from[r.IntN(len(from))]))
			}
			slices.SortFunc(keys, model.Key.Compare)
			keys = slices.Compact(keys)
			w := wardsOf(want, seen, node, facts)
			want, at := want.Clone(), want.Clone()
			desired.Adapt(want, seen)
			desired.AdaptAt(keys, at, seen)
			some, of := w.around.Excerpt(at, seen, keys)
			all, part := diff.Compute(want, seen, diff.Options{}), diff.Compute(some, of, beside(at, some))
			if d := cmp.Diff(judged(all), judged(part)); d != "" {
				t.Fatalf("%s, seed %d, %v (-everything +around):\n%s", backend, seed, keys, d)
			}
			steps += len(part.Steps)
		}
		if steps < 2000 {
			t.Errorf("%s: only %d steps in all", backend, steps)
		}
	}
}

// judged is what a plan does, and what limits of harm and number go by.
func judged(p *diff.Plan) []string {
	l := append(told(p), fmt.Sprintf("unchanged %d, %+v", p.Unchanged, p.Summary()))
	for _, c := range p.Changes {
		l = append(l, fmt.Sprintf("%s %s: %s", c.Action, c.Key(), c.Impact))
	}
	return l
}

// disturb changes an object behind the tool's back, and returns its key.
func disturb(r *rand.Rand, s *model.State, k model.Key) model.Key {
	e, ok := s.Get(k)
	if !ok {
		return k
	}
	switch r.IntN(5) {
	case 0:
		s.Remove(k)
	case 4: // a route, with another metric
		return elsewhere(r, s, e)
	case 1: // an orphan of the same kind
		e.Object = stray(r, e.Object)
		s.Put(e)
	case 2: // somebody else's in its place
		e.Owner = model.OwnerForeign
		s.Put(model.Entry{Object: changed(r, e.Object), Owner: model.OwnerForeign})
	default:
		e.Object = changed(r, e.Object)
		s.Put(e)
	}
	return e.Object.Key()
}

// elsewhere gives a route to a peer another metric, or adds one of somebody else's that has
// it.
func elsewhere(r *rand.Rand, s *model.State, e model.Entry) model.Key {
	route, ok := e.Object.(model.Route)
	if !ok || !route.Key().Spreadable() {
		return e.Object.Key()
	}
	metrics := []uint32{0, 20, model.SpreadMetric(route.Dst), 5000}
	if r.IntN(2) == 0 {
		s.Remove(route.Key())
	} else {
		e.Owner = model.OwnerForeign
	}
	route.Metric = metrics[r.IntN(len(metrics))]
	e.Object = route
	s.Put(e)
	return route.Key()
}

func changed(r *rand.Rand, o model.Object) model.Object {
	n := byte(r.IntN(200) + 1)
	switch o := o.(type) {
	case model.Route:
		o.Via = model.Some(netip.AddrFrom4([4]byte{192, 0, 2, n}))
		return o
	case model.Neighbour:
		o.MAC = model.Some(model.MAC{2, 0, 0, 0, 0, n})
		return o
	case model.FDBEntry:
		o.Dst = model.Some(netip.AddrFrom4([4]byte{192, 0, 2, n}))
		return o
	case model.Sysctl:
		o.Value = model.Some("0")
		return o
	case model.Netns:
		o.LoUp = model.Some(false)
		return o
	case model.Address:
		o.Scope = model.Some(n)
		return o
	case model.Link:
		switch {
		case n%5 == 0:
			o.MTU = model.Some(uint32(n) + 1000)
		case n%5 == 1:
			o.MAC = model.Some(model.MAC{2, 0, 0, 0, 2, n})
		case n%5 == 2 && o.Type.Value() == model.TypeVXLAN:
			o.VXLAN.VNI = model.Some(uint32(n) + 7)
		case n%5 == 3:
			o.Master = model.Some("")
		default:
			o.Up = model.Some(false)
		}
		return o
	}
	return o
}

func stray(r *rand.Rand, o model.Object) model.Object {
	n := byte(r.IntN(200) + 1)
	switch o := o.(type) {
	case model.Route:
		o.Dst = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, n}), 32)
		return o
	case model.Neighbour:
		o.IP = netip.AddrFrom4([4]byte{198, 51, 100, n})
		return o
	case model.FDBEntry:
		o.MAC = model.MAC{2, 0, 0, 0, 1, n}
		return o
	case model.Address:
		o.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, n}), 24)
		return o
	}
	return o
}

// told is what a plan does, as text.
func told(p *diff.Plan) []string {
	var l []string
	for _, s := range p.Steps {
		l = append(l, fmt.Sprintf("%s %s %v -> %v", s.Op, s.Key(), s.Before, s.After))
	}
	for _, c := range p.Conflicts {
		l = append(l, "conflict "+c.Want.Key().String())
	}
	return l
}

// News of what is asked for, or ours, leads to a look at just that, of an address at its
// link; news of links that lead to the peers, of addresses by which these may be on the link,
// and of what was lost, at everything; all the rest at nothing.
func TestConcerns(t *testing.T) {
	top, want, seen := fleet(t, "{type: vxlan, directRouting: true}", 4)
	facts := desired.Assume(top, &top.Nodes[0])
	facts.Direct = model.DirectsOf(map[netip.Addr]model.Direct{netip.MustParseAddr("10.0.0.2"): {OK: true}, netip.MustParseAddr("10.0.0.4"): {}})
	ours := model.RouteKey("", model.TableMain, netip.MustParsePrefix("172.16.1.0/24"), 0)
	orphan := model.RouteKey("", model.TableMain, netip.MustParsePrefix("198.51.100.0/24"), 0)
	seen.Put(model.Entry{Object: model.Route{Dst: orphan.Prefix, Table: model.TableMain}, Owner: model.OwnerOurs})
	foreign := func(p string) model.Key { return model.RouteKey("", model.TableMain, netip.MustParsePrefix(p), 0) }
	k := &Keeper{want: &desired.Expansion{State: want}, seen: seen, wards: wardsOf(want, seen, &top.Nodes[0], facts)}
	vxlan := ""
	for e := range want.All() {
		if l, ok := e.Object.(model.Link); ok && l.Type.Value() == model.TypeVXLAN {
			vxlan = l.Name
		}
	}
	mac := model.MAC{2, 0, 0, 0, 0, 9}
	for _, tc := range []struct {
		name string
		news kernel.News
		all  bool
		keys []model.Key
	}{
		{"route that is wanted", kernel.News{Key: ours, Kind: kernel.Gone}, false, []model.Key{ours}},
		{"orphan of ours", kernel.News{Key: orphan}, false, []model.Key{orphan}},
		{"route with our mark", kernel.News{Key: foreign("203.0.113.0/24"), Mark: true}, false, []model.Key{foreign("203.0.113.0/24")}},
		{"foreign route", kernel.News{Key: foreign("203.0.113.0/24")}, false, nil},
		{"foreign route to a peer", kernel.News{Key: foreign("10.0.0.0/29")}, true, nil},
		{"foreign route to a peer alone", kernel.News{Key: foreign("10.0.0.4/32")}, true, nil},
		{"foreign route between peers", kernel.News{Key: foreign("10.0.0.3/32")}, false, nil},
		{"foreign default route", kernel.News{Key: foreign("0.0.0.0/0")}, true, nil},
		{"foreign default route elsewhere", kernel.News{Netns: "web", Key: model.RouteKey("web", model.TableMain, netip.MustParsePrefix("10.0.0.0/8"), 9)}, false, nil},
		{"unknown row of our vxlan", kernel.News{Key: model.FDBKey("", vxlan, mac, netip.Addr{})}, false, []model.Key{model.FDBKey("", vxlan, mac, netip.Addr{})}},
		{"row of another device", kernel.News{Key: model.FDBKey("", "vxlan9", mac, netip.Addr{})}, false, nil},
		{"foreign neighbour", kernel.News{Key: model.NeighbourKey("", "eth0", netip.MustParseAddr("10.0.0.2"))}, false, nil},
		{"our bridge", kernel.News{Key: model.LinkKey("", "br0")}, false, []model.Key{model.LinkKey("", "br0")}},
		{"an end in a namespace", kernel.News{Netns: "web", Key: model.LinkKey("web", "eth0")}, false, []model.Key{model.LinkKey("web", "eth0")}},
		{"the overlay device", kernel.News{Key: model.LinkKey("", vxlan)}, true, nil},
		{"the underlay device", kernel.News{Key: model.LinkKey("", "eth0")}, true, nil},
		{"foreign link", kernel.News{Key: model.LinkKey("", "docker0")}, false, nil},
		{"link with our mark", kernel.News{Key: model.LinkKey("", "debris"), Mark: true}, false, []model.Key{model.LinkKey("", "debris")}},
		{"address on our bridge", kernel.News{Key: model.AddressKey("", "br0", netip.MustParsePrefix("192.0.2.1/24"))}, true, nil},
		{"address in a namespace", kernel.News{Netns: "web", Key: model.AddressKey("web", "eth0", netip.MustParsePrefix("172.16.0.2/24"))}, false, []model.Key{model.LinkKey("web", "eth0")}},
		{"underlay address", kernel.News{Key: model.AddressKey("", "eth7", netip.MustParsePrefix("10.0.0.1/24"))}, true, nil},
		{"foreign address", kernel.News{Key: model.AddressKey("", "docker0", netip.MustParsePrefix("192.0.2.1/24"))}, false, nil},
		{"our namespace", kernel.News{Key: model.NetnsKey("web")}, true, nil},
		{"foreign namespace", kernel.News{Key: model.NetnsKey("other")}, false, nil},
		{"settings", kernel.News{Kind: kernel.Settings}, false, k.wards.sysctls[""]},
		{"settings elsewhere", kernel.News{Netns: "web", Kind: kernel.Settings}, false, nil},
		{"overrun", kernel.News{Kind: kernel.Lost}, true, nil},
		{"nexthop", kernel.News{Kind: kernel.Nexthop}, true, nil},
	} {
		c := k.Concerns([]kernel.News{tc.news, tc.news})
		if c.All != tc.all || !slices.Equal(c.Keys, tc.keys) {
			t.Errorf("%s: all %v, keys %v; want %v, %v", tc.name, c.All, c.Keys, tc.all, tc.keys)
		}
	}
	if len(k.wards.sysctls[""]) == 0 || vxlan == "" {
		t.Error("the topology has no sysctls, or no vxlan device")
	}
}

// Of a route to a peer's subnet that is somebody else's, the news matter if it would take
// the packets of ours.
func TestConcernsOfOtherMetrics(t *testing.T) {
	top, want, seen := fleet(t, "{type: vxlan, routeMetrics: spread}", 4)
	k := &Keeper{want: &desired.Expansion{State: want}, seen: seen, wards: wardsOf(want, seen, &top.Nodes[0], desired.Assume(top, &top.Nodes[0]))}
	key := func(netns string, metric uint32) model.Key {
		return model.RouteKey(netns, model.TableMain, netip.MustParsePrefix("172.16.1.0/24"), metric)
	}
	spread := key("", 0).Spread()
	for _, tc := range []struct {
		key  model.Key
		want bool
	}{
		{spread, true}, {key("", 0), true}, {key("", spread.Metric-1), true}, {key("", spread.Metric+1), false}, {key("web", 0), false},
		{model.RouteKey("", model.TableMain, netip.MustParsePrefix("172.16.99.0/24"), 0), false},
	} {
		c := k.Concerns([]kernel.News{{Netns: tc.key.Netns, Key: tc.key}})
		want := []model.Key{tc.key}
		if tc.key != spread {
			want = append(want, spread) // which it is in the way of
		}
		if got := slices.Equal(c.Keys, want); got != tc.want || c.All {
			t.Errorf("%s: all %v, keys %v", tc.key, c.All, c.Keys)
		}
	}
}

// What is held stays as it is, and what needs it is left alone with it.
func TestWithhold(t *testing.T) {
	_, want, converged := fleet(t, "vxlan", 3)
	bridge, route := model.LinkKey("", "br0"), model.RouteKey("", model.TableMain, netip.MustParsePrefix("172.16.1.0/24"), 0)
	e, _ := converged.Get(bridge)
	l := e.Object.(model.Link)
	l.MTU = model.Some[uint32](1234)
	orphan := model.Route{Dst: netip.MustParsePrefix("198.51.100.0/24"), Table: model.TableMain, Dev: model.Some("br0")}
	for _, tc := range []struct {
		name    string
		disturb func(s *model.State)
		held    []model.Key
		want    int // steps
	}{
		{"nothing held", func(s *model.State) { s.Remove(route) }, nil, 1},
		{"held and gone", func(s *model.State) { s.Remove(route) }, []model.Key{route}, 0},
		{"another one", func(s *model.State) { s.Remove(route) }, []model.Key{bridge}, 1},
		{"held and changed", func(s *model.State) { s.Put(model.Entry{Object: l, Owner: model.OwnerOurs}) }, []model.Key{bridge}, 0},
		{"held, changed, and more", func(s *model.State) { s.Put(model.Entry{Object: l, Owner: model.OwnerOurs}); s.Remove(route) }, []model.Key{bridge}, 1},
		{"held orphan", func(s *model.State) { s.Put(model.Entry{Object: orphan, Owner: model.OwnerOurs}) }, []model.Key{orphan.Key()}, 0},
		{"somebody else's in its place", func(s *model.State) {
			x := l
			x.Type, x.Alias, x.Group = model.Some("dummy"), model.Some(""), model.Some[uint32](0)
			s.Put(model.Entry{Object: x, Owner: model.OwnerForeign})
		}, []model.Key{bridge}, 0},
	} {
		seen := converged.Clone()
		tc.disturb(seen)
		held := map[model.Key]bool{}
		for _, k := range tc.held {
			held[k] = true
		}
		w, s := withhold(want, seen, held)
		p := diff.Compute(w, s, diff.Options{})
		if len(p.Steps) != tc.want || len(p.Conflicts) > 0 {
			t.Errorf("%s: %d steps and %d conflicts, want %d and none: %v", tc.name, len(p.Steps), len(p.Conflicts), tc.want, told(p))
		}
	}
}
