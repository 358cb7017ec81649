package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// taken is a step that is to be taken back.
type taken struct {
	model.Step
	sure bool // that it was done; else it may not have been, or half
}

// undo takes steps back, last first. It goes on after an error, so that as much as
// possible is as it was, and returns the errors.
//
// What cannot be had at its turn is tried again at the end: a route whose former
// gateway is an address of the host by now has to wait until that is gone. What is there
// already, where it isn't sure that it was taken away, is as it was.
func undo(ctx context.Context, k Kernel, l []taken) []error {
	inverses, doubtful := inverse(l)
	u := undoing{made: map[model.Key]bool{}}
	for len(inverses) > 0 {
		n := 0
		for i, err := range k.Do(ctx, batch(k, inverses)) {
			if i > 0 && errors.Is(err, kernel.ErrNotTried) {
				break // it has its turn yet
			}
			u.note(inverses[i], err, doubtful[i])
			n++
		}
		inverses, doubtful = inverses[n:], doubtful[n:]
	}
	return u.finish(ctx, k)
}

// finish tries what waits once more, as long as that brings anything about: what is made may
// be what another one waits for, such as the first end of a veth for the second. It returns
// the errors of the rest.
func (u *undoing) finish(ctx context.Context, k Kernel) []error {
	for {
		var stuck []error
		left := u.waiting[:0:0]
		for _, w := range u.waiting {
			err := again(ctx, k, w.Step)
			if errors.Is(err, syscall.EEXIST) && (w.doubtful || u.made[w.Key()]) {
				continue // a step that was half done may have taken nothing along
			}
			if err != nil {
				left, stuck = append(left, w), append(stuck, &NotUndone{w.Key(), err})
			}
		}
		if len(left) == 0 || len(left) == len(u.waiting) {
			return stuck
		}
		u.waiting = left
	}
}

// inverse returns what takes steps back, last first, and of each, whether what it makes
// may be there already: it is a consequence of a step, not the step's own object, or of
// one that may not have been done.
func inverse(l []taken) (steps []model.Step, doubtful []bool) {
	steps, doubtful = make([]model.Step, 0, len(l)), make([]bool, 0, len(l)) // mostly, there is one for each
	for _, s := range slices.Backward(l) {
		for i, back := range Inverse(s.Step) {
			steps = append(steps, back)
			doubtful = append(doubtful, i > 0 || !s.sure)
		}
	}
	return steps, doubtful
}

// undoing is how far steps were taken back.
type undoing struct {
	waiting []waiting
	made    map[model.Key]bool
}

// waiting is what could not be had at its turn.
type waiting struct {
	model.Step
	doubtful bool
}

// note takes down what came of a step.
func (u *undoing) note(s model.Step, err error, doubtful bool) {
	if s.Renames() { // what waits is to be had under the former name
		for i := range u.waiting {
			u.waiting[i].Step = formerName(u.waiting[i].Step, s)
		}
	}
	switch {
	case err != nil:
		u.waiting = append(u.waiting, waiting{s, doubtful || errors.Is(err, kernel.ErrUnknown)})
	case s.Op == model.OpCreate:
		u.made[s.Key()] = true
	}
}

// formerName returns the step as it is when a link has the name again that back gives it.
func formerName(s, back model.Step) model.Step {
	from, to := back.Before.Key(), back.Key().Name
	for _, o := range []*model.Object{&s.Before, &s.After} {
		if *o != nil {
			*o = model.Renamed(*o, from.Netns, from.Name, to)
		}
	}
	return s
}

// NotUndone says that what was done to an object could not be taken back.
type NotUndone struct {
	Key model.Key
	Err error
}

// Error tells why.
func (e *NotUndone) Error() string { return fmt.Sprintf("undo: %v", e.Err) }

// Unwrap returns the kernel's error.
func (e *NotUndone) Unwrap() error { return e.Err }

// again tries a step anew. What it was to update may have gone meanwhile, and is
// then made.
func again(ctx context.Context, k Kernel, s model.Step) error {
	err := k.Do(ctx, []model.Step{s})[0]
	if s.Op == model.OpUpdate && (errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENODEV)) {
		return k.Do(ctx, []model.Step{{Op: model.OpCreate, After: s.After}})[0]
	}
	return err
}

// Inverse returns the steps that take a step back to the exact attributes that
// were there before, with what the kernel dropped as a consequence.
func Inverse(s model.Step) []model.Step {
	var steps []model.Step
	switch s.Op {
	case model.OpCreate:
		steps = append(steps, model.Step{Op: model.OpDelete, Before: s.After})
	case model.OpUpdate:
		steps = append(steps, inverseUpdate(s))
	case model.OpDelete:
		steps = append(steps, model.Step{Op: model.OpCreate, After: s.Before})
	}
	for _, o := range slices.Concat(s.Lost(), s.Restore()) {
		steps = append(steps, restore(o)...)
	}
	for _, o := range s.Released() {
		steps = append(steps, reattach(o))
	}
	return steps
}

// inverseUpdate takes an update back. A sysctl that the update was the first to
// set is given back, so that nothing remembers it as ours.
func inverseUpdate(s model.Step) model.Step {
	before, ok := s.Before.(model.Sysctl)
	if !ok || before.Saved.IsSet() {
		return model.Step{Op: model.OpUpdate, Before: s.After, After: s.Before}
	}
	after := s.After.(model.Sysctl)
	after.Saved = before.Value
	return model.Step{Op: model.OpDelete, Before: after}
}

// restore makes a lost object again. A sysctl that the tool had not set is set and
// given back to what it was, so that nothing remembers it as ours.
func restore(o model.Object) []model.Step {
	steps := []model.Step{{Op: model.OpCreate, After: o}}
	if v, ok := o.(model.Sysctl); ok && !v.Saved.IsSet() {
		v.Saved = v.Value
		steps = append(steps, model.Step{Op: model.OpDelete, Before: v})
	}
	return steps
}

// reattach makes a link a port of its bridge again.
func reattach(o model.Object) model.Step {
	was := o.(model.Link)
	now := was
	now.Master = model.Some("")
	return model.Step{Op: model.OpUpdate, Before: now, After: was}
}
