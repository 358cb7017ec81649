package spec

import (
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// routes takes the file's routes, and derives a default route for each family that
// has none: via the bridge of eth0, or of the first interface that has one.
func (y *nodeDeriver) routes(r *rawNamespace, ns *Namespace) {
	var has [7]bool
	var seen map[routeID]node
	if len(r.routes) > 0 {
		seen = make(map[routeID]node, len(r.routes))
	}
	for _, raw := range r.routes {
		route, ok := y.route(raw, r, ns)
		if !ok || !y.newRoute(seen, raw, route, ns) {
			continue
		}
		ns.Routes = append(ns.Routes, route)
		if route.To.Bits() == 0 {
			has[model.Family(route.To.Addr())] = true
		}
	}
	if r.noRoutes {
		return
	}
	for _, family := range [...]int{4, 6} {
		if !has[family] {
			y.defaultRoute(ns, family)
		}
	}
}

// routeID is what the kernel tells routes of a namespace apart by.
type routeID struct {
	to     netip.Prefix
	metric uint32
}

// newRoute refuses a route twice, and one that the kernel makes itself with an
// interface's address: it would be in the way.
func (y *nodeDeriver) newRoute(seen map[routeID]node, r *rawRoute, route Route, ns *Namespace) bool {
	id := routeID{route.To, model.Metric(route.To, route.Metric)}
	if first, ok := seen[id]; ok {
		y.errorf(codeRouteTwice, r.at, "give it another metric", "there is another route to %s with the same metric, at %s", route.To, first.pos())
		return false
	}
	seen[id] = r.at
	for _, i := range ns.Interfaces {
		for _, a := range i.Addresses {
			if id == connected(a) {
				y.errorf(codeKernelRoute, r.at, "leave it out", "the kernel makes the route to %s itself: it is the subnet of %s", route.To, i.Name)
				return false
			}
		}
	}
	return true
}

// connected identifies the route that the kernel makes with an address
// (fib_add_ifaddr in net/ipv4/fib_frontend.c, IP6_RT_PRIO_ADDRCONF).
func connected(a netip.Prefix) routeID {
	const metric6 = 256
	switch {
	case a.Addr().Is6():
		return routeID{a.Masked(), metric6}
	case a.IsSingleIP():
		return routeID{} // it is in the table of local routes only
	}
	return routeID{a.Masked(), 0}
}

func (y *nodeDeriver) defaultRoute(ns *Namespace, family int) {
	for _, i := range byRank(ns.Interfaces) {
		via := y.gateway(i, family)
		if !via.IsValid() {
			continue
		}
		if ns.Routes == nil {
			ns.Routes = y.slabs.routes.list(1)
		}
		ns.Routes = append(ns.Routes, Route{To: wholeFamily(family), Via: via, Dev: i.Name, Made: madeRoute, Pos: i.Pos})
		return
	}
}

// byRank puts eth0 before the others, which are sorted by name.
func byRank(l []Interface) []Interface {
	i := slices.IndexFunc(l, func(i Interface) bool { return i.Name == "eth0" })
	if i <= 0 {
		return l
	}
	return slices.Concat(l[i:i+1], l[:i], l[i+1:])
}

// gateway returns the address of the interface's bridge in a subnet of the
// interface's, or the invalid Addr.
func (y *nodeDeriver) gateway(i Interface, family int) netip.Addr {
	for _, b := range y.out.Bridges {
		if b.Name != i.Bridge {
			continue
		}
		for _, p := range b.Addresses {
			for _, a := range i.Addresses {
				if model.Family(a.Addr()) == family && a.Masked().Contains(p.Addr()) {
					return p.Addr()
				}
			}
		}
	}
	return netip.Addr{}
}

func wholeFamily(family int) netip.Prefix {
	if family == 4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// route reads one of the file's routes, whose way out follows from its gateway.
func (y *nodeDeriver) route(r *rawRoute, raw *rawNamespace, ns *Namespace) (Route, bool) {
	route := Route{To: r.to.v, Via: r.via.v, Dev: r.dev.v, Metric: r.metric.v, Pos: r.at.pos()}
	switch {
	case r.broken:
		return route, false
	case r.defaultFor && !r.via.given():
		y.errorf(codeRouteNowhere, r.at, "via: the gateway's address, or to: 0.0.0.0/0 and dev:", "a default route without a gateway says not of which family it is")
		return route, false
	case r.defaultFor:
		route.To = wholeFamily(model.Family(r.via.v))
	}
	if r.via.given() && model.Family(r.via.v) != model.Family(route.To.Addr()) {
		y.errorf(codeOtherFamily, r.via.at, "", "the gateway %s and the destination %s are of different families", r.via.v, route.To)
		return route, false
	}
	return route, y.wayOut(r, &route, raw, ns)
}

// wayOut finds the interface that a route leads out of: the one it names, or the one
// that reaches the gateway.
func (y *nodeDeriver) wayOut(r *rawRoute, route *Route, raw *rawNamespace, ns *Namespace) bool {
	switch {
	case r.dev.given() && !raw.has(route.Dev):
		y.errorf(codeNoInterface, r.dev.at, "", "the namespace has no interface %q", route.Dev)
		return false
	case r.dev.given() && !r.via.given():
		return true
	case !r.via.given():
		y.errorf(codeRouteNowhere, r.at, "via: a gateway, or dev: an interface", "nothing says where the route leads to")
		return false
	}
	for _, i := range byRank(ns.Interfaces) {
		for _, a := range i.Addresses {
			if a.Addr() == route.Via {
				y.errorf(codeBadGateway, r.via.at, "", "the gateway %s is the namespace's own address", route.Via)
				return false
			}
			if route.Dev == "" && a.Masked().Contains(route.Via) {
				route.Dev = i.Name
			}
		}
	}
	switch {
	case route.Dev == "":
		y.errorf(codeBadGateway, r.via.at, "a gateway is in the subnet of one of the namespace's interfaces", "no interface of the namespace reaches the gateway %s", route.Via)
		return false
	case !reaches(raw, route.Dev, route.Via):
		y.errorf(codeBadGateway, r.via.at, "a gateway is in a subnet of the interface, or at the end of a route without a gateway", "%s does not reach the gateway %s", route.Dev, route.Via)
		return false
	}
	return true
}

// reaches says whether a gateway is on the link of an interface: the kernel takes no
// other (fib_check_nh in net/ipv4/fib_semantics.c).
func reaches(raw *rawNamespace, dev string, gateway netip.Addr) bool {
	for _, i := range raw.interfaces {
		for _, a := range i.addresses {
			if i.name == dev && a.v.Masked().Contains(gateway) {
				return true
			}
		}
	}
	for _, r := range raw.routes {
		if r.dev.v == dev && !r.via.given() && r.to.given() && r.to.v.Contains(gateway) {
			return true
		}
	}
	return false
}
