package spec

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func (y *nodeDeriver) namespace(r *rawNamespace) Namespace {
	ns := Namespace{Name: r.name, Pos: r.key.pos}
	slices.SortFunc(r.interfaces, func(a, b *rawInterface) int { return cmp.Compare(a.name, b.name) })
	for _, i := range r.interfaces {
		ns.Interfaces = append(ns.Interfaces, y.iface(r, i))
	}
	y.routes(r, &ns)
	ns.Sysctls = y.sysctls(r)
	return ns
}

// sysctls joins the namespace's own with the defaults, by name.
func (y *nodeDeriver) sysctls(r *rawNamespace) []Sysctl {
	var l []Sysctl
	own := map[string]bool{}
	for _, s := range r.sysctls {
		own[s.name] = true
		l = append(l, Sysctl{Name: s.name, Value: normal(s.value.v), Pos: s.key.pos})
	}
	for _, s := range y.deriver.raw.defaults.namespace.sysctls {
		if !own[s.name] {
			l = append(l, Sysctl{Name: s.name, Value: normal(s.value.v), Pos: s.key.pos})
		}
	}
	slices.SortFunc(l, func(a, b Sysctl) int { return cmp.Compare(a.Name, b.Name) })
	return l
}

// normal writes a sysctl's value as the kernel's is read: with single spaces.
func normal(v string) string { return strings.Join(strings.Fields(v), " ") }

func (y *nodeDeriver) iface(ns *rawNamespace, r *rawInterface) Interface {
	i := Interface{
		Name: r.name, MAC: r.mac.v, Host: r.host.v,
		MTU: r.mtu.or(y.deriver.raw.defaults.mtu).v, Pos: r.at.pos,
	}
	if r.key != nil {
		i.Pos = r.key.pos
	}
	for _, a := range r.addresses {
		i.Addresses = append(i.Addresses, a.v)
	}
	path := fmt.Sprintf("namespaces.%s.interfaces.%s", ns.name, r.name)
	i.Bridge = y.bridgeOf(path, r)
	if !r.host.given() {
		i.Host = vethName(ns.name, r.name)
		reason := "veth- and the namespace's name"
		switch {
		case !strings.HasSuffix(i.Host, r.name) && !strings.HasSuffix(i.Host, ns.name):
			reason = fmt.Sprintf("veth- and the first digits of the SHA-256 of %q, as the full name is too long", ns.name+"/"+r.name)
		case r.name != "eth0":
			reason += " and the interface's"
		}
		y.noteNode(path+".host", i.Host, reason)
	}
	return i
}

// bridgeOf returns the bridge that an interface is on: the one it names, else the
// one whose subnet holds its addresses.
func (y *nodeDeriver) bridgeOf(path string, r *rawInterface) string {
	if r.bridge.given() {
		y.checkBridge(r)
		return r.bridge.v
	}
	found := ""
	for _, a := range r.addresses {
		b, subnet := y.holder(a.v.Addr())
		switch {
		case b == nil:
			y.noBridge(a)
		case found == "":
			found = b.name
			y.noteNode(path+".bridge", found, fmt.Sprintf("its subnet %s holds %s", subnet.Masked(), a.v.Addr()))
		case b.name != found:
			y.errorf(a.at, "an interface is on one bridge; make another interface", "%s is in the subnet of the bridge %s, but the interface is on %s", a.v, b.name, found)
		}
	}
	if len(r.addresses) == 0 && !r.at.empty() && r.at.shape == mapping && r.at.get("addresses") == nil {
		y.errorf(r.at, "name it with bridge:", "without an address, nothing says which bridge the interface is on")
	}
	return found
}

// holder finds the bridge with a subnet that holds the address.
func (y *nodeDeriver) holder(a netip.Addr) (*rawBridge, netip.Prefix) {
	for _, b := range y.raw.bridges {
		for _, p := range b.addresses {
			if p.v.Masked().Contains(a) {
				return b, p.v
			}
		}
	}
	return nil, netip.Prefix{}
}

// noBridge tells that no bridge has the subnet of an address; what is wrong with a
// bridge was told already.
func (y *nodeDeriver) noBridge(a value[netip.Prefix]) {
	var there []string
	for _, b := range y.raw.bridges {
		if b.broken {
			return
		}
		for _, p := range b.addresses {
			there = append(there, fmt.Sprintf("%s (%s)", b.name, p.v.Masked()))
		}
	}
	if len(there) == 0 {
		y.errorf(a.at, "give the node a bridge with an address in the subnet", "no bridge of the node holds %s: it has none", a.v)
		return
	}
	y.errorf(a.at, "", "no bridge of the node has a subnet that holds %s; there is %s", a.v, some(there))
}

