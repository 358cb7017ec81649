package apply

import (
	"context"
	"fmt"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// undo takes the done steps back, last first. It goes on after an error, so that
// as much as possible is as it was, and returns the errors.
func undo(ctx context.Context, k Kernel, done []model.Step) []error {
	var stuck []error
	for _, s := range slices.Backward(done) {
		for _, inverse := range Inverse(s) {
			if err := k.Do(ctx, []model.Step{inverse})[0]; err != nil {
				stuck = append(stuck, fmt.Errorf("undo: %w", err))
			}
		}
	}
	return stuck
}

// Inverse returns the steps that take a step back to the exact attributes that
// were there before, with what the kernel dropped as a consequence.
func Inverse(s model.Step) []model.Step {
	var steps []model.Step
	switch s.Op {
	case model.OpCreate:
		return []model.Step{{Op: model.OpDelete, Before: s.After}}
	case model.OpUpdate:
		steps = append(steps, inverseUpdate(s))
	case model.OpDelete:
		steps = append(steps, model.Step{Op: model.OpCreate, After: s.Before})
	}
	for _, o := range s.Lost {
		steps = append(steps, model.Step{Op: model.OpCreate, After: o})
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

// reattach makes a link a port of its bridge again.
func reattach(o model.Object) model.Step {
	was := o.(model.Link)
	now := was
	now.Master = model.Some("")
	return model.Step{Op: model.OpUpdate, Before: now, After: was}
}
