package export

import (
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// vxlans finds the vxlan devices that may be an overlay: those with an address, as
// flannel's and ours have, or with peers.
func (s *seen) vxlans() (ways []way) {
	for _, l := range s.links {
		if l.Type.Value() != model.TypeVXLAN || !s.candidate(l) {
			continue
		}
		w := way{
			backend: backend{kind: spec.VXLAN, vni: l.VXLAN.VNI.Value(), port: uint32(l.VXLAN.Port.Value())},
			device:  l.Name, local: l.VXLAN.Local.Value(), under: l.VXLAN.Dev.Value(),
		}
		s.device(&w, l)
		w.own.mac = l.MAC.Value()
		s.vteps(&w)
		if w.ours || len(w.peers) > 0 || len(w.own.addresses) > 0 {
			ways = append(ways, w)
		}
	}
	return ways
}

// vteps finds the peers behind a vxlan device: a route leads to the address of a VTEP,
// a neighbour entry has its MAC, and an FDB entry the underlay address behind that.
func (s *seen) vteps(w *way) {
	byAddress, used := map[netip.Addr]*peer{}, map[model.MAC]bool{}
	for _, r := range s.routesOf(w, w.device) {
		via := r.Via.Value()
		if !via.IsValid() {
			w.leaveRoute(r, "it leads to no peer's VTEP")
			continue
		}
		mac, ok := s.neighbours[w.device][via]
		if !ok {
			w.leaveRoute(r, "no permanent neighbour entry tells whose the address %s is", via)
			continue
		}
		used[mac] = true
		dst, ok := s.fdb[w.device][mac]
		if !ok {
			w.leaveRoute(r, "no FDB entry tells where the MAC %s of %s is", mac, via)
			continue
		}
		p := byAddress[dst]
		if p == nil {
			p = &peer{addresses: []netip.Addr{dst}, mac: mac}
			byAddress[dst] = p
			w.peers = append(w.peers, p)
		}
		if why := p.joins(mac, via); why != "" {
			w.leaveRoute(r, "%s", why)
			continue
		}
		p.subnets = append(p.subnets, r.Dst)
	}
	s.unused(w, used)
}

// joins adds the address of a peer's VTEP, or says why it can't be its.
func (p *peer) joins(mac model.MAC, via netip.Addr) string {
	if mac != p.mac {
		return "a node has one VTEP, and behind " + p.addresses[0].String() + " there would be two: " + p.mac.String() + " and " + mac.String()
	}
	i := slices.IndexFunc(p.overlay, func(o netip.Prefix) bool { return model.Family(o.Addr()) == model.Family(via) })
	if i < 0 {
		p.overlay = append(p.overlay, netip.PrefixFrom(via, via.BitLen()))
		return ""
	}
	if p.overlay[i].Addr() != via {
		return "a VTEP has one address a family, and " + mac.String() + " has " + p.overlay[i].Addr().String()
	}
	return ""
}

// unused tells of entries that no route leads to: flannel leaves some, when a peer gets
// another MAC.
func (s *seen) unused(w *way, used map[model.MAC]bool) {
	var macs []model.MAC
	for mac := range s.fdb[w.device] {
		if !used[mac] {
			macs = append(macs, mac)
		}
	}
	slices.SortFunc(macs, func(a, b model.MAC) int { return slices.Compare(a[:], b[:]) })
	for _, mac := range macs {
		w.leave("fdb %s dst %s on %s: no route leads there", mac, s.fdb[w.device][mac], w.device)
	}
}
