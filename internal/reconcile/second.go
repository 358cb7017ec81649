package reconcile

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// Of very many objects, few that were changed are looked at alone once that is done.
const (
	mostAlone   = 64 // objects
	othersAlone = 50 // that there are for each of them, at least
)

// second returns the planner of the look at the host after the plan of a result was carried
// out. It looks at everything, unless the plan is about few of very many routes, neighbours
// and FDB entries: nothing stands on these, so the kernel changes nothing else with them.
// Then it looks at these, and at all that others stand on. res is brought up to date by it.
func (r *Reconciler) second(res *Result, whole planner, o ApplyOptions) planner {
	keys := keysOf(res.Plan.Steps)
	if res.Expansion == nil || o.Phase != diff.Whole || !aloneEnough(keys, res) {
		return whole
	}
	return func(ctx context.Context) (*Result, error) {
		after, err := r.lookAlone(ctx, res, keys, o)
		if errors.Is(err, ErrDoubt) {
			return whole(ctx)
		}
		return after, err
	}
}

// keysOf returns what the steps are about; of routes to peers, also with the other metric
// that they may have. There are none where something goes along with a step, or where the
// steps are many.
func keysOf(steps []model.Step) []model.Key {
	if len(steps) > mostAlone {
		return nil
	}
	var l []model.Key
	for _, s := range steps {
		if s.Along != nil {
			return nil
		}
		k := s.Key()
		l = append(l, k)
		if k.Spreadable() {
			l = append(l, k.Plain(), k.Spread())
		}
	}
	return merge(l, nil)
}

// aloneEnough says whether it is enough to look at the keys, and worth it.
func aloneEnough(keys []model.Key, res *Result) bool {
	if len(keys) == 0 || len(keys)*othersAlone > res.Observed.Len() {
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

// lookAlone plans for the keys as they are now, and for no others. Where what others stand on
// is not as it was, the error is ErrDoubt.
func (r *Reconciler) lookAlone(ctx context.Context, res *Result, keys []model.Key, o ApplyOptions) (*Result, error) {
	facts, err := observe.Facts(ctx, r.Host, observe.Query{Addresses: r.Node.Addresses, Interface: r.Node.Interface})
	if err != nil {
		return nil, err
	}
	known := res.facts
	known.Direct = facts.Direct // nobody was asked for
	if !facts.Equal(known) {
		return nil, ErrDoubt
	}
	want, seen := res.Expansion.State, res.Observed
	scope := observe.Scope{Identity: r.Identity(), Wanted: want}
	frame, err := observe.Frame(ctx, r.Host, scope)
	if err != nil {
		return nil, err
	}
	if len(model.UnlikeFrames(seen, frame)) > 0 {
		return nil, ErrDoubt
	}
	if err := observe.Again(ctx, r.Host, scope, seen, keys); err != nil {
		return nil, err
	}
	desired.AdaptAt(keys, want, seen)
	some, of := diff.SurroundingsOf(want, seen).Excerpt(want, seen, keys)
	opts := beside(want, some)
	opts.Adopt, opts.LiveRename = o.Adopt, r.Host.Features().LiveRename
	return &Result{Expansion: res.Expansion, Observed: seen, Plan: diff.Compute(some, of, opts), facts: facts}, nil
}
