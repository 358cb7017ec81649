package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// differences observes the host and returns what of the steps' objects is not as it
// was before, an error each.
func differences(ctx context.Context, h *kernel.Host, id model.Identity, steps []model.Step, before func(model.Key) (model.Object, bool)) []error {
	keys, wanted := touched(steps)
	now, err := observed(ctx, h, id, wanted)
	if err != nil {
		return []error{fmt.Errorf("compare the host with how it was: %w", err)}
	}
	var l []error
	for _, k := range keys {
		was, had := before(k)
		is, has := now.Get(k)
		switch {
		case had && !has:
			l = append(l, &difference{k, "is not there any more"})
		case !had && has && is.Owner.Mine():
			l = append(l, &difference{k, "is still there"})
		case had:
			l = append(l, changes(was, is.Object)...)
		}
	}
	return l
}

// difference is an object that is not as it was.
type difference struct {
	key  model.Key
	what string
}

// Error names the object.
func (d *difference) Error() string { return d.key.String() + " " + d.what }

// notAsBefore puts what could not be undone together with what differs. That an object
// could not be changed back says nothing where it is as it was: a step may have failed
// before it had done anything. Only of a namespace more may be left than can be seen:
// its file.
func notAsBefore(stuck, differences []error) []error {
	differs, looked := map[model.Key]bool{}, true
	for _, err := range differences {
		var d *difference
		if looked = looked && errors.As(err, &d); d != nil {
			differs[d.key] = true
		}
	}
	var l []error
	for _, err := range stuck {
		var n *apply.NotUndone
		if !looked || !errors.As(err, &n) || differs[n.Key] || n.Key.Kind == model.KindNetns {
			l = append(l, err)
		}
	}
	return append(l, differences...)
}

// strays observes the host and returns what of ours is not as it was although no step was
// about it, an error each: what went along with a link that got another name, or what a
// step left behind that failed while it cleaned up.
func strays(ctx context.Context, h *kernel.Host, id model.Identity, before *Result) []error {
	_, known := touched(before.Plan.Steps)
	now, err := observed(ctx, h, id, known)
	if err != nil {
		return []error{fmt.Errorf("look for what was left behind: %w", err)}
	}
	var l []error
	for e := range before.Observed.All() {
		k := e.Object.Key()
		if _, ok := known.Get(k); ok || !e.Owner.Mine() {
			continue
		}
		if is, ok := now.Get(k); ok {
			l = append(l, changes(e.Object, is.Object)...)
		} else {
			l = append(l, &difference{k, "is not there any more"})
		}
	}
	for e := range now.All() {
		k := e.Object.Key()
		_, was := before.Observed.Get(k)
		if _, ok := known.Get(k); e.Owner.Mine() && !was && !ok {
			l = append(l, &difference{k, "was left behind"})
		}
	}
	return l
}

// changes returns how an object differs from what it was, an error an attribute.
func changes(was, is model.Object) []error {
	var l []error
	attrs, _, _ := model.DiffAttrs(was, is)
	for _, a := range attrs {
		l = append(l, &difference{was.Key(), fmt.Sprintf("has %s %s, and had %s", a.Name, quoted(a.Before), quoted(a.After))})
	}
	return l
}

func observed(ctx context.Context, h *kernel.Host, id model.Identity, wanted *model.State) (*model.State, error) {
	return observe.State(ctx, h, observe.Scope{Identity: id, Wanted: wanted})
}

// touched returns the keys of all objects that steps change or take along, each once,
// and a state that has them.
func touched(steps []model.Step) ([]model.Key, *model.State) {
	s := &model.State{}
	put := func(l ...model.Object) {
		for _, o := range l {
			if _, ok := s.Get(o.Key()); !ok {
				s.Put(model.Entry{Object: o})
			}
		}
	}
	for _, step := range steps {
		put(step.Object())
		if step.Renames() {
			put(step.Before)
		}
		put(step.Lost()...)
		put(step.Released()...)
		put(step.Restore()...)
	}
	return s.Keys(), s
}

// formerState is how objects were before a run.
type formerState map[model.Key]model.Object

func (f formerState) get(k model.Key) (model.Object, bool) {
	o := f[k]
	return o, o != nil
}

// former returns how the objects of a run were before it: as the first step that
// touched each found it; nil for one that was not there.
func former(steps []model.Step) formerState {
	f := formerState{}
	put := func(k model.Key, o model.Object) {
		if _, ok := f[k]; !ok {
			f[k] = o
		}
	}
	var names []model.Step // that gave a link another name
	was := func(o model.Object) model.Object {
		for _, n := range slices.Backward(names) {
			o = model.Renamed(o, n.Key().Netns, n.Key().Name, n.Before.Key().Name)
		}
		return o
	}
	for _, s := range steps {
		if s.Before != nil {
			before := was(s.Before)
			put(before.Key(), before)
		}
		if s.After != nil {
			put(s.Key(), nil) // unless it was there
		}
		if s.Renames() {
			names = append(names, s)
		}
		for _, l := range [][]model.Object{s.Lost(), s.Released(), s.Restore()} {
			for _, o := range l {
				o = was(o)
				put(o.Key(), o)
			}
		}
	}
	return f
}
