package fake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ErrNotTried says that a step was not begun, because one before it failed.
var ErrNotTried = errors.New("not tried")

// Effect is what one step did.
type Effect struct {
	Step     model.Step
	Err      error
	Idle     bool        // a deletion that found nothing
	Lost     []model.Key // what went along with it
	Released []model.Key // the ports that a deleted bridge let go
}

// Kernel is a host. It is made by New.
type Kernel struct {
	// Log is what was executed or refused, in order.
	Log []Effect
	// Plain says that addresses carry no mark (IFA_PROTO), as before Linux 6.4: they
	// belong to their link.
	Plain bool
	// Most is how many steps are executed at once at most, as the real one does with
	// those that are one message each; 0: as many as there are.
	Most int

	id      model.Identity
	objects map[model.Key]model.Object
	effect  *Effect // of the step that is being executed
	steps   int     // begun so far
	failure failure
}

// failure is a step that is made to fail.
type failure struct {
	at   int // counted from 1; 0: none
	err  error
	half bool
}

// New returns a host with nothing on it, as the tool would see it under the identity.
func New(id model.Identity) *Kernel {
	return &Kernel{id: id, objects: map[model.Key]model.Object{}, effect: &Effect{}}
}

// Clone returns a copy that can be changed independently, with an empty log and no
// failure.
func (k *Kernel) Clone() *Kernel {
	c := New(k.id)
	c.Plain, c.Most = k.Plain, k.Most
	c.objects = maps.Clone(k.objects)
	return c
}

// As returns a copy as the tool would see it under another identity.
func (k *Kernel) As(id model.Identity) *Kernel {
	c := k.Clone()
	c.id = id
	return c
}

// FailAt makes the nth step from now, counted from 0, fail with err. If half is
// set and the step is the update of a link, half of it is done: that takes several
// messages.
func (k *Kernel) FailAt(n int, err error, half bool) {
	k.failure = failure{at: k.steps + n + 1, err: err, half: half}
}

// Put sets objects without asking, as if they had always been there. What they
// leave open is as the kernel makes it.
func (k *Kernel) Put(objects ...model.Object) {
	for _, o := range objects {
		k.put(o)
	}
}

// Objects returns all that was put or made and is still there, without what the
// kernel derives.
func (k *Kernel) Objects() map[model.Key]model.Object { return maps.Clone(k.objects) }

// Do executes steps in order and returns an error for each, nil for those that were
// done. It stops at the first failure, but for the steps that are executed at once with
// the failed one; those after that have ErrNotTried.
func (k *Kernel) Do(ctx context.Context, steps []model.Step) []error {
	errs := make([]error, len(steps))
	failed := false
	for i := 0; i < len(steps); {
		for end := i + k.atOnce(steps[i:]); i < end; i++ {
			if errs[i] = ErrNotTried; !failed {
				errs[i] = k.one(ctx, steps[i])
			}
		}
		failed = slices.ContainsFunc(errs[:i], func(err error) bool { return err != nil })
	}
	return errs
}

// atOnce returns how many of the first steps are executed at once: they are in one namespace.
func (k *Kernel) atOnce(steps []model.Step) int {
	n := k.Batch(steps)
	for i, s := range steps[:n] {
		if i > 0 && (!plain(s) || s.Key().Netns != steps[0].Key().Netns) {
			return i
		}
	}
	return n
}

// Batch returns how many of the first steps are noted together: what is executed at once in
// each of many namespaces, or links that are made one after the other.
func (k *Kernel) Batch(steps []model.Step) int {
	n := len(steps)
	if k.Most > 0 {
		n = min(n, k.Most)
	}
	for i, s := range steps[:n] {
		both := plain(s) && plain(steps[0]) || made(s) && made(steps[0])
		if !both || (s.Op == model.OpDelete) != (steps[0].Op == model.OpDelete) {
			return max(i, 1)
		}
	}
	return n
}

// made says whether a step makes a link.
func made(s model.Step) bool { return s.Op == model.OpCreate && s.Key().Kind == model.KindLink }

// plain says whether a step is one message to the real kernel.
func plain(s model.Step) bool {
	switch o := s.Object().(type) {
	case model.Address:
		return s.Op != model.OpDelete || o.Prefix.Addr().Is6()
	case model.Neighbour:
		return s.Op != model.OpUpdate || s.Before.(model.Neighbour).Protocol.Value() == 0 || o.Protocol != model.Some[uint8](0)
	case model.FDBEntry, model.Route:
		return true
	}
	return false
}

