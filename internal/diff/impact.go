package diff

import "github.com/netplan-overlay/netplan-overlay/internal/model"

// deletionImpact says what deleting an object does to traffic, by its kind. An
// overlay device harms nothing by itself: the routes that lead through it say so.
func deletionImpact(o model.Object) model.Impact {
	switch o := o.(type) {
	case model.Netns, model.Route:
		return model.ImpactDisruptive
	case model.Link:
		if t := o.Type.Value(); t == model.TypeVXLAN || t == model.TypeIPIP {
			return model.ImpactNone
		}
		return model.ImpactDisruptive
	case model.Address:
		return model.ImpactBrief
	}
	return model.ImpactNone
}

// impactOfDeleting is deletionImpact, but that a route harms nothing while another
// one for its destination stays.
func (p *planner) impactOfDeleting(o model.Object) model.Impact {
	if r, ok := o.(model.Route); ok && p.otherRoute(r) {
		return model.ImpactNone
	}
	return deletionImpact(o)
}

// otherRoute says whether the topology asks for a route to the same destination
// with another metric.
func (p *planner) otherRoute(r model.Route) bool {
	if p.destinations == nil {
		p.destinations = map[model.Key]bool{}
		for e := range p.desired.All() {
			if d, ok := e.Object.(model.Route); ok {
				p.destinations[model.RouteKey(d.Netns, d.Table, d.Dst, 0)] = true
			}
		}
	}
	return p.destinations[model.RouteKey(r.Netns, r.Table, r.Dst, 0)]
}
