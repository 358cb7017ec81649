package reconcile

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// maxRounds is how often the host is looked at anew after somebody else has changed it
// between the observation and the step.
const maxRounds = 3

// rounds observes, plans and executes, anew if somebody else changed the host
// meanwhile: what fails then would fail again, so it is never just repeated.
func (r *Reconciler) rounds(ctx context.Context, l looks, o ApplyOptions) (*Result, error) {
	var left []error // what earlier rounds could not take back
	for round := 1; ; round++ {
		res, err := r.once(ctx, l, o)
		stuck := stuckOf(err)
		switch {
		case round == maxRounds, !raced(err), o.Saved != nil, len(stuck) > 0 && (o.revocable() || !ownOnly(res)):
			return res, withLeft(err, left)
		}
		left = append(left, stuck...)
	}
}

// ownOnly says whether a plan is about nothing of other people's: what is then not as
// it was, the next plan repairs.
func ownOnly(res *Result) bool {
	keys, _ := touched(res.Plan.Steps)
	for _, k := range keys {
		if e, ok := res.Observed.Get(k); ok && !e.Owner.Mine() && e.Owner != model.OwnerShared {
			return false
		}
	}
	return true
}

// raced says whether somebody else seems to have changed the host between our
// observation and the step, or while we looked.
func raced(err error) bool {
	for _, e := range []error{syscall.EEXIST, syscall.ENOENT, syscall.ESRCH, syscall.EBUSY, syscall.ENODEV} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// stuckOf returns what a failed run could not take back.
func stuckOf(err error) []error {
	var f *apply.Failure
	var v *Revoked
	switch {
	case errors.As(err, &v):
		return v.Stuck
	case errors.As(err, &f):
		return f.Stuck
	}
	return nil
}

// NotRestored says that a run was given up after an earlier round of it had left
// something that is not as it was.
type NotRestored struct {
	Why  error
	Left []error
}

// Error tells why, and what is left.
func (e *NotRestored) Error() string {
	return fmt.Sprintf("%v\nthe roll-back before that was incomplete, look at the host:\n%v", e.Why, errors.Join(e.Left...))
}

// Unwrap returns why.
func (e *NotRestored) Unwrap() error { return e.Why }

// withLeft adds to an error what earlier rounds have left. Where every step was done
// since, nothing of that is left but what the error tells.
func withLeft(err error, left []error) error {
	var n *NotConverged
	if err == nil || len(left) == 0 || errors.As(err, &n) {
		return err
	}
	return &NotRestored{err, left}
}
