package diff

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// makeRoom deletes what is ours and keeps the kernel from having the object. It
// returns false where something foreign does.
func (p *planner) makeRoom(e model.Entry) bool {
	for _, holder := range p.inTheWayOf(e.Object) {
		if _, ok := p.sim.get(holder.Object.Key()); !ok {
			continue // went with the one before
		}
		if !p.mine(holder) {
			p.plan.Conflicts = append(p.plan.Conflicts, Conflict{
				Want: e.Object, Got: holder.Object, Owner: holder.Owner, Maker: holder.Maker, Source: e.Source, Intent: e.Intent,
			})
			return false
		}
		p.delete(holder, e.Object.Key())
	}
	return true
}

// inTheWayOf returns the present objects that keep o from being had although they
// have another key.
func (p *planner) inTheWayOf(o model.Object) []model.Entry {
	switch o := o.(type) {
	case model.Link:
		return p.sim.inTheWayOfLink(o)
	case model.Address:
		return p.inTheWayOfAddress(o)
	case model.Neighbour:
		if !p.leaving {
			return nil
		}
		return p.lastAddresses(o.Netns, o.Link, o.IP)
	case model.Route:
		if !p.leaving {
			return nil
		}
		return append(p.inTheWayOfRoute(o), p.lastAddresses(o.Netns, o.Dev.Value(), o.Dst.Addr())...)
	}
	return nil
}

// addressesLeave says whether any address is ours and no longer wanted: only these are in
// the way of routes and neighbours, of which there are many.
func (p *planner) addressesLeave() bool {
	for e := range p.sim.observed.Frame() {
		if e.Object.Key().Kind == model.KindAddress && p.doomed(e) {
			return true
		}
	}
	return false
}

// inTheWayOfLink returns what holds something that the link needs for itself alone:
// its VNI and port, its pair of tunnel ends, or the name of its second end.
func (s *simulation) inTheWayOfLink(link model.Link) []model.Entry {
	var l []model.Entry
	if holder, ok := s.holder(model.ClaimOf(link)); ok && holder.Object.Key() != link.Key() {
		l = append(l, holder)
	}
	end, ok := link.Peer.Get()
	if !ok || !link.Primary() {
		return l
	}
	if e, ok := s.get(model.LinkKey(end.Netns, end.Name)); ok {
		if old, _ := e.Object.(model.Link).Peer.Get(); old != (model.EndRef{Netns: link.Netns, Name: link.Name}) {
			l = append(l, e)
		}
	}
	return l
}

// inTheWayOfAddress returns the route of ours that leads elsewhere with what is to
// be the address's own subnet, if nobody wants it any more: the kernel would keep
// both, but not let us make ours again to undo its deletion.
func (p *planner) inTheWayOfAddress(a model.Address) []model.Entry {
	key := model.RouteKey(a.Netns, model.TableMain, a.Prefix.Masked(), 0)
	if e, ok := p.sim.get(key); ok && p.doomed(e) {
		return []model.Entry{e}
	}
	return nil
}

// inTheWayOfRoute returns the addresses that were ours and now belong to a peer:
// the one that made the kernel's own route for the destination, and the one that is
// to be the gateway, which the kernel refuses while it is the host's own
// (fib_check_nh_v4_gw, net/ipv4/fib_semantics.c).
func (p *planner) inTheWayOfRoute(r model.Route) []model.Entry {
	l := p.makersOf(r)
	if via := r.Via.Value(); via.IsValid() {
		for _, e := range p.sim.holdersOf(r.Netns, via) {
			if p.doomed(e) {
				l = append(l, e)
			}
		}
	}
	return l
}

// makersOf returns the IPv4 addresses for which the kernel makes a route with the key
// of r, or one that undercuts it, or will when their link is up, if all of them are ours
// and no longer wanted.
func (p *planner) makersOf(r model.Route) []model.Entry {
	if r.Dst.Addr().Is6() || r.Metric != 0 && !spread(r) {
		return nil
	}
	l := p.sim.addressesIn(r.Netns, r.Dst)
	for _, e := range l {
		if !p.doomed(e) {
			return nil
		}
	}
	return l
}

// lastAddresses returns the IPv4 addresses of a link if none of them is wanted any
// more: with the last one would go what is to be made now.
func (p *planner) lastAddresses(netns, link string, family netip.Addr) []model.Entry {
	if family.Is6() {
		return nil
	}
	var l []model.Entry
	for _, e := range p.sim.addressesOn(netns, link) {
		switch {
		case e.Object.Key().Prefix.Addr().Is6():
		case !p.doomed(e):
			return nil
		default:
			l = append(l, e)
		}
	}
	return l
}

// doomed says whether the entry is ours and no longer wanted.
func (p *planner) doomed(e model.Entry) bool {
	return p.mine(e) && !p.desired.Has(e.Object.Key())
}

// holdersOf returns the present addresses of a namespace with the IP address.
func (s *simulation) holdersOf(netns string, ip netip.Addr) []model.Entry {
	s.index()
	return s.present(s.holders[hostIP{netns, ip}])
}

// addressesIn returns the present addresses of a namespace that lie in the subnet.
func (s *simulation) addressesIn(netns string, subnet netip.Prefix) []model.Entry {
	s.index()
	return s.present(s.subnets[model.RouteKey(netns, model.TableMain, subnet, 0)])
}

// addressesOn returns the present addresses on a link.
func (s *simulation) addressesOn(netns, link string) []model.Entry {
	s.index()
	return s.present(s.addresses[model.LinkKey(netns, link)])
}
