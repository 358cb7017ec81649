package reconcile

import (
	"context"
	"errors"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// Keeper brings a host to what a topology asks again and again. It remembers what the
// host had when it looked last, so that it need look only at what is said to have
// changed. One goroutine may use it.
type Keeper struct {
	*Reconciler
	ear Ear

	Options ApplyOptions // what it may do
	// Check is asked under the host's lock before each look; its error ends the run, in
	// which nothing was changed. nil isn't asked.
	Check func() error
	// Held are objects that are left as they are, and what needs them with them.
	Held map[model.Key]bool
	// Judge is shown what a plan is about to do, and returns objects that it must leave
	// alone; those are held from then on. nil holds none.
	Judge func(*diff.Plan) []model.Key
	// DryRun makes plans, and carries none out.
	DryRun bool

	facts model.Facts
	want  *desired.Expansion // by the facts; nil before the first full look
	seen  *model.State       // within what is wanted and ours; nil before the first full look
	wards wards              // of both
	dirty []model.Key        // to be looked at next
	near  []model.Key        // what stands on the links that are dirty, or did at the last look
	ways  ways

	right   *model.State // as seen when all was right, but for doubts; nil where that is not known
	doubted []model.Key  // of it, what may not be right any more
}

// Ear hears of the changes on a host.
type Ear interface {
	// Follow begins to hear the namespaces, "" being the host's own, and stops hearing
	// others. It says whether any is new.
	Follow(netns []string) (more bool, err error)
	// Take returns what was heard since the last call.
	Take() []kernel.News
}

// Keep returns a Keeper of the reconciler's host and topology; o says what it may do.
func (r *Reconciler) Keep(o ApplyOptions, ear Ear) *Keeper {
	return &Keeper{Reconciler: r, Options: o, ear: ear, Held: map[model.Key]bool{}}
}

// Want returns what is asked of the node, or nil before the first full look.
func (k *Keeper) Want() *desired.Expansion { return k.want }

// Full looks at everything, puts right what differs, and returns the plan that it has
// carried out. Its errors are those of Apply.
func (k *Keeper) Full(ctx context.Context) (*Result, error) { return k.run(ctx, k.lookAtAll) }

// Point looks at the objects that are said to have changed, as Concern.Keys has them,
// puts right those that differ, and returns the plan that it has carried out. Where more
// than they may have changed, the error is ErrDoubt, and nothing was done.
func (k *Keeper) Point(ctx context.Context, keys []model.Key) (*Result, error) {
	k.dirty, k.near = keys, nil
	return k.run(ctx, k.lookAtDirty)
}

// Doubt lets the next look at everything compare all of it, and not only what is unlike
// the last time that all was right.
func (k *Keeper) Doubt() { k.wards.stale, k.right = true, nil }

func (k *Keeper) run(ctx context.Context, look planner) (*Result, error) {
	if k.DryRun {
		return look(ctx)
	}
	checked := func(ctx context.Context) (*Result, error) {
		if k.Check != nil {
			if err := k.Check(); err != nil {
				return nil, err
			}
		}
		return look(ctx)
	}
	res, err := k.execute(ctx, twice(checked), k.Options)
	if err != nil {
		var differs *NotConverged
		seen := errors.As(err, &differs) && differs.Plan != nil
		k.wards.stale, k.right = k.wards.stale || !seen, nil // what was seen may not be so any more
		k.ways = ways{}
	}
	return res, err
}

// lookAtAll makes a plan of everything.
func (k *Keeper) lookAtAll(ctx context.Context) (*Result, error) {
	for {
		k.ear.Take() // what was heard until now is looked at below
		k.ways, k.near = ways{}, nil
		glance := k.Host.Glance()
		if err := k.expand(ctx, glance); err != nil {
			return nil, err
		}
		seen, err := k.observe(ctx, glance, k.want.State)
		if err != nil {
			return nil, err
		}
		k.seen = seen
		more, err := k.ear.Follow(inside(k.want.State, seen))
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	desired.Adapt(k.want.State, k.seen)
	k.wards = wardsOf(k.want.State, k.seen, k.Node, k.facts)
	if k.right == nil || len(k.Held) > 0 {
		k.right = nil
		return k.settle(k.seen)(k.plan(ctx, k.want.State, k.seen, diff.Options{}))
	}
	k.doubted = merge(k.doubted, model.Unlike(k.right, k.seen))
	return k.settle(k.seen)(k.planOf(ctx, k.doubted))
}

// settle notes that all is right, if a plan says so.
func (k *Keeper) settle(seen *model.State) func(*Result, error) (*Result, error) {
	return func(res *Result, err error) (*Result, error) {
		if err == nil && res.Plan.Empty() && len(res.Plan.Conflicts)+len(res.Plan.Missing)+len(k.Held) == 0 {
			k.right, k.doubted = seen, nil
		}
		return res, err
	}
}

// expand finds out what the node should have, if the host is not as it was.
func (k *Keeper) expand(ctx context.Context, h observe.Host) error {
	facts, err := k.Reconciler.facts(ctx, h)
	if err != nil || k.want != nil && facts.Equal(k.facts) {
		return err
	}
	x, err := desired.Expand(k.Topology, k.Node, facts)
	if err != nil {
		return err
	}
	k.facts, k.want, k.right = facts, x, nil
	return nil
}

// lookAtDirty makes a plan of the objects that are said to have changed, and of those
// that are said so meanwhile: our own changes, too.
func (k *Keeper) lookAtDirty(ctx context.Context) (*Result, error) {
	c := k.Concerns(k.ear.Take())
	if c.All || k.wards.stale {
		return nil, ErrDoubt
	}
	k.dirty = merge(k.dirty, c.Keys)
	scope := observe.Scope{Identity: k.Identity(), Wanted: k.want.State}
	if slices.ContainsFunc(k.dirty, func(key model.Key) bool { return key.Kind.Bears() }) {
		return k.planNear(ctx, scope)
	}
	if err := observe.Again(ctx, k.Host, scope, k.seen, k.dirty); err != nil {
		return nil, err
	}
	return k.planSeen(ctx, k.dirty)
}

// planSeen makes a plan of objects that were just looked at.
func (k *Keeper) planSeen(ctx context.Context, keys []model.Key) (*Result, error) {
	k.doubted = merge(k.doubted, keys)
	desired.AdaptAt(keys, k.want.State, k.seen)
	res, err := k.planOf(ctx, keys)
	if k.right == k.seen && len(k.doubted) == len(keys) {
		return k.settle(k.seen)(res, err)
	}
	return res, err
}

// merge returns the keys of both, each once, in order.
func merge(a, b []model.Key) []model.Key {
	a = append(slices.Clone(a), b...)
	slices.SortFunc(a, model.Key.Compare)
	return slices.Compact(a)
}

// planOf makes a plan of some objects. All others count as right.
func (k *Keeper) planOf(ctx context.Context, keys []model.Key) (*Result, error) {
	excerpt := k.wards.around.Excerpt
	if len(k.near) > 0 { // what is on the links is among the keys
		excerpt = k.wards.around.Part
	}
	want, seen := excerpt(k.want.State, k.seen, keys)
	return k.plan(ctx, want, seen, beside(k.want.State, want))
}

// beside lets a plan of an excerpt be judged by all that is desired, of which all else
// counts as right.
func beside(all, some *model.State) diff.Options {
	return diff.Options{All: all, Beside: all.Makeable() - some.Makeable()}
}

// plan compares what is wanted with what was seen, but for what is held.
func (k *Keeper) plan(ctx context.Context, want, seen *model.State, opts diff.Options) (*Result, error) {
	opts.Adopt, opts.LiveRename = k.Options.Adopt, k.Host.Features().LiveRename
	for {
		w, s := withhold(want, seen, k.Held)
		p := diff.Compute(w, s, opts)
		res := &Result{Expansion: k.want, Observed: k.seen, Plan: p, Empties: empties(k.Node, p), facts: k.facts}
		if p.Empty() && len(p.Conflicts)+len(p.Missing) == 0 {
			return res, nil
		}
		k.recall(ctx, k.facts).originate(p, k.want.State, k.seen)
		res, err := k.guarded(ctx, res, k.defaults)
		if err != nil || k.Judge == nil {
			return res, err
		}
		before := len(k.Held)
		for _, key := range k.Judge(p) {
			k.Held[key] = true
		}
		if len(k.Held) == before {
			return res, nil
		}
	}
}

// inside lists the namespaces that are looked into: the host's own, and those that are
// wanted or ours, as far as they are there.
func inside(want, seen *model.State) []string {
	l := []string{""}
	for e := range seen.Frame() {
		n, ok := e.Object.(model.Netns)
		if !ok {
			continue
		}
		if _, wanted := want.Get(n.Key()); wanted || e.Owner.Mine() {
			l = append(l, n.Name)
		}
	}
	slices.Sort(l)
	return l
}