func (k *Kernel) one(ctx context.Context, s model.Step) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", s.Op, s.Key(), err)
	}
	k.steps++
	k.effect = &Effect{Step: s}
	err := k.injected(s)
	if err == nil {
		err = k.do(s)
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", s.Op, s.Key(), err)
	}
	k.effect.Err = err
	k.Log = append(k.Log, *k.effect)
	return err
}

// injected returns the failure that is due, if one is.
func (k *Kernel) injected(s model.Step) error {
	if k.failure.at != k.steps {
		return nil
	}
	if after, ok := s.After.(model.Link); ok && k.failure.half && s.Op == model.OpUpdate {
		half := after
		half.VXLAN, half.IPIP, half.Bridge = model.VXLAN{}, model.IPIP{}, model.Bridge{}
		_ = k.updateLink(half) // what of it was done does not matter
	}
	return k.failure.err
}

func (k *Kernel) do(s model.Step) error {
	if s.Op == model.OpDelete {
		err := k.remove(s.Before)
		if errors.Is(err, errAbsent) {
			k.effect.Idle = true
			return nil
		}
		return err
	}
	if ns := s.Key().Netns; !k.hasNetns(ns) {
		return syscall.ENOENT
	}
	if s.Op == model.OpCreate {
		return k.create(s.After)
	}
	if s.Renames() {
		return k.renameLink(s.Before.(model.Link), s.Key().Name)
	}
	return k.update(s.After)
}

// errAbsent says that there is nothing to delete, which the door takes for success.
var errAbsent = errors.New("nothing there")

func (k *Kernel) create(o model.Object) error {
	switch o := o.(type) {
	case model.Netns:
		return k.createNetns(o)
	case model.Sysctl:
		return k.setSysctl(o)
	case model.Link:
		return k.createLink(o)
	case model.Address:
		return k.createAddress(o)
	case model.Neighbour:
		return k.setNeighbour(o)
	case model.FDBEntry:
		return k.createFDB(o)
	case model.Route:
		return k.createRoute(o)
	}
	return fmt.Errorf("no such kind: %T", o)
}

func (k *Kernel) update(o model.Object) error {
	switch o := o.(type) {
	case model.Sysctl:
		return k.setSysctl(o)
	case model.Neighbour:
		return k.setNeighbour(o)
	case model.FDBEntry:
		return k.setFDB(o)
	case model.Link:
		return k.updateLink(o)
	case model.Route:
		return k.updateRoute(o)
	}
	if _, ok := k.objects[o.Key()]; !ok {
		return syscall.ENOENT
	}
	k.put(o)
	return nil
}

func (k *Kernel) remove(o model.Object) error {
	switch o := o.(type) {
	case model.Sysctl:
		return k.giveBackSysctl(o)
	case model.Route:
		return k.removeRoute(o)
	}
	key := o.Key()
	if _, ok := k.objects[key]; !ok {
		return errAbsent
	}
	k.drop(key)
	return nil
}

// put stores an object as the kernel would tell it.
func (k *Kernel) put(o model.Object) {
	o = complete(o)
	k.objects[o.Key()] = o
}

// drop removes an object with all that goes along.
func (k *Kernel) drop(key model.Key) {
	o, ok := k.objects[key]
	if !ok {
		return
	}
	delete(k.objects, key)
	if key != k.effect.key() {
		k.effect.Lost = append(k.effect.Lost, key)
	}
	switch o := o.(type) {
	case model.Netns:
		k.dropInside(o.Name)
	case model.Link:
		k.dropWithLink(o)
	case model.Address:
		k.dropWithAddress(o)
	}
}

func (e *Effect) key() model.Key {
	if e.Step.Op == 0 {
		return model.Key{}
	}
	return e.Step.Key()
}

func (k *Kernel) hasNetns(name string) bool {
	_, ok := k.objects[model.NetnsKey(name)]
	return ok || name == ""
}

func (k *Kernel) link(netns, name string) (model.Link, bool) {
	l, ok := k.objects[model.LinkKey(netns, name)].(model.Link)
	return l, ok
}
