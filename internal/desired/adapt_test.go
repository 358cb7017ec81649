package desired_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// toPeer is the key of the route of vm1 to the subnet of vm2, with a metric.
func toPeer(metric uint32) model.Key {
	return model.RouteKey("", model.TableMain, netip.MustParsePrefix("172.246.0.0/24"), metric)
}

// spreadMetric is the metric of that where they are spread.
const spreadMetric = 1275

// wanted expands classic for vm1, as if there were many nodes or few.
func wanted(t *testing.T, backend string, many bool) *model.State {
	t.Helper()
	topology := parse(t, classic, backend)
	if topology.Backend.RouteMetrics == spec.Auto {
		topology.Backend.Spread = many
	}
	node := nodeOf(t, topology, "vm1")
	x, err := desired.Expand(topology, node, desired.Assume(topology, node))
	if err != nil {
		t.Fatal(err)
	}
	return x.State
}

func metrics(s *model.State) string {
	var l []string
	for e := range s.All() {
		if r, ok := e.Object.(model.Route); ok && r.Netns == "" {
			l = append(l, fmt.Sprintf("%s %d free=%v", r.Dst, r.Metric, e.Free))
		}
	}
	return strings.Join(l, ", ")
}

// Routes out of a device that others to peers lead out of have the metric that the
// topology gives them, with every backend; others have none.
func TestMetricsOfRoutes(t *testing.T) {
	for _, tc := range []struct {
		backend string
		many    bool
		want    string
	}{
		{"vxlan", false, "172.246.0.0/24 0 free=true"},
		{"vxlan", true, "172.246.0.0/24 1275 free=true"},
		{"{type: vxlan, routeMetrics: spread}", false, "172.246.0.0/24 1275 free=false"},
		{"{type: vxlan, routeMetrics: plain}", true, "172.246.0.0/24 0 free=false"},
		{"{type: vxlan, directRouting: true}", true, "172.246.0.0/24 1275 free=true"},
		{"host-gw", true, "172.246.0.0/24 1275 free=true"},
		{"ipip", true, "172.246.0.0/24 1275 free=true"},
		{"{type: ipip, mode: per-peer}", true, "172.246.0.0/24 0 free=false"},
		{"{type: ipip, mode: per-peer, routeMetrics: spread}", true, "172.246.0.0/24 0 free=false"},
		{"{type: ipip, mode: per-peer, directRouting: true}", true, "172.246.0.0/24 1275 free=true"},
	} {
		if got := metrics(wanted(t, tc.backend, tc.many)); got != tc.want {
			t.Errorf("%s, many %v: %s; want %s", tc.backend, tc.many, got, tc.want)
		}
	}
}

// IPv6 routes have the kernel's metric whatever the file says.
func TestMetricsOfIPv6(t *testing.T) {
	topology := parse(t, campus, "{type: vxlan, routeMetrics: spread}")
	node := nodeOf(t, topology, "rack1")
	x, err := desired.Expand(topology, node, desired.Assume(topology, node))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for e := range x.State.All() {
		k := e.Object.Key()
		if k.Kind != model.KindRoute || !k.Prefix.Addr().Is6() {
			continue
		}
		if n++; k.Metric != model.DefaultMetric6 || e.Free {
			t.Errorf("%s: free %v", k, e.Free)
		}
	}
	if n == 0 {
		t.Error("there are no IPv6 routes")
	}
}

