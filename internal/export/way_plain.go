package export

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// plainRoutes takes the routes via gateways on the underlay's link for those to peers,
// as host-gw has them: those out of the device that has the most.
func (s *seen) plainRoutes() way {
	byDevice := map[string][]model.Route{}
	for _, r := range s.viaGateways() {
		byDevice[r.Dev.Value()] = append(byDevice[r.Dev.Value()], r)
	}
	w := way{backend: backend{kind: spec.HostGW}}
	names := slices.Sorted(maps.Keys(byDevice))
	if len(names) == 0 {
		return w
	}
	w.under = slices.MaxFunc(names, func(a, b string) int {
		return cmp.Or(len(byDevice[a])-len(byDevice[b]), cmp.Compare(b, a))
	})
	for _, name := range names {
		if name == w.under {
			continue
		}
		for _, r := range byDevice[name] {
			w.leaveRoute(r, "routes to peers lead out of one device, and most out of %s", w.under)
		}
	}
	s.gateways(&w, byDevice[w.under])
	w.peers = paired(w.peers)
	return w
}

// viaGateways returns the routes that may be to a peer: to a subnet, via a gateway on a
// device's own link that is not that of a default route, too.
func (s *seen) viaGateways() (l []model.Route) {
	routers := map[netip.Addr]bool{}
	for _, r := range s.routes[""] {
		if r.Dst.Bits() == 0 {
			routers[r.Via.Value()] = true
		}
	}
	for _, r := range s.routes[""] {
		via, dev := r.Via.Value(), s.byName[r.Dev.Value()]
		if r.Dst.Bits() > 0 && via.IsValid() && !via.IsLinkLocalUnicast() && !routers[via] && plain(r) && somebodys(r) &&
			s.oddMetric(r) == "" && model.Family(via) == model.Family(r.Dst.Addr()) &&
			!isTunnel(dev) && s.direct(via, dev.Name).OK {
			l = append(l, r)
		}
	}
	return l
}

func isTunnel(l model.Link) bool {
	t := l.Type.Value()
	return t == model.TypeVXLAN || t == model.TypeIPIP
}

// direct adds the peers that a vxlan or ipip overlay reaches by plain routes, as with
// directRouting. That would give such routes to every peer on the link, so where one is
// reached through the overlay, the plain routes are something else.
func (x *exporter) direct(s *seen) {
	w := way{}
	var routes []model.Route
	for _, r := range s.viaGateways() {
		if r.Dev.Value() == s.under && (s.backend.kind == spec.VXLAN || r.Dst.Addr().Is4()) {
			routes = append(routes, r)
		}
	}
	through := slices.ContainsFunc(s.peers, func(p *peer) bool { return s.view.direct(p.addresses[0], s.under).OK })
	if len(routes) == 0 {
		return
	}
	if through {
		for _, r := range routes {
			s.told[r.Key()] = true
			x.leave(s.host.Node, "%s: peers on the link are reached through the overlay, so this is no route to one", routeText(r))
		}
		return
	}
	s.gateways(&w, routes)
	s.backend.direct = true
	for _, p := range paired(w.peers) {
		if s.backend.kind == spec.VXLAN && model.Family(p.addresses[0]) != model.Family(s.node.addresses[0]) {
			x.leave(s.host.Node, "routes via %s: of that peer, no address of the family that carries the vxlan is known", p.addresses[0])
			continue
		}
		p.direct = true
		s.peers = append(s.peers, p)
		for _, a := range p.addresses {
			s.addAddress(model.Family(a))
		}
	}
}

// paired joins gateways of the two families, each in their order, to peers: which
// IPv4 and IPv6 address are one host's, no route tells, and to this host it makes no
// difference.
func paired(peers []*peer) []*peer {
	var l, six []*peer
	for _, p := range peers {
		if p.addresses[0].Is6() {
			six = append(six, p)
		} else {
			l = append(l, p)
		}
	}
	byAddress := func(a, b *peer) int { return a.addresses[0].Compare(b.addresses[0]) }
	slices.SortFunc(l, byAddress)
	slices.SortFunc(six, byAddress)
	for i, p := range six {
		if i >= len(l) {
			l = append(l, p)
			continue
		}
		l[i].addresses = append(l[i].addresses, p.addresses...)
		l[i].subnets = append(l[i].subnets, p.subnets...)
	}
	return l
}
