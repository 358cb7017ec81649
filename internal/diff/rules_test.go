package diff_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

var (
	static  = model.Some[uint8](4) // a route's protocol: an administrator's
	dummy   = model.Some("dummy")
	foreign = model.Link{Name: "br245", Type: model.Some(model.TypeBridge), Up: model.Some(true), MTU: model.Some[uint32](1450), MAC: model.Some(mac("02:00:00:00:00:01"))}
)

func route(dst, via, dev string) model.Route {
	r := model.Route{Dst: netip.MustParsePrefix(dst), Table: model.TableMain, Dev: model.Some(dev), Protocol: static}
	if via != "" {
		r.Via = model.Some(netip.MustParseAddr(via))
	}
	return r
}

// Each rule about what is not ours, on a host where classic over vxlan is to be.
func TestForeign(t *testing.T) {
	otherType := foreign
	otherType.Type = dummy
	other := foreign
	other.Alias = model.Some("netplan-overlay:other/vm9")
	twin := model.Link{Name: "flannel.1", Type: model.Some(model.TypeVXLAN), VXLAN: model.VXLAN{VNI: model.Some[uint32](1)}}
	for _, tc := range []struct {
		name      string
		there     []model.Object
		opts      diff.Options
		conflicts []string // the objects that are in the way
		adoptable []bool
		adopted   []string
	}{
		{name: "nothing", there: nil},
		{name: "a bridge of that name", there: []model.Object{foreign}, conflicts: []string{"link br245"}, adoptable: []bool{true}},
		{name: "a bridge of that name, to be adopted", there: []model.Object{foreign}, opts: diff.Options{Adopt: true}, adopted: []string{"link br245"}},
		{name: "another kind of device", there: []model.Object{otherType}, opts: diff.Options{Adopt: true}, conflicts: []string{"link br245"}, adoptable: []bool{false}},
		{name: "another topology's", there: []model.Object{other}, opts: diff.Options{Adopt: true}, conflicts: []string{"link br245"}, adoptable: []bool{false}},
		{name: "our VNI under another name", there: []model.Object{twin}, opts: diff.Options{Adopt: true}, conflicts: []string{"link flannel.1"}, adoptable: []bool{false}},
		{name: "a route to the peer's subnet", there: []model.Object{route("172.246.0.0/24", "192.168.32.1", "eth0")}, conflicts: []string{"route 172.246.0.0/24"}, adoptable: []bool{true}},
		{name: "such a route, to be adopted", there: []model.Object{route("172.246.0.0/24", "192.168.32.1", "eth0")}, opts: diff.Options{Adopt: true}, adopted: []string{"route 172.246.0.0/24"}},
		{name: "the peer's subnet on a link of theirs", opts: diff.Options{Adopt: true}, there: []model.Object{
			model.Address{Link: "eth0", Prefix: netip.MustParsePrefix("172.246.0.9/24")},
		}, conflicts: []string{"route 172.246.0.0/24"}, adoptable: []bool{false}},
		{name: "a namespace of that name", there: []model.Object{model.Netns{Name: "ns245"}}, conflicts: []string{"netns ns245"}, adoptable: []bool{true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := bare()
			k.Put(tc.there...)
			want := expand(t, classic(vxlan))
			p := diff.Compute(want, k.Observe(want), tc.opts)
			var conflicts, adopted []string
			var adoptable []bool
			for _, c := range p.Conflicts {
				conflicts = append(conflicts, c.Got.Key().String())
				adoptable = append(adoptable, c.Adoptable)
			}
			for _, c := range p.Changes {
				if c.Action == diff.Adopt {
					adopted = append(adopted, c.Key().String())
				}
			}
			same(t, "conflicts", tc.conflicts, conflicts)
			same(t, "adoptable", tc.adoptable, adoptable)
			same(t, "adopted", tc.adopted, adopted)
			if len(p.Conflicts) == 0 {
				run(t, k, p)
			}
		})
	}
}