// checkBridge checks a bridge that an interface names.
func (y *nodeDeriver) checkBridge(r *rawInterface) {
	var names []string
	for _, b := range y.raw.bridges {
		names = append(names, b.name)
		if b.name != r.bridge.v {
			continue
		}
		for _, a := range r.addresses {
			if !b.broken && len(b.addresses) > 0 && !slices.ContainsFunc(b.addresses, func(p value[netip.Prefix]) bool { return p.v.Masked().Contains(a.v.Addr()) }) {
				y.errorf(a.at, "", "%s is outside the subnets of the bridge %s", a.v, b.name)
			}
		}
		return
	}
	y.errorf(r.bridge.at, didYouMean(r.bridge.v, names), "the node has no bridge %q", r.bridge.v)
}

// routes takes the file's routes, and derives a default route for each family that
// has none: via the bridge of eth0, or of the first interface that has one.
func (y *nodeDeriver) routes(r *rawNamespace, ns *Namespace) {
	var has [7]bool
	for _, raw := range r.routes {
		route, ok := y.route(raw, ns)
		if !ok {
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
	for _, family := range []int{4, 6} {
		if !has[family] {
			y.defaultRoute(ns, family)
		}
	}
}

func (y *nodeDeriver) defaultRoute(ns *Namespace, family int) {
	byChoice := slices.Clone(ns.Interfaces)
	slices.SortStableFunc(byChoice, func(a, b Interface) int { return cmp.Compare(rank(a), rank(b)) })
	for _, i := range byChoice {
		via := y.gateway(i, family)
		if !via.IsValid() {
			continue
		}
		ns.Routes = append(ns.Routes, Route{To: wholeFamily(family), Via: via, Dev: i.Name, Pos: i.Pos})
		y.noteNode(fmt.Sprintf("namespaces.%s.routes.default.ipv%d", ns.Name, family), via.String(), "the address of the bridge "+i.Bridge)
		return
	}
}

func rank(i Interface) int {
	if i.Name == "eth0" {
		return 0
	}
	return 1
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
func (y *nodeDeriver) route(r *rawRoute, ns *Namespace) (Route, bool) {
	route := Route{To: r.to.v, Via: r.via.v, Dev: r.dev.v, Metric: r.metric.v, Pos: r.at.pos}
	switch {
	case r.defaultFor && !r.via.given():
		y.errorf(r.at, "via: the gateway's address, or to: 0.0.0.0/0 and dev:", "a default route without a gateway says not of which family it is")
		return route, false
	case r.defaultFor:
		route.To = wholeFamily(model.Family(r.via.v))
	case !r.to.given():
		return route, false // told already
	}
	if r.via.given() && model.Family(r.via.v) != model.Family(route.To.Addr()) {
		y.errorf(r.via.at, "", "the gateway %s and the destination %s are of different families", r.via.v, route.To)
		return route, false
	}
	return route, y.wayOut(r, &route, ns)
}

// wayOut finds the interface that a route leads out of.
func (y *nodeDeriver) wayOut(r *rawRoute, route *Route, ns *Namespace) bool {
	if route.Dev != "" {
		if !slices.ContainsFunc(ns.Interfaces, func(i Interface) bool { return i.Name == route.Dev }) {
			y.errorf(r.dev.at, "", "the namespace has no interface %q", route.Dev)
			return false
		}
		return true
	}
	if !r.via.given() {
		y.errorf(r.at, "via: a gateway, or dev: an interface", "nothing says where the route leads to")
		return false
	}
	for _, i := range ns.Interfaces {
		for _, a := range i.Addresses {
			if a.Addr() == route.Via {
				y.errorf(r.via.at, "", "the gateway %s is the namespace's own address", route.Via)
				return false
			}
			if a.Masked().Contains(route.Via) {
				route.Dev = i.Name
			}
		}
	}
	if route.Dev == "" {
		y.errorf(r.via.at, "a gateway is in the subnet of one of the namespace's interfaces", "no interface of the namespace reaches the gateway %s", route.Via)
	}
	return route.Dev != ""
}
