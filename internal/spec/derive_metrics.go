package spec

import (
	"fmt"
	"slices"
	"strings"
)

// maxPlain is how many IPv4 subnets the nodes of a topology have at most whose routes are
// made without metrics. The kernel takes some 50 ms for so many, and for twice as many four
// times as long (model.SpreadMetric).
const maxPlain = 2000

// routeMetrics decides whether metrics are spread, when all nodes are known. It is one
// decision for all of them: their own subnets count, too.
func (x *deriver) routeMetrics() {
	b := &x.out.Backend
	b.RouteMetrics = x.raw.backend.metric.or(value[string]{v: Auto}).v
	b.Spread = b.RouteMetrics == Spread
	if b.RouteMetrics != Auto || b.Mode == PerPeer && !b.DirectRouting {
		return
	}
	n := x.subnets4()
	if n <= maxPlain {
		return
	}
	b.Spread = true
	note := Derived{
		Path: "backend.routeMetrics", Value: Spread,
		Reason: fmt.Sprintf("the nodes have %d IPv4 subnets: with more than %d, routes of one metric take the kernel long to make", n, maxPlain),
	}
	last := slices.IndexFunc(x.out.Defaults, func(d Derived) bool { return !strings.HasPrefix(d.Path, "backend.") })
	if last < 0 {
		last = len(x.out.Defaults)
	}
	x.out.Defaults = slices.Insert(x.out.Defaults, last, note)
}

// subnets4 counts the IPv4 subnets that peers get routes to.
func (x *deriver) subnets4() int {
	n := 0
	for i := range x.out.Nodes {
		for range x.out.Nodes[i].Subnets(4) {
			n++
		}
	}
	return n
}
