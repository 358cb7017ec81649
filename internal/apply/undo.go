package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// undo takes the done steps back, last first. It goes on after an error, so that
// as much as possible is as it was, and returns the errors.
//
// What cannot be had at its turn is tried once more at the end: a route whose former
// gateway is an address of the host by now has to wait until that is gone.
//
// With doubtful, some of the steps may not have been done after all: what is there
// already is as it was.
func undo(ctx context.Context, k Kernel, done []model.Step, doubtful bool) []error {
	type inverse struct {
		model.Step
		consequence bool // of the step, not the step's own object
	}
	var waiting []inverse
	made := map[model.Key]bool{}
	for _, s := range slices.Backward(done) {
		for i, back := range Inverse(s) {
			err := k.Do(ctx, []model.Step{back})[0]
			if back.Renames() { // what waits is to be had under the former name
				for j := range waiting {
					waiting[j].Step = formerName(waiting[j].Step, back)
				}
			}
			switch {
			case err != nil:
				waiting = append(waiting, inverse{back, i > 0})
			case back.Op == model.OpCreate:
				made[back.Key()] = true
			}
		}
	}
	var stuck []error
	for _, back := range waiting {
		err := again(ctx, k, back.Step)
		if errors.Is(err, syscall.EEXIST) && (doubtful || made[back.Key()] || back.consequence) {
			continue // a step that was half done may have taken nothing along
		}
		if err != nil {
			stuck = append(stuck, fmt.Errorf("undo: %w", err))
		}
	}
	return stuck
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
	for _, o := range slices.Concat(s.Lost, s.Restore) {
		steps = append(steps, restore(o)...)
	}
	for _, o := range s.Released {
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
