package diff

import (
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// prune deletes what is ours and no longer asked for, last things first. What
// goes down with another deletion gets no step of its own.
func (p *planner) prune(observed *model.State) {
	if p.allKnown(observed) {
		return
	}
	doomed := map[model.Key]bool{} // but for what leads to peers, which nothing needs
	entries := p.roomFor(observed.CountMine() - p.known)
	for e := range observed.Unordered() {
		key := e.Object.Key()
		if !p.mine(e) || p.desired.Has(key) {
			continue
		}
		if p.opts.Phase == Commit && !p.rivals(e.Object) {
			continue
		}
		if now, ok := p.sim.get(key); ok {
			if stage(now.Object) < lastStage {
				doomed[key] = true
			}
			entries = append(entries, now)
		}
	}
	order := inOrder(slices.Values(entries), len(entries))
	slices.Reverse(order)
	for _, e := range order {
		if _, ok := p.sim.get(e.Object.Key()); ok && !goesWith(e.Object, doomed) {
			p.delete(e, model.Key{})
		}
	}
}

// roomFor makes room for about so many deletions.
func (p *planner) roomFor(n int) []model.Entry {
	n = max(n, 0)
	p.plan.Changes = slices.Grow(p.plan.Changes, n)
	if len(p.sim.gone) == 0 {
		p.sim.gone = make(map[model.Key]bool, n)
	}
	return make([]model.Entry, 0, n)
}

// allKnown says whether all that is ours is desired: as much of it was found among the
// desired objects as there is.
func (p *planner) allKnown(observed *model.State) bool {
	return len(p.adopted) == 0 && // with it, more is ours
		observed.CountMine() == p.known
}

// goesWith says whether the kernel takes the object down with a doomed one.
func goesWith(o model.Object, doomed map[model.Key]bool) bool {
	for _, n := range o.Needs() {
		if !n.Order && doomed[n.Key] {
			return true
		}
	}
	return false
}
