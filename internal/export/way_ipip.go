package export

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// multipoints finds the ipip devices to whom it may concern: the gateway of a route out
// of them is the peer's underlay address.
func (s *seen) multipoints() (ways []way) {
	for _, l := range s.links {
		if l.Type.Value() != model.TypeIPIP || l.IPIP.Remote.Value().IsValid() || !s.candidate(l) {
			continue
		}
		w := way{backend: backend{kind: spec.IPIP, mode: spec.Multipoint}, device: l.Name, local: l.IPIP.Local.Value(), under: l.IPIP.Dev.Value()}
		s.device(&w, l)
		s.gateways(&w, s.routesOf(&w, l.Name))
		if w.ours || len(w.peers) > 0 || len(w.own.addresses) > 0 {
			ways = append(ways, w)
		}
	}
	return ways
}

// gateways finds the peers that are the gateways of routes.
func (s *seen) gateways(w *way, routes []model.Route) {
	byAddress := map[netip.Addr]*peer{}
	for _, r := range routes {
		via := r.Via.Value()
		if !via.IsValid() || model.Family(via) != model.Family(r.Dst.Addr()) {
			w.leaveRoute(r, "its gateway is no peer's underlay address")
			continue
		}
		p := byAddress[via]
		if p == nil {
			p = &peer{addresses: []netip.Addr{via}}
			byAddress[via] = p
			w.peers = append(w.peers, p)
		}
		p.subnets = append(p.subnets, r.Dst)
	}
}

// tunnels finds the point-to-point tunnels: one way, with a device for each peer.
func (s *seen) tunnels() []way {
	var links []model.Link
	w := way{backend: backend{kind: spec.IPIP, mode: spec.PerPeer}}
	for _, l := range s.links {
		if l.Type.Value() != model.TypeIPIP || !l.IPIP.Remote.Value().IsValid() || !s.candidate(l) {
			continue
		}
		if len(links) == 0 {
			w.local, w.under = l.IPIP.Local.Value(), l.IPIP.Dev.Value()
			s.device(&w, l)
		}
		links = append(links, l)
	}
	for _, l := range links {
		s.tunnel(&w, l, len(links) == 1)
	}
	if len(links) == 0 {
		return nil
	}
	if len(links) > 1 {
		w.own.device = ""
	}
	w.device = "tunnels"
	return []way{w}
}

// tunnel finds the peer at the end of a tunnel. Where there are several tunnels, they
// are named after the peers, and so the peers after the tunnels.
func (s *seen) tunnel(w *way, l model.Link, only bool) {
	name, plain := strings.CutPrefix(l.Name, "ipip-")
	var own []netip.Prefix
	if s.on(l.Name) != nil {
		own = s.tunnelAddresses(w, l.Name)
	}
	remote := l.IPIP.Remote.Value()
	switch {
	case l.IPIP.Local.Value() != w.local:
		w.leave("link %s: it sends from %s, and the other tunnels from %s", l.Name, l.IPIP.Local.Value(), w.local)
		return
	case !only && (!plain || !plainName().MatchString(name) || hidden(name)):
		w.leave("link %s: of several tunnels, each is named ipip- and its peer's name", l.Name)
		return
	case !slices.Equal(own, w.own.addresses):
		w.leave("link %s: a node has one overlay address, which is that of its other tunnels", l.Name)
		return
	}
	p := &peer{addresses: []netip.Addr{remote}}
	if !only {
		p.name = name
	}
	for _, r := range s.routesOf(w, l.Name) {
		if why := p.end(r, own); why != "" {
			w.leaveRoute(r, "%s", why)
			continue
		}
		p.subnets = append(p.subnets, r.Dst)
	}
	w.peers = append(w.peers, p)
}

// end notes the overlay address of the far end, which a route leads via, or says why
// it can't be that.
func (p *peer) end(r model.Route, own []netip.Prefix) string {
	via := r.Via.Value()
	switch {
	case !via.IsValid():
		return ""
	case len(own) == 0 || own[0].IsSingleIP() || !own[0].Contains(via):
		return fmt.Sprintf("its gateway %s shares no subnet with the tunnel's own address", via)
	case len(p.overlay) > 0 && p.overlay[0].Addr() != via:
		return fmt.Sprintf("a peer has one overlay address, which is %s", p.overlay[0].Addr())
	}
	p.overlay = []netip.Prefix{netip.PrefixFrom(via, own[0].Bits())}
	return ""
}
