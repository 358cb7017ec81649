package diff

import (
	"iter"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// prune deletes what is ours and no longer asked for, last things first. What
// goes down with another deletion gets no step of its own.
func (p *planner) prune(observed *model.State) {
	if p.allKnown(observed) {
		return
	}
	p.roomFor(observed.CountMine() - p.known)
	entries := p.unwanted(observed.Frame())
	doomed := make(map[model.Key]bool, len(entries)) // but for what leads to peers, which nothing needs
	for _, e := range entries {
		doomed[e.Object.Key()] = true
	}
	// Of what leads to peers, and may be very much, only what doesn't go with its link.
	stays := func(netns, link string) bool { return link == "" || !doomed[model.LinkKey(netns, link)] }
	entries = append(entries, p.unwanted(observed.LeadingWhere(stays))...)
	order := inOrder(slices.Values(entries), len(entries))
	slices.Reverse(order)
	for _, e := range order {
		if _, ok := p.sim.get(e.Object.Key()); ok && !goesWith(e.Object, doomed) {
			p.delete(e, model.Key{})
		}
	}
}

// unwanted returns those of some observed entries that are to go, as they are now.
func (p *planner) unwanted(observed iter.Seq[model.Entry]) []model.Entry {
	var l []model.Entry
	for e := range observed {
		key := e.Object.Key()
		if !p.mine(e) || p.desired.Has(key) {
			continue
		}
		if p.opts.Phase == Commit && !p.rivals(e.Object) {
			continue
		}
		if now, ok := p.sim.get(key); ok {
			l = append(l, now)
		}
	}
	return l
}

// roomFor makes room for about so many deletions.
func (p *planner) roomFor(n int) {
	p.plan.Changes = slices.Grow(p.plan.Changes, max(n, 0))
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
