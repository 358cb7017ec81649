package diff

import "github.com/netplan-overlay/netplan-overlay/internal/model"

// finding is how a desired object was found, before the first step.
type finding uint8

const (
	different finding = iota
	right
	absent
)

// findConflicts looks for desired objects in whose place stands one that is not
// ours, and decides which of these are taken over. It notes those that are right, and
// those that aren't there: each is looked up once where no step has to do with it.
func (p *planner) findConflicts(order []model.Entry) {
	p.found = make([]finding, len(order))
	for i, e := range order {
		got, ok := p.sim.get(e.Object.Key())
		if ok && got.Owner.Mine() {
			p.known++
		}
		switch {
		case !ok:
			p.found[i] = absent
		case !e.Ref && e.Object.Fill(got.Object) == got.Object:
			p.found[i] = right
		}
		if !ok || e.Ref || got.Owner.Mine() || got.Owner == model.OwnerShared {
			continue
		}
		attrs, _, _ := model.DiffAttrs(e.Object, got.Object)
		if len(attrs) == 0 {
			continue // right as it is, and of a kind that carries no mark
		}
		if r, ok := got.Object.(model.Route); ok && got.Owner == model.OwnerKernel && len(p.makersOf(r)) > 0 {
			continue // goes with an address of ours
		}
		key := e.Object.Key()
		adoptable := got.Owner == model.OwnerForeign && !anyFixed(attrs)
		if adoptable && p.opts.Adopt {
			p.adopted[key] = true
			continue
		}
		p.blocked[key] = true
		p.plan.Conflicts = append(p.plan.Conflicts, Conflict{
			Want: e.Object, Got: got.Object, Owner: got.Owner, Maker: got.Maker, Attrs: attrs,
			Adoptable: adoptable, Source: e.Source, Intent: e.Intent,
		})
	}
}
