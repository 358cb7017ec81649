package spec

import "fmt"

// maxPlain is how many IPv4 subnets the nodes of a topology have at most whose routes are
// made without metrics. The kernel takes some 50 ms for so many, and for twice as many four
// times as long (model.SpreadMetric).
const maxPlain = 2000

// routeMetrics decides whether metrics are spread. It is one decision for all nodes: their
// own subnets count, too.
func (x *deriver) routeMetrics(b *Backend) {
	b.RouteMetrics = x.raw.backend.metric.or(value[string]{v: Auto}).v
	b.Spread = b.RouteMetrics == Spread
	if b.RouteMetrics != Auto || b.Mode == PerPeer && !b.DirectRouting {
		return
	}
	if n := x.subnets4(); n > maxPlain {
		b.Spread = true
		x.spreadReason = fmt.Sprintf("the nodes have %d IPv4 subnets: with more than %d, routes of one metric take the kernel long to make", n, maxPlain)
	}
}

// subnets4 counts the IPv4 subnets that peers get routes to.
func (x *deriver) subnets4() int {
	n := 0
	for _, r := range x.raw.nodes {
		for _, b := range r.bridges {
			if !x.raw.shares(b) {
				continue
			}
			for _, a := range b.addresses {
				if a.v.Addr().Is4() {
					n++
				}
			}
		}
	}
	return n
}
