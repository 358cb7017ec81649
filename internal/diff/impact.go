package diff

import (
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// docs/impact.md has what each kind of change does to packets that flow meanwhile,
// measured, beside the class that comes of these rules. The plan of one host cannot
// see what its peers have been told yet: where both ends must agree, the class
// supposes that the other one has not changed.

// impactOfUpdating says what changing an object in place does to traffic: what its
// attributes say, but that it counts where a port or a route came from and goes to.
func (p *planner) impactOfUpdating(before, after model.Object, impact model.Impact) model.Impact {
	switch after := after.(type) {
	case model.Link:
		was := before.(model.Link)
		if from := was.Master.Value(); from != "" && from != after.Master.Value() {
			return model.ImpactDisruptive // it leaves the subnet that it was in
		}
		if was.MTU != after.MTU && p.swallows(after) {
			return model.ImpactDisruptive
		}
	case model.Route:
		return max(impact, p.impactOfLeading(before.(model.Route), after))
	}
	return impact
}

// impactOfLeading says that a peer may not have its end yet: of an overlay device that
// the plan makes, or at the address that is the gateway through an ipip tunnel, which
// takes packets to its own address only (ip_tunnel_lookup, net/ipv4/ip_tunnel.c).
func (p *planner) impactOfLeading(before, after model.Route) model.Impact {
	dev := model.LinkKey(after.Netns, after.Dev.Value())
	if before.Dev != after.Dev && p.sim.made[dev] {
		return model.ImpactDisruptive
	}
	l, _ := p.sim.latest(dev).(model.Link)
	if before.Dev == after.Dev && before.Via != after.Via && l.Type.Value() == model.TypeIPIP {
		return model.ImpactDisruptive
	}
	return model.ImpactNone
}

// swallows says whether a bridge will have a larger MTU than one of its ports: what fits
// the one and not the other is dropped in silence, for good.
func (p *planner) swallows(l model.Link) bool {
	if l.Type.Value() == model.TypeBridge {
		return slices.ContainsFunc(p.sim.portsOf(l), func(e model.Entry) bool {
			return p.mtuToBe(e.Object.Key()) < l.MTU.Value()
		})
	}
	master := l.Master.Value()
	return master != "" && l.MTU.Value() < p.mtuToBe(model.LinkKey(l.Netns, master))
}

// mtuToBe returns the MTU that a link has when the plan is done.
func (p *planner) mtuToBe(k model.Key) uint32 {
	if e, ok := p.desired.Get(k); ok {
		if mtu, ok := e.Object.(model.Link).MTU.Get(); ok {
			return mtu
		}
	}
	l, _ := p.sim.latest(k).(model.Link)
	return l.MTU.Value()
}

// impactOfDeleting says what deleting an object does to traffic, as the steps so far
// have left the host.
func (p *planner) impactOfDeleting(o model.Object) model.Impact {
	switch o := o.(type) {
	case model.Netns:
		return model.ImpactDisruptive
	case model.Link:
		return p.impactOfDeletingLink(o)
	case model.Address:
		return p.impactOfDeletingAddress(o)
	case model.Route:
		return p.impactOfDeletingRoute(o)
	case model.Sysctl:
		if was, ok := o.Saved.Get(); ok {
			return model.SysctlImpact(o.Name, was)
		}
	}
	return model.ImpactNone // of neighbours and FDB entries, the routes to them say it
}

// impactOfDeletingLink says that a link harms nothing if it is down, a bridge if it
// has neither ports nor addresses, and an overlay device if no route led through it
// when the plan was made: if the plan itself leads them elsewhere, the peers may
// still send through it.
func (p *planner) impactOfDeletingLink(l model.Link) model.Impact {
	unused := false
	switch l.Type.Value() {
	case model.TypeVXLAN, model.TypeIPIP:
		unused = !p.sim.carried(l)
	case model.TypeBridge:
		unused = len(p.sim.portsOf(l)) == 0 && len(p.sim.addressesOn(l.Netns, l.Name)) == 0
	}
	if up, ok := l.Up.Get(); unused || ok && !up {
		return model.ImpactNone
	}
	return model.ImpactDisruptive
}

// impactOfDeletingAddress says that nobody can reach an address any more, unless it is
// on another link, too. That of an overlay device is only the source of the host's own
// packets: its peers lead theirs by the subnets.
func (p *planner) impactOfDeletingAddress(a model.Address) model.Impact {
	for _, e := range p.sim.holdersOf(a.Netns, a.Prefix.Addr()) {
		if e.Object.Key() != a.Key() {
			return model.ImpactBrief
		}
	}
	if l, ok := p.sim.latest(model.LinkKey(a.Netns, a.Link)).(model.Link); ok {
		if t := l.Type.Value(); t == model.TypeVXLAN || t == model.TypeIPIP {
			return model.ImpactBrief
		}
	}
	return model.ImpactDisruptive
}

// impactOfDeletingRoute says that a route harms nothing while another one for its
// destination stays, or a wider one that leads the same way.
func (p *planner) impactOfDeletingRoute(r model.Route) model.Impact {
	if p.destinations == nil {
		p.destinations = map[model.Key]model.Route{}
		for d := range p.all.Routes() {
			k := model.RouteKey(d.Netns, d.Table, d.Dst, 0)
			if other, known := p.destinations[k]; !known || other.Metric < d.Metric {
				p.destinations[k] = *d
			}
		}
	}
	if len(p.destinations) == 0 {
		return model.ImpactDisruptive
	}
	for bits := r.Dst.Bits(); bits >= 0; bits-- {
		dst, err := r.Dst.Addr().Prefix(bits)
		if err != nil {
			break
		}
		d, ok := p.destinations[model.RouteKey(r.Netns, r.Table, dst, 0)]
		switch {
		case !ok:
		case bits == r.Dst.Bits(), d.Via == r.Via && d.Dev == r.Dev:
			return model.ImpactNone
		default:
			return model.ImpactDisruptive
		}
	}
	return model.ImpactDisruptive
}
