package diff

import (
	"cmp"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Options say what a plan may do beyond creating, and changing what is ours.
type Options struct {
	// Adopt lets the plan take over foreign objects whose fixed attributes are
	// right.
	Adopt bool
	// LiveRename says that the kernel renames a link that is up: as of Linux 6.2.
	LiveRename bool
	// Phase is how much of the way to the desired state is gone.
	Phase Phase
	// All is all that is desired, where the desired state is an excerpt of it; nil where
	// it is not. Beside is how many more objects there are then that are right.
	All    *model.State
	Beside int

	each bool // look at each object, also where makes would do
}

// Compute returns the plan that leads from observed to desired. Where it reports
// conflicts, missing references or harm, its steps must not be executed without
// the user's word. The states are not changed.
//
// What is right, and stands on nothing that differs, is only counted.
func Compute(desired, observed *model.State, opts Options) *Plan {
	const (
		few  = 200 // objects, at which to look costs less than to leave any out
		many = 2   // of as many objects, one that differs: then it is cheaper to look at all
	)
	if opts.Phase != Whole || desired.Len() < few || desired.Len() > observed.Len()*many {
		return computeAll(desired, observed, opts)
	}
	c := Compare(desired, observed)
	if len(c.Unlike) == 0 {
		return &Plan{Unchanged: c.Right + opts.Beside}
	}
	if len(c.Unlike)*many > desired.Len() {
		return computeAll(desired, observed, opts)
	}
	some, of := SurroundingsOf(desired, observed).Excerpt(desired, observed, c.Unlike)
	p := compute(some, of, cmp.Or(opts.All, desired), opts)
	p.Unchanged += c.Right - model.Compare(some, of).Right
	return p
}

// Compare finds out what Compute has to look at: what differs, and what would take the
// packets of a route that doesn't.
func Compare(desired, observed *model.State) model.Comparison {
	c := model.Compare(desired, observed)
	c.Unlike = append(c.Unlike, undercuts(desired, observed)...)
	return c
}

// ComputeWhole is Compute by looking at each object. Its plan is the same.
func ComputeWhole(desired, observed *model.State, opts Options) *Plan {
	opts.each = true
	return computeAll(desired, observed, opts)
}

// computeAll makes the plan for all that is desired.
func computeAll(desired, observed *model.State, opts Options) *Plan {
	return compute(desired, observed, cmp.Or(opts.All, desired), opts)
}

// compute makes the plan for some of all that is desired.
func compute(desired, observed, all *model.State, opts Options) *Plan {
	var names []rename
	if opts.LiveRename {
		names = renames(desired, observed)
	}
	desired = opts.Phase.aim(desired, observed, names)
	if opts.Phase == Prepare {
		names = nil
	}
	if opts.Phase != Whole {
		all = desired
	}
	observed = renamed(observed, names)
	p := &planner{
		desired: desired,
		all:     all,
		sim:     newSimulation(observed),
		opts:    opts,
		plan:    &Plan{Unchanged: opts.Beside},
		adopted: map[model.Key]bool{},
		blocked: map[model.Key]bool{},
		renamed: map[model.Key]int{},

		undercutting: map[model.Key]model.Key{},
		moved:        map[model.Key]bool{},
	}
	p.rename(names)
	order := inOrder(desired.Unordered(), desired.Len())
	p.expect(desired, observed)
	p.findConflicts(order)
	p.findUndercutting(order)
	p.leaving = p.addressesLeave()
	p.reachAll(order)
	p.rebuild(order)
	p.prune(observed)
	p.rebuild(order)
	return p.plan
}

// planner is the walk through the desired objects.
type planner struct {
	desired *model.State
	all     *model.State // that is desired; desired may be some of it
	sim     *simulation
	opts    Options
	plan    *Plan
	adopted map[model.Key]bool // foreign objects that the plan takes over
	blocked map[model.Key]bool // desired objects that a conflict keeps from being had
	renamed map[model.Key]int  // links that get another name, with their changes in the plan

	undercutting map[model.Key]model.Key // routes that are taken over, by the wanted ones that they undercut
	moved        map[model.Key]bool      // routes in whose place the plan has made one with another metric

	mtus    mtus
	found   []finding // of the desired objects in order
	leaving bool      // addresses that are ours and no longer wanted
	known   int       // desired objects that are there, and ours

	addresses    []model.Address           // that are desired; made when first needed
	destinations map[model.Key]model.Route // the desired routes, by key without metric; made when first needed
}

// reach brings one desired object about, given what the steps so far have made of
// the host.
func (p *planner) reach(e model.Entry) {
	key := e.Object.Key()
	got, ok := p.sim.get(key)
	switch {
	case e.Ref && !ok:
		p.plan.Missing = append(p.plan.Missing, e)
	case e.Ref, p.blocked[key]:
	case !ok:
		p.reachAnew(e)
	case e.Object.Fill(got.Object) == got.Object:
		p.unchanged(key)
	default:
		p.reachAnew(e)
	}
}

// expect makes room for as many changes as there will be about, if all objects of one of
// the states are missing in the other.
func (p *planner) expect(desired, observed *model.State) {
	if n := desired.Len() - observed.Len(); n > 0 {
		p.plan.Changes = slices.Grow(p.plan.Changes, n)
		p.plan.Steps = slices.Grow(p.plan.Steps, n)
		p.sim.waiting = slices.Grow(p.sim.waiting, n)
	}
}

// unchanged counts an object that is right, if that needed no new name.
func (p *planner) unchanged(key model.Key) {
	if _, ok := p.renamed[key]; !ok {
		p.plan.Unchanged++
	}
}

// reachAnew brings about an object that isn't there or differs. Making room for it
// may have taken it down.
func (p *planner) reachAnew(e model.Entry) {
	if !p.makeRoom(e) {
		return
	}
	got, ok := p.sim.get(e.Object.Key())
	if !ok {
		p.create(e)
		return
	}
	p.change(e, got)
}

// rebuild brings about again what the deletions have taken down: with the last IPv4
// address of a link go all routes that lead through it.
func (p *planner) rebuild(order []model.Entry) {
	if len(p.sim.lost) == 0 {
		return
	}
	for _, e := range order {
		key := e.Object.Key()
		if _, ok := p.sim.get(key); ok || e.Ref || p.blocked[key] {
			continue
		}
		if _, ok := p.sim.lost[key]; ok {
			p.reachAnew(e)
		}
	}
}

// create plans an object that isn't there, or no longer.
func (p *planner) create(e model.Entry) {
	if loss, ok := p.sim.lost[e.Object.Key()]; ok {
		e.Object = inherited(e.Object, loss.object)
	} else if p.changeMetric(e) {
		return
	}
	c := Change{Action: Create, After: e.Object, Source: e.Source, Intent: e.Intent}
	if loss, ok := p.sim.lost[e.Object.Key()]; ok {
		c.Action, c.Before, c.Cause, c.Impact = Replace, loss.object, causeOf(loss.cause), loss.impact
		c.Attrs, _, _ = model.DiffAttrs(e.Object, loss.object)
	}
	p.plan.Changes = append(p.plan.Changes, c)
	p.step(model.Step{Op: model.OpCreate, After: e.Object}, model.Along{})
}

// change plans an object that is there, but differs.
func (p *planner) change(e, got model.Entry) {
	attrs, impact, flushes := model.DiffAttrs(e.Object, got.Object)
	if len(attrs) == 0 {
		p.unchanged(got.Object.Key())
		return
	}
	key := e.Object.Key()
	c := Change{
		Action: Update, Before: got.Object, After: e.Object.Fill(got.Object), Attrs: attrs,
		Source: e.Source, Intent: e.Intent, Cause: causeOf(p.sim.released[key]),
	}
	c.Impact = p.impactOfUpdating(c.Before, c.After, impact)
	if anyFixed(attrs) {
		p.replace(e, c)
		return
	}
	if p.adopted[key] {
		c.Action = Adopt
	}
	p.record(c)
	var along model.Along
	if flushes {
		along.Lost = p.take(p.sim.flush(key), loss{cause: key, impact: max(c.Impact, model.ImpactBrief)})
	}
	p.step(model.Step{Op: model.OpUpdate, Before: c.Before, After: c.After}, along)
}

// replace plans the deletion and creation of an object with a fixed attribute
// that differs.
func (p *planner) replace(e model.Entry, c Change) {
	e.Object = inherited(e.Object, c.Before)
	c.Action, c.After, c.Impact = Replace, e.Object, p.impactOfDeleting(c.Before)
	p.plan.Changes = append(p.plan.Changes, c)
	p.remove(c.Before, c.Impact)
	p.step(model.Step{Op: model.OpCreate, After: e.Object}, model.Along{})
}

// delete plans the deletion of an object of ours, because of cause if that isn't
// the zero Key.
func (p *planner) delete(e model.Entry, cause model.Key) {
	if first := p.sim.whole(e); p.mine(first) {
		e = first
	}
	impact := p.impactOfDeleting(e.Object)
	if !p.desired.Has(e.Object.Key()) {
		p.recordDeletion(Change{Impact: impact, Intent: e.Intent, Cause: causeOf(cause)}, e.Object)
	} else {
		p.sim.lost[e.Object.Key()] = loss{object: e.Object, cause: cause, impact: max(impact, model.ImpactBrief)}
	}
	p.remove(e.Object, impact)
}

// recordDeletion adds the change that deletes an object, unless that is part of another
// one.
func (p *planner) recordDeletion(c Change, o model.Object) {
	if p.moved[o.Key()] {
		return
	}
	c.Action, c.Before = Delete, o
	p.plan.Changes = append(p.plan.Changes, c)
}

// remove adds the step that deletes the object, with what goes along.
func (p *planner) remove(o model.Object, impact model.Impact) {
	key := o.Key()
	p.sim.remove(key)
	lost, released := p.sim.consequences(o)
	along := model.Along{Lost: p.take(lost, loss{cause: key, impact: impact})}
	for _, port := range released {
		along.Released = append(along.Released, port.Object)
		p.sim.release(port, key)
		if !p.mine(port) {
			p.plan.Harmed = append(p.plan.Harmed, Harm{Object: port.Object, Maker: port.Maker, Cause: key})
		}
	}
	p.step(model.Step{Op: model.OpDelete, Before: o}, along)
}

// take records what the kernel takes down with a change, and returns the objects
// in the order in which they can be made again.
func (p *planner) take(lost []model.Entry, why loss) []model.Object {
	objects, cause := slices.Grow([]model.Object(nil), len(lost)), causeOf(why.cause)
	for _, e := range lost {
		key := e.Object.Key()
		p.sim.remove(key)
		if e.Owner == model.OwnerKernel {
			continue
		}
		objects = append(objects, e.Object)
		wanted := p.desired.Has(key)
		if wanted {
			why.object = e.Object
			p.sim.lost[key] = why
		}
		switch {
		case !p.mine(e) && e.Owner != model.OwnerShared:
			p.plan.Harmed = append(p.plan.Harmed, Harm{Object: e.Object, Maker: e.Maker, Cause: why.cause})
		case !wanted:
			p.recordDeletion(Change{Impact: p.impactOfDeleting(e.Object), Intent: e.Intent, Cause: cause, Implied: true}, e.Object)
		}
	}
	return objects
}

// step adds a step with what goes along with it, and simulates it.
func (p *planner) step(s model.Step, along model.Along) {
	along.Restore = p.sim.endangered(s)
	p.plan.Steps = append(p.plan.Steps, s.With(along))
	if s.After != nil {
		p.sim.put(s.After)
	}
	if s.Op == model.OpCreate && model.KindOf(s.After) == model.KindLink {
		p.sim.made[s.Key()] = true
	}
}

// mine says whether the tool may change and remove the entry: it carries our mark,
// or the plan takes over the link that it belongs to.
func (p *planner) mine(e model.Entry) bool {
	if e.Owner.Mine() || p.adopted[e.Object.Key()] {
		return true
	}
	switch o := e.Object.(type) {
	case model.FDBEntry:
		return p.adopted[model.LinkKey(o.Netns, o.Link)]
	case model.Address:
		return !o.Protocol.IsSet() && p.adopted[model.LinkKey(o.Netns, o.Link)] // it carries no mark of its own
	}
	return false
}

func anyFixed(attrs []model.AttrChange) bool {
	for _, a := range attrs {
		if a.Fixed {
			return true
		}
	}
	return false
}

// nothing is an object without attributes, to compare a new one with.
type nothing struct{ model.Object }

// Attrs implements model.Object.
func (nothing) Attrs() []model.Attr { return nil }

// deletionAttrs lists an object's attributes as they are lost.
func deletionAttrs(o model.Object) []model.AttrChange {
	var l []model.AttrChange
	for _, a := range o.Attrs() {
		l = append(l, model.AttrChange{Name: a.Name, Before: a.Value, Mark: a.Mark})
	}
	return l
}
