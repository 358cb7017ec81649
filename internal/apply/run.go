package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Kernel is the door that steps go through. Do executes them in order and returns
// an error for each, nil for those that were done. Steps after a failed one may or
// may not have been done; their errors tell. One whose error is kernel.ErrUnknown may have
// been done itself. Deleting what is absent is not an error. A creation that failed has
// left nothing behind.
type Kernel interface {
	Do(ctx context.Context, steps []model.Step) []error
}

// batcher is a Kernel that executes several steps at once.
type batcher interface {
	// Batch returns how many of the first steps these are, at least 1 if there is one.
	Batch(steps []model.Step) int
}

// batch returns the first steps, as many as k executes at once.
func batch(k Kernel, steps []model.Step) []model.Step {
	if b, ok := k.(batcher); ok {
		return steps[:b.Batch(steps)]
	}
	return steps[:min(len(steps), 1)]
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

// Journal notes how far a run is with n steps that are done at once. What it cannot note
// is not done.
type Journal interface {
	NoteAll(first, n int, p journal.Progress) error
}

// Run executes the plan's steps. When one fails, it undoes those that were done,
// in reverse order, also if ctx is cancelled by then, and returns a *Failure.
func Run(ctx context.Context, k Kernel, plan *diff.Plan) error {
	return settle(ctx, k, plan, k.Do(ctx, plan.Steps))
}

// RunJournaled is Run with a note before and after the steps that are done at once, so
// that a later process can take the run back if this one dies.
func RunJournaled(ctx context.Context, k Kernel, plan *diff.Plan, j Journal) error {
	errs := make([]error, 0, len(plan.Steps))
	for len(errs) < len(plan.Steps) {
		first := len(errs)
		steps := batch(k, plan.Steps[first:])
		if err := j.NoteAll(first, len(steps), journal.Begun); err != nil {
			errs = append(errs, err)
			break
		}
		errs = append(errs, k.Do(ctx, steps)...)
		if slices.ContainsFunc(errs[first:], isError) {
			break
		}
		_ = j.NoteAll(first, len(steps), journal.Done) // without it, they count as begun, and the next ones aren't
	}
	return settle(ctx, k, plan, errs)
}

func isError(err error) bool { return err != nil }

// settle undoes what was done if any step failed. Those that there are no errors for were
// not reached.
func settle(ctx context.Context, k Kernel, plan *diff.Plan, errs []error) error {
	failed := slices.IndexFunc(errs, isError)
	if failed < 0 {
		return nil
	}
	f := &Failure{Step: plan.Steps[failed], Source: sourceOf(plan, plan.Steps[failed].Key()), Err: errs[failed]}
	var back []taken
	for i, err := range errs {
		switch {
		case err == nil:
			f.Undone++
			back = append(back, taken{plan.Steps[i], true})
		case errors.Is(err, kernel.ErrUnknown):
			back = append(back, taken{plan.Steps[i], false})
		}
	}
	for _, s := range halfDone(f.Step, f.Err) {
		back = append(back, taken{s, false})
	}
	f.Stuck = undo(context.WithoutCancel(ctx), k, back)
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
