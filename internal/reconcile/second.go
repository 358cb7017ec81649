package reconcile

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// Of very many objects, few that were changed are looked at by themselves once that is done.
const (
	mostPointed = 64 // of those that were changed
	leastBeside = 50 // objects that there are, for each of them
)

// second returns the planner of the look at the host after the plan of a result was carried
// out. It looks at everything, unless the plan is about few of very many routes, neighbours
// and FDB entries: nothing stands on these, so that with them the kernel has changed nothing
// else. Then it looks at these, and at all that others stand on; it brings what the result
// says of them up to date.
func (r *Reconciler) second(res *Result, whole planner, o ApplyOptions) planner {
	keys := keysOf(res.Plan.Steps)
	if res.Expansion == nil || o.Phase != diff.Whole || !pointable(keys, res) {
		return whole
	}
	return func(ctx context.Context) (*Result, error) {
		after, err := r.lookAtKeys(ctx, res, keys, o)
		if errors.Is(err, ErrDoubt) {
			return whole(ctx)
		}
		return after, err
	}
}

// keysOf returns what the steps are about, none if they are many.
func keysOf(steps []model.Step) []model.Key {
	if len(steps) > mostPointed {
		return nil
	}
	var l []model.Key
	for _, s := range steps {
		l = append(l, s.Key())
	}
	return merge(l, nil)
}

// pointable says whether it is enough to look at the keys, and worth it.
func pointable(keys []model.Key, res *Result) bool {
	if len(keys) == 0 || len(keys)*leastBeside > res.Observed.Len() {
		return false
	}
	var to []netip.Prefix
	for _, k := range keys {
		if !k.Kind.Leads() {
			return false
		}
		if k.Kind == model.KindRoute && k.Netns == "" {
			to = append(to, k.Prefix)
		}
	}
	return !leadAny(to, res.facts.Direct)
}

// leadAny says whether one of the destinations holds a peer for which the kernel was asked
// how it reaches it.
func leadAny(to []netip.Prefix, peers model.Directs) bool {
	for p := range peers.All() {
		if slices.ContainsFunc(to, func(d netip.Prefix) bool { return d.Contains(p) }) {
			return true
		}
	}
	return false
}

// lookAtKeys plans for the keys as they are now, and for no others. Where what others stand on
// is not as it was, or another route may take the packets of one of them, the error is
// ErrDoubt.
func (r *Reconciler) lookAtKeys(ctx context.Context, res *Result, keys []model.Key, o ApplyOptions) (*Result, error) {
	defer r.Host.Trim()
	glance := r.Host.Glance()
	if err := r.sameFacts(ctx, glance, res.facts, nil); err != nil {
		return nil, err
	}
	want, seen := res.Expansion.State, res.Observed
	scope := observe.Scope{Identity: r.Identity(), Wanted: want}
	frame, err := observe.Frame(ctx, glance, scope)
	if err != nil {
		return nil, err
	}
	if len(model.UnlikeFrames(seen, frame)) > 0 {
		return nil, ErrDoubt
	}
	if undercut, err := r.undercut(ctx, keys); undercut || err != nil {
		return nil, cmp.Or(err, ErrDoubt)
	}
	if err := observe.Again(ctx, r.Host, scope, seen, keys); err != nil {
		return nil, err
	}
	r.draft.digested()
	desired.AdaptAt(keys, want, seen)
	some, of := diff.SurroundingsOf(want, seen).Excerpt(want, seen, keys)
	opts := beside(want, some)
	opts.Adopt, opts.LiveRename = o.Adopt, r.Host.Features().LiveRename
	return &Result{Expansion: res.Expansion, Observed: seen, Plan: diff.Compute(some, of, opts), facts: res.facts}, nil
}

// undercut says whether there is a route of the host to the same destination as one of the
// keys, with a lower metric than that.
func (r *Reconciler) undercut(ctx context.Context, keys []model.Key) (is bool, err error) {
	routes := slices.DeleteFunc(slices.Clone(keys), func(k model.Key) bool { return !k.Spreadable() })
	err = r.Host.RoutesLike(ctx, "", routes, func(x model.Route) { is = is || !slices.Contains(routes, x.Key()) })
	return is, err
}
