package apply

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Kernel is the door that steps go through. Do executes them in order and returns
// an error for each, nil for those that were done. Steps after a failed one may or
// may not have been done; their errors tell. Deleting what is absent is not an
// error. A creation that failed has left nothing behind.
type Kernel interface {
	Do(ctx context.Context, steps []model.Step) []error
}

// Failure is a step that failed, and what became of the host.
type Failure struct {
	Step   model.Step
	Source string // where the object was declared, "topology.yaml:12"
	Err    error
	Undone int     // steps that were undone
	Stuck  []error // what could not be undone, an error each; empty: all is as it was
}

// Error tells what failed and how the host is now.
func (f *Failure) Error() string {
	s := f.Err.Error()
	if f.Source != "" {
		s = f.Source + ": " + s
	}
	switch {
	case len(f.Stuck) > 0:
		s += fmt.Sprintf("\nthe roll-back is incomplete, look at the host:\n%v", errors.Join(f.Stuck...))
	case f.Undone == 1:
		s += "\nthe step before it was rolled back"
	case f.Undone > 1:
		s += fmt.Sprintf("\nthe %d steps before it were rolled back", f.Undone)
	}
	return s
}

// Unwrap returns the failed step's error.
func (f *Failure) Unwrap() error { return f.Err }

// Journal notes how far a run is with a step. What it cannot note is not done.
type Journal interface {
	Note(step int, p journal.Progress) error
}

// Run executes the plan's steps. When one fails, it undoes those that were done,
// in reverse order, also if ctx is cancelled by then, and returns a *Failure.
func Run(ctx context.Context, k Kernel, plan *diff.Plan) error {
	return settle(ctx, k, plan, k.Do(ctx, plan.Steps))
}

// RunJournaled is Run with a note before and after each step, so that a later process
// can take the run back if this one dies.
func RunJournaled(ctx context.Context, k Kernel, plan *diff.Plan, j Journal) error {
	errs := make([]error, len(plan.Steps))
	for i, s := range plan.Steps {
		errs[i] = errNotReached
		if i > 0 && errs[i-1] != nil {
			continue
		}
		if errs[i] = j.Note(i, journal.Begun); errs[i] != nil {
			continue
		}
		if errs[i] = k.Do(ctx, []model.Step{s})[0]; errs[i] == nil {
			_ = j.Note(i, journal.Done) // without it, the step counts as begun, and the next one isn't
		}
	}
	return settle(ctx, k, plan, errs)
}

// errNotReached is the error of steps after a failed one.
var errNotReached = errors.New("not reached")

// settle undoes what was done if any step failed.
func settle(ctx context.Context, k Kernel, plan *diff.Plan, errs []error) error {
	failed := -1
	var done []model.Step
	for i, err := range errs {
		switch {
		case err == nil:
			done = append(done, plan.Steps[i])
		case failed < 0:
			failed = i
		}
	}
	if failed < 0 {
		return nil
	}
	f := &Failure{Step: plan.Steps[failed], Source: sourceOf(plan, plan.Steps[failed].Key()), Err: errs[failed], Undone: len(done)}
	f.Stuck = undo(context.WithoutCancel(ctx), k, append(done, halfDone(f.Step, f.Err)...), len(done))
	return f
}

// halfDone returns the failed step where it may have done half of its work: the
// update of a link takes several messages, and a namespace is gone before its file is.
// A creation that failed leaves nothing behind; what stands in its place is somebody
// else's.
func halfDone(s model.Step, err error) []model.Step {
	update := s.Op == model.OpUpdate && s.Key().Kind == model.KindLink && !s.Renames() && !errors.Is(err, syscall.ENODEV)
	removal := s.Op == model.OpDelete && s.Key().Kind == model.KindNetns
	if update || removal {
		return []model.Step{s}
	}
	return nil
}

func sourceOf(plan *diff.Plan, key model.Key) string {
	for _, c := range plan.Changes {
		if c.Key() == key {
			return c.Source
		}
	}
	return ""
}