// What would go down with ours is named, and nothing else is.
func TestHarm(t *testing.T) {
	br := model.LinkKey("", "br245")
	for _, tc := range []struct {
		name  string
		there []model.Object
		want  []string
	}{
		{"nothing", nil, nil},
		{"a port of our bridge", []model.Object{model.Link{Name: "tap0", Type: dummy, Master: model.Some(br.Name)}}, []string{"link tap0"}},
		{"an address on it", []model.Object{model.Address{Link: br.Name, Prefix: netip.MustParsePrefix("10.9.0.1/24")}}, []string{"address 10.9.0.1/24 on br245"}},
		{"a route through it", []model.Object{route("10.9.0.0/24", "", br.Name)}, []string{"route 10.9.0.0/24"}},
		{"a route from its address", []model.Object{func() model.Route {
			r := route("10.9.0.0/24", "192.168.32.1", "eth0")
			r.Src = model.Some(netip.MustParseAddr("172.245.0.1"))
			return r
		}()}, []string{"route 10.9.0.0/24"}},
		{"a route elsewhere", []model.Object{route("10.9.0.0/24", "192.168.32.1", "eth0")}, nil},
		{"an end in our namespace", []model.Object{
			model.Link{Name: "vg", Type: model.Some(model.TypeVeth), Peer: model.Some(model.EndRef{Netns: "ns245", Name: "guest"})},
			model.Link{Netns: "ns245", Name: "guest", Type: model.Some(model.TypeVeth), Peer: model.Some(model.EndRef{Name: "vg"})},
		}, []string{"link vg", "link guest in netns ns245"}},
		{"a neighbour on our vxlan", []model.Object{model.Neighbour{Link: "vxlan1", IP: netip.MustParseAddr("10.9.0.9"), MAC: model.Some(mac("02:00:00:00:00:09"))}}, []string{"neighbour 10.9.0.9 on vxlan1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := applied(t, classic(vxlan))
			k.Put(tc.there...)
			nothing := &model.State{}
			p := diff.Compute(nothing, k.Observe(nothing), diff.Options{})
			var harmed []string
			for _, h := range p.Harmed {
				harmed = append(harmed, h.Object.Key().String())
			}
			slices.Sort(harmed)
			slices.Sort(tc.want)
			same(t, "harmed", tc.want, harmed)
			run(t, k, p)
		})
	}
}

// A reference that does not exist is missing, and never made.
func TestMissing(t *testing.T) {
	want := expand(t, classic(vxlan))
	k := fake.New(identity)
	p := diff.Compute(want, k.Observe(want), diff.Options{})
	if len(p.Missing) != 1 || p.Missing[0].Object.Key() != model.LinkKey("", "eth0") {
		t.Errorf("missing: %v, want eth0", p.Missing)
	}
	for _, s := range p.Steps {
		if s.Key().Name == "eth0" && s.Key().Netns == "" {
			t.Errorf("%s %s is planned", s.Op, s.Key())
		}
	}
}

// What differs after somebody changed one thing, as changes.
func TestDrift(t *testing.T) {
	for _, tc := range []struct {
		name  string
		drift model.Step
		want  []string
	}{
		{"nothing", model.Step{}, nil},
		{"vxlan deleted", remove(model.Link{Name: "vxlan1"}), []string{
			"+ link vxlan1", "+ address 172.245.0.0/32 on vxlan1", "+ fdb 02:00:00:00:01:46 on vxlan1", "+ neighbour 172.246.0.0 on vxlan1", "+ route 172.246.0.0/24",
		}},
		{"bridge deleted", remove(model.Link{Name: "br245"}), []string{"+ link br245", "~ link veth-ns245", "+ address 172.245.0.1/24 on br245"}},
		{"end in the namespace deleted", remove(model.Link{Netns: "ns245", Name: "eth0"}), []string{
			"+ link veth-ns245", "+ link eth0 in netns ns245", "+ address 172.245.0.2/24 on eth0 in netns ns245", "+ route default in netns ns245",
		}},
		{"vxlan down", change(model.Link{Name: "vxlan1", Up: model.Some(false)}), []string{"~ link vxlan1", "+ neighbour 172.246.0.0 on vxlan1", "+ route 172.246.0.0/24"}},
		{"vxlan's MAC", change(model.Link{Name: "vxlan1", MAC: model.Some(mac("02:09:09:09:09:09"))}), []string{"~ link vxlan1", "+ neighbour 172.246.0.0 on vxlan1"}},
		{"half-made", change(model.Link{Name: "vxlan1", Alias: model.Some("")}), []string{"~ link vxlan1"}},
		{"debris", model.Step{Op: model.OpCreate, After: model.Link{Name: "debris", Type: dummy, Group: model.Some(model.MarkGroup)}}, []string{"- link debris"}},
		{"FDB entry of nobody", model.Step{Op: model.OpCreate, After: model.FDBEntry{Link: "vxlan1", MAC: mac("02:09:09:09:09:09"), Dst: model.Some(netip.MustParseAddr("192.168.32.9"))}}, []string{"- fdb 02:09:09:09:09:09 on vxlan1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := applied(t, classic(vxlan))
			if tc.drift.Op != 0 {
				run(t, k, &diff.Plan{Steps: []model.Step{tc.drift}})
			}
			want := expand(t, classic(vxlan))
			p := diff.Compute(want, k.Observe(want), diff.Options{})
			var changes []string
			for _, c := range p.Changes {
				changes = append(changes, string(c.Action)+" "+c.Key().String())
			}
			same(t, "changes", tc.want, changes)
			run(t, k, p)
			if again := diff.Compute(want, k.Observe(want), diff.Options{}); !again.Empty() {
				t.Errorf("the second plan is not empty:\n%s", text(again))
			}
		})
	}
}

