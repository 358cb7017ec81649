package diff

import (
	"slices"
	"strconv"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// undercut returns the key of the wanted route to a peer to which no packet would come
// beside r: its metric is the one of its destination
// (model.SpreadMetric), and that of r is lower.
func undercut(r *model.Route, desired *model.State) (model.Key, bool) {
	if r.Metric >= model.SpreadBase+model.SpreadRange {
		return model.Key{}, false
	}
	k := r.Key()
	if !k.Spreadable() {
		return model.Key{}, false
	}
	spread := k.Spread()
	return spread, k.Metric < spread.Metric && desired.Has(spread)
}

// undercuts returns the keys of routes that are not ours and undercut wanted ones, and of
// these.
func undercuts(desired, observed *model.State) []model.Key {
	var l []model.Key
	for r, s := range observed.Routes() {
		if s.Owner.Mine() {
			continue
		}
		if want, ok := undercut(r, desired); ok {
			l = append(l, r.Key(), want)
		}
	}
	return l
}

// findUndercutting looks for routes that are not ours and undercut wanted ones. They are in
// conflict with those, or taken over, and then deleted when ours are there.
func (p *planner) findUndercutting(order []model.Entry) {
	if !anySpread(order) {
		return
	}
	found := map[model.Key][]model.Entry{} // by the wanted route
	for r, s := range p.sim.observed.Routes() {
		if s.Owner.Mine() {
			continue
		}
		want, ok := undercut(r, p.desired)
		if ok && (s.Owner != model.OwnerKernel || len(p.makersOf(*r)) == 0) {
			e, _ := p.sim.observed.Get(r.Key())
			found[want] = append(found[want], e)
		}
	}
	if len(found) == 0 {
		return
	}
	for _, e := range order {
		l := found[e.Object.Key()]
		slices.SortFunc(l, func(a, b model.Entry) int { return a.Object.Key().Compare(b.Object.Key()) })
		for _, got := range l {
			p.undercutBy(e, got)
		}
	}
}

// undercutBy takes the route got over, or notes that it is in conflict with the wanted one. It
// carries packets: the first phase doesn't take it yet.
func (p *planner) undercutBy(e, got model.Entry) {
	adoptable := got.Owner == model.OwnerForeign
	if adoptable && p.opts.Adopt {
		if p.opts.Phase == Prepare {
			return
		}
		p.adopted[got.Object.Key()] = true
		p.undercutting[e.Object.Key()] = got.Object.Key()
		return
	}
	p.blocked[e.Object.Key()] = true
	p.plan.Conflicts = append(p.plan.Conflicts, Conflict{
		Want: e.Object, Got: got.Object, Owner: got.Owner, Maker: got.Maker,
		Attrs:     metricAttrs(got.Object.(model.Route), e.Object.(model.Route)),
		Adoptable: adoptable, Source: e.Source, Intent: e.Intent,
	})
}

// anySpread says whether any of the entries is a route with the metric of its destination.
func anySpread(order []model.Entry) bool {
	for _, e := range order {
		if r, ok := e.Object.(model.Route); ok && spread(r) {
			return true
		}
	}
	return false
}

// spread says whether a route has the metric of its destination.
func spread(r model.Route) bool {
	return r.Metric >= model.SpreadBase && r.Key().Spreadable() && r.Metric == model.SpreadMetric(r.Dst)
}

// changeMetric plans a new route in the place of one of ours to the same destination that
// nobody asks for any more: the old one is deleted last, but it is one change. It returns
// false where there is none.
func (p *planner) changeMetric(e model.Entry) bool {
	after, ok := e.Object.(model.Route)
	if !ok {
		return false
	}
	got, ok := p.former(after)
	if !ok {
		return false
	}
	before := got.Object.(model.Route)
	c := Change{Action: Update, Before: before, After: after, Attrs: metricAttrs(before, after), Source: e.Source, Intent: e.Intent}
	_, impact, _ := model.DiffAttrs(after, before)
	c.Impact = p.impactOfUpdating(before, after, impact)
	if p.adopted[before.Key()] {
		c.Action = Adopt
	}
	p.plan.Changes = append(p.plan.Changes, c)
	p.moved[before.Key()] = true
	p.step(model.Step{Op: model.OpCreate, After: after}, model.Along{})
	return true
}

// former returns the route that the wanted one takes the place of: one of ours with the
// other metric, or one that is taken over.
func (p *planner) former(r model.Route) (model.Entry, bool) {
	k := r.Key()
	if !k.Spreadable() {
		return model.Entry{}, false
	}
	before, ok := p.undercutting[k]
	switch {
	case ok:
	case spread(r):
		before = k.Plain()
	case r.Metric == 0:
		before = k.Spread()
	default:
		return model.Entry{}, false
	}
	got, ok := p.sim.get(before)
	return got, ok && p.doomed(got)
}

// metricAttrs compares two routes that have their metrics beside their attributes.
func metricAttrs(before, after model.Route) []model.AttrChange {
	attrs, _, _ := model.DiffAttrs(after, before)
	return append([]model.AttrChange{{Name: "metric", Before: metricText(before), After: metricText(after)}}, attrs...)
}

func metricText(r model.Route) string { return strconv.FormatUint(uint64(r.Metric), 10) }