func TestAdapt(t *testing.T) {
	const ours, foreign, kernel = model.OwnerOurs, model.OwnerForeign, model.OwnerKernel
	on := func(metric uint32, owner model.Owner) model.Entry {
		k := toPeer(metric)
		return model.Entry{Object: model.Route{Dst: k.Prefix, Table: k.Table, Metric: metric, Dev: model.Some("eth7")}, Owner: owner}
	}
	for _, tc := range []struct {
		name    string
		backend string
		many    bool
		there   []model.Entry
		want    uint32
	}{
		{"nothing there, few", "vxlan", false, nil, 0},
		{"nothing there, many", "vxlan", true, nil, spreadMetric},
		{"the line was crossed upwards", "vxlan", true, []model.Entry{on(0, ours)}, 0},
		{"the line was crossed downwards", "vxlan", false, []model.Entry{on(spreadMetric, ours)}, spreadMetric},
		{"as it would be made, few", "vxlan", false, []model.Entry{on(0, ours)}, 0},
		{"as it would be made, many", "vxlan", true, []model.Entry{on(spreadMetric, ours)}, spreadMetric},
		{"both, few", "vxlan", false, []model.Entry{on(0, ours), on(spreadMetric, ours)}, 0},
		{"both, many", "vxlan", true, []model.Entry{on(0, ours), on(spreadMetric, ours)}, spreadMetric},
		{"another metric", "vxlan", true, []model.Entry{on(100, ours)}, spreadMetric},
		{"somebody's without a metric", "vxlan", true, []model.Entry{on(0, foreign)}, 0},
		{"somebody's with ours", "vxlan", true, []model.Entry{on(spreadMetric, foreign)}, spreadMetric},
		{"somebody's beside ours", "vxlan", true, []model.Entry{on(0, foreign), on(spreadMetric, ours)}, spreadMetric},
		{"somebody's twice, few", "vxlan", false, []model.Entry{on(0, foreign), on(spreadMetric, foreign)}, 0},
		{"somebody's twice, many", "vxlan", true, []model.Entry{on(0, foreign), on(spreadMetric, foreign)}, spreadMetric},
		{"somebody's with the one, ours with the other", "vxlan", false, []model.Entry{on(0, foreign), on(spreadMetric, ours)}, spreadMetric},
		{"the kernel's own", "vxlan", true, []model.Entry{on(0, kernel)}, spreadMetric},
		{"spread as the file says", "{type: vxlan, routeMetrics: spread}", true, []model.Entry{on(0, ours)}, spreadMetric},
		{"plain as the file says", "{type: vxlan, routeMetrics: plain}", true, []model.Entry{on(spreadMetric, ours)}, 0},
	} {
		for how, adapt := range map[string]func(want, seen *model.State){
			"all":       desired.Adapt,
			"one":       func(want, seen *model.State) { desired.AdaptAt([]model.Key{toPeer(0)}, want, seen) },
			"the other": func(want, seen *model.State) { desired.AdaptAt([]model.Key{toPeer(spreadMetric)}, want, seen) },
		} {
			want := wanted(t, tc.backend, tc.many)
			before, _ := want.Get(toPeer(0))
			if before.Object == nil {
				before, _ = want.Get(toPeer(spreadMetric))
			}
			n := want.Len()
			seen := &model.State{}
			for _, e := range tc.there {
				seen.Put(e)
			}
			adapt(want, seen)
			got, ok := want.Get(toPeer(tc.want))
			if !ok || want.Len() != n {
				t.Errorf("%s (%s): %s", tc.name, how, metrics(want))
				continue
			}
			r := before.Object.(model.Route)
			r.Metric = tc.want
			before.Object = r
			if got != before {
				t.Errorf("%s (%s): more was changed than the metric:\n%+v\n%+v", tc.name, how, before, got)
			}
		}
	}
}

// A host that is as it would be made costs no allocation.
func TestAdaptIsCheap(t *testing.T) {
	want, seen := &model.State{}, &model.State{}
	for i := range 1000 {
		dst := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		r := model.Route{Dst: dst, Table: model.TableMain, Metric: model.SpreadMetric(dst)}
		want.Put(model.Entry{Object: r, Free: true})
		seen.Put(model.Entry{Object: r, Owner: model.OwnerOurs})
	}
	if n := testing.AllocsPerRun(10, func() { desired.Adapt(want, seen) }); n > 3 { // of the iteration
		t.Errorf("%v allocations", n)
	}
}
