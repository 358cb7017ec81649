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
	doomed := map[model.Key]bool{}
	var entries []model.Entry
	for e := range observed.Unordered() {
		key := e.Object.Key()
		if _, wanted := p.desired.Get(key); wanted || !p.mine(e) {
			continue
		}
		if p.opts.Phase == Commit && !p.rivals(e.Object) {
			continue
		}
		if now, ok := p.sim.get(key); ok {
			doomed[key] = true
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

// allKnown says whether all that is ours is desired: as much of it was found among the
// desired objects as there is.
func (p *planner) allKnown(observed *model.State) bool {
	if len(p.adopted) > 0 {
		return false // with it, more is ours
	}
	n := 0
	for e := range observed.Unordered() {
		if e.Owner.Mine() {
			n++
		}
	}
	return n == p.known
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