func remove(o model.Object) model.Step { return model.Step{Op: model.OpDelete, Before: o} }

func change(o model.Object) model.Step { return model.Step{Op: model.OpUpdate, Before: o, After: o} }

// A fixed attribute means a replacement, which names its cause and takes its
// children along.
func TestReplacement(t *testing.T) {
	k := applied(t, classic(vxlan))
	topology := classic(vxlan)
	topology.Backend.Port = 4789
	want := expand(t, topology)
	p := diff.Compute(want, k.Observe(want), diff.Options{})
	vtep := model.LinkKey("", "vxlan1")
	got := map[string]diff.Change{}
	for _, c := range p.Changes {
		got[c.Key().String()] = c
	}
	if c := got["link vxlan1"]; c.Action != diff.Replace || c.Cause != nil || !slices.ContainsFunc(c.Differences(), func(a model.AttrChange) bool { return a.Name == "port" && a.Fixed }) {
		t.Errorf("the link: %+v", c)
	}
	if c := got["route 172.246.0.0/24"]; c.Action != diff.Replace || c.Cause == nil || *c.Cause != vtep || c.Impact == model.ImpactNone {
		t.Errorf("the route: %c caused by %s, impact %s", c.Action, c.Cause, c.Impact)
	}
	if s := p.Summary(); s != (diff.Summary{Replace: 5, Impact: s.Impact}) {
		t.Errorf("summary: %+v", s)
	}
}

// A vxlan device cannot change the family of its own address.
func TestFamilyIsFixed(t *testing.T) {
	k := applied(t, classic(vxlan))
	topology := classic(vxlan)
	topology.Backend.Family = 6
	for i := range topology.Nodes {
		topology.Nodes[i].Addresses = append(topology.Nodes[i].Addresses, netip.MustParseAddr("2001:db8::245").Next())
	}
	want := expand(t, topology)
	p := diff.Compute(want, k.Observe(want), diff.Options{})
	run(t, k, p)
	if !slices.ContainsFunc(p.Steps, func(s model.Step) bool { return s.Op == model.OpDelete && s.Key() == model.LinkKey("", "vxlan1") }) {
		t.Errorf("the device is not replaced:\n%s", text(p))
	}
}

// Two tunnels that swap their far ends cannot be changed one after the other.
func TestSwappedClaims(t *testing.T) {
	tunnels := func(a, b string) *model.State {
		s := &model.State{}
		for name, remote := range map[string]string{"t1": a, "t2": b} {
			s.Put(model.Entry{Object: model.Link{
				Name: name, Type: model.Some(model.TypeIPIP), Up: model.Some(true),
				Group: model.Some(model.MarkGroup), Alias: model.Some(identity.Alias()),
				IPIP: model.IPIP{Local: model.Some(netip.MustParseAddr("192.168.32.245")), Remote: model.Some(netip.MustParseAddr(remote))},
			}})
		}
		return s
	}
	k := bare()
	for _, want := range []*model.State{tunnels("192.0.2.1", "192.0.2.2"), tunnels("192.0.2.2", "192.0.2.1")} {
		run(t, k, diff.Compute(want, k.Observe(want), diff.Options{}))
		if again := diff.Compute(want, k.Observe(want), diff.Options{}); !again.Empty() {
			t.Errorf("the second plan is not empty:\n%s", text(again))
		}
	}
}

func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
