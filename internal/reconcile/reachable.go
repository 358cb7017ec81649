package reconcile

import (
	"context"
	"fmt"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/verify"
)

// Tries of the probes, a second each at most. Before a run, a pair that doesn't answer is
// not worth much waiting; after it, neighbours have to be found anew, and IPv6 addresses
// looked for duplicates.
const (
	triesBefore = 2
	triesAfter  = 5
)

// working returns the pairs of namespaces that reach each other by now, if that matters.
func (r *Reconciler) working(ctx context.Context, o ApplyOptions) ([]model.Pair, error) {
	if !o.Verify {
		return nil, nil
	}
	t, node, err := r.whole()
	if err != nil {
		return nil, err
	}
	m, err := verify.Run(ctx, r.Host, t, node, verify.Options{Tries: triesBefore})
	if err != nil {
		return nil, err
	}
	return m.Reached(), nil
}

// Unreachable says which pairs reached each other before a run, and don't after it.
type Unreachable struct{ Pairs []model.Pair }

// Error names the first few pairs.
func (u *Unreachable) Error() string {
	const most = 10
	var l []string
	for i, p := range u.Pairs {
		if i == most {
			l = append(l, fmt.Sprintf("and %d more", len(u.Pairs)-most))
			break
		}
		l = append(l, fmt.Sprintf("%s -> %s (%s)", p.From, p.To, p.Dst))
	}
	return "after the change, what worked before doesn't any more: " + strings.Join(l, ", ")
}

// stillWorking probes pairs that worked before a run once more.
func (r *Reconciler) stillWorking(ctx context.Context, worked []model.Pair) error {
	m, err := verify.Again(ctx, r.Host, worked, verify.Options{Tries: triesAfter})
	if err != nil {
		return err
	}
	if failed := m.Failed(); len(failed) > 0 {
		return &Unreachable{failed}
	}
	return nil
}
