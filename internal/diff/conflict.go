package diff

import "github.com/netplan-overlay/netplan-overlay/internal/model"

// findConflicts looks for desired objects in whose place stands one that is not
// ours, and decides which of these are taken over. It notes those that are right, so
// that a plan without steps looks each object up once.
func (p *planner) findConflicts(order []model.Entry) {
	p.right = make([]bool, len(order))
	for i, e := range order {
		got, ok := p.sim.get(e.Object.Key())
		if ok && got.Owner.Mine() {
			p.known++
		}
		p.right[i] = ok && !e.Ref && e.Object.Fill(got.Object) == got.Object
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
