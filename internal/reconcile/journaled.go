package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// run executes a plan with a journal, which goes when the run has ended well, or was
// taken back in full. After a roll-back, the host is compared with how it was.
func (r *Reconciler) run(ctx context.Context, res *Result) error {
	h, err := r.header(res.Plan.Steps)
	if err != nil {
		return err
	}
	j, err := journal.Create(r.stateDir(), h)
	if err != nil {
		return err
	}
	err = apply.RunJournaled(ctx, r.Host, res.Plan, j)
	var f *apply.Failure
	if errors.As(err, &f) {
		f.Stuck = append(f.Stuck, r.differences(context.WithoutCancel(ctx), res.Plan.Steps, func(k model.Key) (model.Object, bool) {
			e, ok := res.Observed.Get(k)
			return e.Object, ok
		})...)
		if len(f.Stuck) > 0 {
			return errors.Join(err, j.Close())
		}
	}
	return errors.Join(err, j.Remove())
}

func (r *Reconciler) header(steps []model.Step) (journal.Header, error) {
	boot, err := kernel.BootID()
	if err != nil {
		return journal.Header{}, err
	}
	id, err := r.Host.ID()
	return journal.Header{
		Boot: boot, Root: id, Topology: r.Topology.Name, Node: r.Node.Name, Started: time.Now().UTC(), Steps: steps,
	}, err
}

// differences observes the host and returns what of the steps' objects is not as it
// was before, an error each.
func (r *Reconciler) differences(ctx context.Context, steps []model.Step, before func(model.Key) (model.Object, bool)) []error {
	keys, wanted := touched(steps)
	now, err := r.observe(ctx, wanted)
	if err != nil {
		return []error{fmt.Errorf("compare the host with how it was: %w", err)}
	}
	var l []error
	for _, k := range keys {
		was, had := before(k)
		is, has := now.Get(k)
		switch {
		case had && !has:
			l = append(l, fmt.Errorf("%s is not there any more", k))
		case !had && has && is.Owner.Mine():
			l = append(l, fmt.Errorf("%s is still there", k))
		case had:
			changes, _, _ := model.DiffAttrs(was, is.Object)
			for _, a := range changes {
				l = append(l, fmt.Errorf("%s: %s is %s, and was %s", k, a.Name, quoted(a.Before), quoted(a.After)))
			}
		}
	}
	return l
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
		put(step.Lost...)
		put(step.Released...)
		put(step.Restore...)
	}
	return s.Keys(), s
}

// interrupted returns the journal of a run on this host that died on the way, or nil.
// One of another boot or another host says nothing of this one.
func (r *Reconciler) interrupted() (*journal.Record, error) {
	rec, err := journal.Read(r.stateDir())
	if rec == nil || err != nil {
		return nil, err
	}
	h, err := r.header(nil)
	if err != nil || rec.Boot != h.Boot || rec.Root != h.Root {
		return nil, err
	}
	return rec, nil
}

// tellInterrupted tells of a run that died. This one brings the host to what is wanted
// all the same: nothing needs to be done by hand.
func (r *Reconciler) tellInterrupted(o ApplyOptions) error {
	if o.Interrupted == nil {
		return nil
	}
	rec, err := r.interrupted()
	if rec != nil {
		o.Interrupted(rec)
	}
	return err
}

// forgetInterrupted ends a run that died after its last step: the host is as it is
// wanted, and there is nothing to be taken back any more.
func (r *Reconciler) forgetInterrupted() error {
	rec, err := r.interrupted()
	if rec == nil || err != nil {
		return err
	}
	return journal.Remove(r.stateDir())
}

// ErrNothingToRecover says that no run on this host was interrupted.
var ErrNothingToRecover = errors.New("there is nothing to recover: no run on this host was interrupted, or none of the node that is named")

// NotRecovered says that an interrupted run could not be taken back in full.
type NotRecovered struct{ Stuck []error }

// Error names every object that is not as it was.
func (n *NotRecovered) Error() string {
	return fmt.Sprintf("the roll-back is incomplete, look at the host:\n%v", errors.Join(n.Stuck...))
}

// Recover takes back what an interrupted run has done, and returns its journal.
func (r *Reconciler) Recover(ctx context.Context, o ApplyOptions) (*journal.Record, error) {
	lock, err := r.lock(ctx, o.LockTimeout)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	rec, err := r.interrupted()
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, ErrNothingToRecover
	}
	_, wanted := touched(rec.Steps)
	now, err := r.observe(ctx, wanted)
	if err != nil {
		return nil, err
	}
	spare := func(s model.Step) bool {
		e, ok := now.Get(s.Key())
		return s.Op == model.OpCreate && ok && !e.Owner.Mine()
	}
	stuck := apply.Recover(ctx, r.Host, rec, spare)
	before := former(rec)
	stuck = append(stuck, r.differences(context.WithoutCancel(ctx), rec.Steps, before.get)...)
	if len(stuck) > 0 {
		return rec, &NotRecovered{stuck}
	}
	return rec, journal.Remove(r.stateDir())
}

// formerState is how objects were before a run.
type formerState map[model.Key]model.Object

func (f formerState) get(k model.Key) (model.Object, bool) {
	o := f[k]
	return o, o != nil
}

// former returns how the objects of a run were before it: as the first step that
// touched each found it; nil for one that was not there.
func former(rec *journal.Record) formerState {
	f := formerState{}
	put := func(k model.Key, o model.Object) {
		if _, ok := f[k]; !ok {
			f[k] = o
		}
	}
	for _, s := range rec.Steps {
		put(s.Key(), s.Before)
		for _, l := range [][]model.Object{s.Lost, s.Released, s.Restore} {
			for _, o := range l {
				put(o.Key(), o)
			}
		}
	}
	return f
}
