package diff_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// spreadBy is a backend with spread metrics: that of 172.246.0.0/24 is 1275.
func spreadBy(b spec.Backend) spec.Backend {
	b.RouteMetrics, b.Spread = spec.Spread, true
	return b
}

// A metric changes in two steps between which both routes are there, and is one change.
func TestMetricChange(t *testing.T) {
	for _, tc := range []struct {
		name     string
		from, to spec.Backend
		phase    diff.Phase
		steps    string
		change   string
	}{
		{"to spread ones", vxlan, spreadBy(vxlan), diff.Whole,
			"create route 172.246.0.0/24 metric 1275\ndelete route 172.246.0.0/24\n",
			"update route 172.246.0.0/24 metric 1275: metric 0 -> 1275, impact none"},
		{"to none", spreadBy(vxlan), vxlan, diff.Whole,
			"create route 172.246.0.0/24\ndelete route 172.246.0.0/24 metric 1275\n",
			"update route 172.246.0.0/24: metric 1275 -> 0, impact none"},
		{"nothing of it is prepared", vxlan, spreadBy(vxlan), diff.Prepare, "", ""},
		{"packets take the new one when that is due", vxlan, spreadBy(vxlan), diff.Commit,
			"create route 172.246.0.0/24 metric 1275\ndelete route 172.246.0.0/24\n",
			"update route 172.246.0.0/24 metric 1275: metric 0 -> 1275, impact none"},
		{"what keeps no packet from the new one stays till the end", spreadBy(vxlan), vxlan, diff.Commit,
			"create route 172.246.0.0/24\n",
			"update route 172.246.0.0/24: metric 1275 -> 0, impact none"},
	} {
		k := applied(t, classic(tc.from))
		want := expand(t, classic(tc.to))
		p := diff.Compute(want, k.Observe(want), diff.Options{Phase: tc.phase})
		if d := cmp.Diff(tc.steps, text(p)); d != "" {
			t.Errorf("%s: the steps (-want +got):\n%s", tc.name, d)
		}
		if d := cmp.Diff(tc.change, changes(p)); d != "" {
			t.Errorf("%s: the changes (-want +got):\n%s", tc.name, d)
		}
		if s := p.Summary(); s.Destroy != 0 {
			t.Errorf("%s: %d deletions are counted", tc.name, s.Destroy)
		}
		run(t, k, p)
	}
}

// changes lists what a plan says of routes of the host's own.
func changes(p *diff.Plan) string {
	var l []string
	for _, c := range p.Changes {
		if c.Key().Kind != model.KindRoute || c.Key().Netns != "" {
			continue
		}
		s := fmt.Sprintf("%s %s:", c.Action, c.Key())
		for _, a := range c.Attrs {
			if c.Action != diff.Create && c.Action != diff.Delete {
				s += fmt.Sprintf(" %s %s -> %s,", a.Name, orNone(a.Before), orNone(a.After))
			}
		}
		l = append(l, s+" impact "+c.Impact.String())
	}
	return strings.Join(l, "\n")
}

// Where the backend changes with the metric, each route of the old one goes with its
// device, or when nobody needs it any more, and is not told twice.
func TestMetricAndBackendChange(t *testing.T) {
	for _, tc := range []struct{ from, to spec.Backend }{
		{hostGW, spreadBy(vxlan)}, {spreadBy(vxlan), ipip}, {vxlan, spreadBy(hostGW)}, {spreadBy(ipip), vxlan},
	} {
		for _, phases := range [][]diff.Phase{{diff.Whole}, {diff.Prepare, diff.Commit, diff.Whole}} {
			k := applied(t, classic(tc.from))
			want := expand(t, classic(tc.to))
			for _, p := range phases {
				phase(t, k, want, p)
				if p != diff.Commit {
					continue
				}
				if got := way(k.Observe(want)); !strings.Contains(got, wantedWay(want)) {
					t.Errorf("%s to %s: after the commit, packets to the peer go by %s", tc.from.Type, tc.to.Type, got)
				}
			}
			if got := way(k.Observe(want)); got != wantedWay(want) {
				t.Errorf("%s to %s: packets to the peer go by %s", tc.from.Type, tc.to.Type, got)
			}
		}
	}
}

// way is the route of the lowest metric to the peer.
func way(s *model.State) string {
	for e := range s.All() { // in the order of their metrics
		if r, ok := e.Object.(model.Route); ok && r.Dst == netip.MustParsePrefix("172.246.0.0/24") {
			return fmt.Sprintf("%s via %s dev %s", r.Key(), r.Via.Value(), r.Dev.Value())
		}
	}
	return "none"
}

func wantedWay(want *model.State) string { return way(want) }

