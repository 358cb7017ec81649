package diff

import (
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// prune deletes what is ours and no longer asked for, last things first. What
// goes down with another deletion gets no step of its own.
func (p *planner) prune(observed *model.State) {
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
	order := inOrder(slices.Values(entries))
	slices.Reverse(order)
	for _, e := range order {
		if _, ok := p.sim.get(e.Object.Key()); ok && !goesWith(e.Object, doomed) {
			p.delete(e, model.Key{})
		}
	}
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
