package kernel

import (
	"errors"
	"io/fs"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

type sysctlDoor struct{ h *Host }

func (d sysctlDoor) create(o model.Object) error {
	return d.together([]model.Step{{Op: model.OpCreate, After: o}})[0]
}

func (d sysctlDoor) update(before, after model.Object) error {
	return d.together([]model.Step{{Op: model.OpUpdate, Before: before, After: after}})[0]
}

func (d sysctlDoor) remove(o model.Object) error {
	return d.together([]model.Step{{Op: model.OpDelete, Before: o}})[0]
}

func (d sysctlDoor) joins(model.Op) bool { return true }

// together sets or gives back many sysctls: one thread goes from namespace to namespace,
// and what was there before is written down once.
func (d sysctlDoor) together(steps []model.Step) (errs []error) {
	if err := d.h.tour(func(t *tour) error {
		if steps[0].Op == model.OpDelete {
			errs = d.giveBack(t, steps)
		} else {
			errs = d.set(t, steps)
		}
		return nil
	}); err != nil {
		return inTurn(steps, func(model.Step) error { return err })
	}
	return errs
}

// set remembers what was there, and only then writes: a run that dies in between
// remembers too much rather than too little. What could not be written is not
// remembered, if it wasn't before.
func (d sysctlDoor) set(t *tour, steps []model.Step) []error {
	var before []model.Sysctl // with the value that there was
	errs := inTurn(steps, func(s model.Step) error {
		was, err := former(t, s)
		if err == nil {
			before = append(before, was)
		}
		return err
	})
	first, err := d.h.remember(before)
	if err != nil {
		return inTurn(steps, func(model.Step) error { return err })
	}
	copy(errs, inTurn(steps[:len(before)], func(s model.Step) error {
		after := s.After.(model.Sysctl)
		return t.writeSysctl(after.Netns, after.Name, after.Value.Value())
	}))
	for i := range before {
		if errs[i] != nil {
			errs[i] = errors.Join(errs[i], d.h.unremember(among(first, before[i:])))
			return append(errs[:i+1], notTried(len(steps)-i-1)...)
		}
	}
	return errs
}

// former returns what a sysctl was before the tool set it.
func former(t *tour, s model.Step) (model.Sysctl, error) {
	was := s.After.(model.Sysctl)
	if s.Op == model.OpUpdate {
		before := s.Before.(model.Sysctl)
		was.Value = model.Some(before.Saved.Or(before.Value.Value()))
		return was, nil
	}
	v, err := t.readSysctl(was.Netns, was.Name)
	was.Value = model.Some(was.Saved.Or(v))
	return was, err
}

// among returns those of l that are in all, too.
func among(all, l []model.Sysctl) []model.Sysctl {
	keys := map[model.Key]bool{}
	for _, s := range all {
		keys[s.Key()] = true
	}
	var both []model.Sysctl
	for _, s := range l {
		if keys[s.Key()] {
			both = append(both, s)
		}
	}
	return both
}

// giveBack writes what was there before, and forgets it.
func (d sysctlDoor) giveBack(t *tour, steps []model.Step) []error {
	var done []model.Sysctl
	errs := inTurn(steps, func(step model.Step) error {
		s := step.Before.(model.Sysctl)
		if was, ok := s.Saved.Get(); ok {
			err := t.writeSysctl(s.Netns, s.Name, was)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		done = append(done, s)
		return nil
	})
	if err := d.h.unremember(append(done, d.returned(t)...)); err != nil {
		last := min(len(done), len(steps)-1)
		errs[last] = errors.Join(errs[last], err)
	}
	return errs
}

// returned lists what is remembered of sysctls that have their old value again: a run that
// died may have given them back, without forgetting it.
func (d sysctlDoor) returned(t *tour) []model.Sysctl {
	memory, err := d.h.recalled()
	if err != nil {
		return nil // which whoever changes it will tell
	}
	var l []model.Sysctl
	for _, e := range memory.Sysctls {
		if v, err := t.readSysctl(e.Netns, e.Name); err == nil && v == e.Value {
			l = append(l, model.Sysctl{Netns: e.Netns, Name: e.Name})
		}
	}
	return l
}