// A route of others' with a lower metric than ours would take its packets.
func TestUndercutting(t *testing.T) {
	to := func(metric uint32) model.Route {
		r := route("172.246.0.0/24", "192.168.32.1", "eth0")
		r.Metric = metric
		return r
	}
	blackhole := model.Route{Dst: to(0).Dst, Table: model.TableMain, Type: model.Some("blackhole"), Protocol: static}
	theirs := model.Address{Link: "eth0", Prefix: netip.MustParsePrefix("172.246.0.9/24")}
	const ours = "route 172.246.0.0/24 metric 1275"
	for _, tc := range []struct {
		name     string
		there    []model.Object
		adopt    bool
		conflict string
		changes  string
	}{
		{"none", nil, false, "", "create " + ours + ": impact none"},
		{"a higher metric", []model.Object{to(1276)}, false, "", "create " + ours + ": impact none"},
		{"no metric", []model.Object{to(0)}, false, "route 172.246.0.0/24 in place of " + ours + ", adoptable", ""},
		{"a lower one", []model.Object{to(1274)}, false, "route 172.246.0.0/24 metric 1274 in place of " + ours + ", adoptable", ""},
		{"the same one", []model.Object{to(1275)}, false, ours + " in place of " + ours + ", adoptable", ""},
		{"one that drops packets", []model.Object{blackhole}, false, "route 172.246.0.0/24 in place of " + ours + ", adoptable", ""},
		{"the kernel's, for an address of theirs", []model.Object{theirs}, true, "route 172.246.0.0/24 in place of " + ours, ""},
		{"to be adopted", []model.Object{to(20)}, true, "",
			"adopt " + ours + ": metric 20 -> 1275, via 192.168.32.1 -> 172.246.0.0, dev eth0 -> vxlan1, onlink off -> on, protocol 4 -> 157, impact disruptive"},
		{"two to be adopted", []model.Object{to(0), to(20)}, true, "",
			"adopt " + ours + ": metric 20 -> 1275, via 192.168.32.1 -> 172.246.0.0, dev eth0 -> vxlan1, onlink off -> on, protocol 4 -> 157, impact disruptive\n" +
				"delete route 172.246.0.0/24: impact none"},
	} {
		k := bare()
		k.Put(tc.there...)
		want := expand(t, classic(spreadBy(vxlan)))
		p := diff.Compute(want, k.Observe(want), diff.Options{Adopt: tc.adopt})
		var conflicts []string
		for _, c := range p.Conflicts {
			s := fmt.Sprintf("%s in place of %s", c.Got.Key(), c.Want.Key())
			if c.Adoptable {
				s += ", adoptable"
			}
			conflicts = append(conflicts, s)
		}
		if d := cmp.Diff(tc.conflict, strings.Join(conflicts, "\n")); d != "" {
			t.Errorf("%s: the conflicts (-want +got):\n%s", tc.name, d)
		}
		if d := cmp.Diff(tc.changes, changes(p)); d != "" {
			t.Errorf("%s: the changes (-want +got):\n%s", tc.name, d)
		}
		if len(conflicts) > 0 {
			continue
		}
		run(t, k, p)
		if again := diff.Compute(want, k.Observe(want), diff.Options{}); !again.Empty() || len(again.Conflicts) > 0 {
			t.Errorf("%s: the second plan is not empty:\n%s", tc.name, text(again))
		}
	}
}

// One that comes when ours is there is in conflict with it, too, and goes if it is to be
// adopted.
func TestUndercutLater(t *testing.T) {
	k := applied(t, classic(spreadBy(vxlan)))
	k.Put(route("172.246.0.0/24", "192.168.32.1", "eth0"))
	want := expand(t, classic(spreadBy(vxlan)))
	p := diff.Compute(want, k.Observe(want), diff.Options{})
	if len(p.Conflicts) != 1 || !p.Empty() {
		t.Errorf("%d conflicts:\n%s", len(p.Conflicts), text(p))
	}
	if p = diff.Compute(want, k.Observe(want), diff.Options{Adopt: true, Phase: diff.Prepare}); len(p.Conflicts) > 0 || !p.Empty() {
		t.Errorf("preparing, %d conflicts:\n%s", len(p.Conflicts), text(p))
	}
	p = diff.Compute(want, k.Observe(want), diff.Options{Adopt: true})
	if d := cmp.Diff("delete route 172.246.0.0/24: impact none", changes(p)); d != "" || len(p.Conflicts) > 0 {
		t.Errorf("%d conflicts, and the changes are (-want +got):\n%s", len(p.Conflicts), d)
	}
}

// An address of the host's own that is given up goes before the route to the peer that has
// its subnet now, with a metric as without one.
func TestSubnetMoves(t *testing.T) {
	for _, b := range []spec.Backend{vxlan, spreadBy(vxlan)} {
		k := applied(t, moved(b, "172.246.0.1/24", "172.99.0.1/24"))
		for _, p := range []diff.Phase{diff.Commit, diff.Whole} {
			k := k.Clone()
			want := expand(t, moved(b, "172.98.0.1/24", "172.246.0.1/24"))
			phase(t, k, want, p)
			if got := way(k.Observe(want)); !strings.Contains(got, wantedWay(want)) {
				t.Errorf("spread %v, phase %q: packets to the peer go by %s", b.Spread, p, got)
			}
		}
	}
}

// moved is classic with other subnets.
func moved(b spec.Backend, first, second string) *spec.Topology {
	t := classic(b)
	for i, p := range []string{first, second} {
		n := &t.Nodes[i]
		n.Bridges[0].Addresses = prefixes(p)
		n.Namespaces = nil
		n.Overlay.Addresses = []netip.Prefix{netip.PrefixFrom(netip.MustParsePrefix(p).Masked().Addr(), 32)}
	}
	return t
}
