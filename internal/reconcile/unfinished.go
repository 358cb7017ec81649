package reconcile

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Run is a run on this host that is not over: it died on the way, or waits to be
// confirmed. All that is needed to take it back is in its journal: the topology's file
// may be another one by now, or gone.
type Run struct {
	*journal.Record
	place Place
	dir   string // of the journal
}

// Unfinished returns the runs on this host that are not over: mostly none, and at most one
// that waits to be confirmed. One that is being executed just now is not among them. The
// error is about journals that cannot be read; they hide no other ones.
func Unfinished(place Place) ([]*Run, error) {
	boot, id, err := hostID(place)
	if err != nil {
		return nil, err
	}
	return unfinishedOn(place, boot, id)
}

// unfinished is Unfinished on the host that is open already.
func (r *Reconciler) unfinished() ([]*Run, error) {
	id, err := r.Host.ID()
	if err != nil {
		return nil, err
	}
	boot, err := kernel.BootID()
	if err != nil {
		return nil, err
	}
	return unfinishedOn(r.place, boot, id)
}

func unfinishedOn(place Place, boot string, id uint64) ([]*Run, error) {
	dirs, err := filepath.Glob(filepath.Join(place.runDir(), "*@*"))
	if err != nil {
		return nil, err
	}
	var runs []*Run
	var errs []error
	for _, dir := range dirs {
		rec, err := journal.Read(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		// A journal of another boot or another host says nothing of this one.
		if rec == nil || rec.Boot != boot || rec.Root != id || rec.Attended && !rec.Waiting() {
			continue
		}
		if name := rec.Topology + "@" + rec.Node; filepath.Base(dir) != name {
			errs = append(errs, fmt.Errorf("the journal in %s is of %s: somebody copied it; remove it", dir, name))
			continue
		}
		runs = append(runs, &Run{Record: rec, place: place, dir: dir})
	}
	return runs, errors.Join(errs...)
}

// Choose returns the run that is meant: of the node, where one is named, and of the
// topology, where that tells them apart; "" is none.
func Choose(runs []*Run, topology, node string) (*Run, error) {
	var found, named []*Run
	for _, r := range runs {
		if node != "" && r.Node != node {
			continue
		}
		found = append(found, r)
		if r.Topology == topology {
			named = append(named, r)
		}
	}
	if len(named) == 1 {
		found = named
	}
	switch len(found) {
	case 0:
		return nil, ErrNothingToRecover
	case 1:
		return found[0], nil
	}
	var names []string
	for _, r := range found {
		names = append(names, r.Topology+"/"+r.Node)
	}
	return nil, fmt.Errorf("several runs on this host were interrupted: %s; say which with --node and -f", strings.Join(names, ", "))
}

// ErrNothingToRecover says that no run on this host is to be taken back.
var ErrNothingToRecover = errors.New("there is nothing to recover: no run on this host was interrupted or waits to be confirmed")

func hostID(place Place) (boot string, id uint64, err error) {
	h, err := kernel.Open(kernel.Options{Root: place.Root, NetnsDir: place.NetnsDir})
	if err != nil {
		return "", 0, err
	}
	defer h.Close()
	if id, err = h.ID(); err != nil {
		return "", 0, err
	}
	boot, err = kernel.BootID()
	return boot, id, err
}

// ErrOver says that the run ended meanwhile: it was confirmed or taken back, or another
// one came.
var ErrOver = errors.New("the run is over already")

// settle calls f while nobody else can change the host, or the run.
func (r *Run) settle(ctx context.Context, timeout time.Duration, f func() error) error {
	lock, err := apply.Acquire(ctx, r.place.runDir(), r.Root, timeout)
	if err != nil {
		return err
	}
	defer lock.Release()
	rec, err := journal.Read(r.dir)
	if err != nil {
		return err
	}
	if rec == nil || !rec.Started.Equal(r.Started) {
		return ErrOver
	}
	r.Record = rec
	return f()
}

// Confirm keeps what the run has done: nothing takes it back any more.
func (r *Run) Confirm(ctx context.Context, timeout time.Duration) error {
	return r.settle(ctx, timeout, func() error {
		switch {
		case !r.Waiting():
			return fmt.Errorf("the run of %s was interrupted after %d of its %d steps, and can't be confirmed: finish it with apply, or take it back with apply --recover",
				r.Started.Format(time.RFC3339), r.Count(journal.Done), len(r.Steps))
		case r.Attended && !time.Now().Before(r.Until):
			return fmt.Errorf("the run of %s is being taken back just now: nobody confirmed it by %s", r.Started.Format(time.RFC3339), r.Until.Format(time.RFC3339))
		}
		keepApplied(r.dir)
		return journal.Remove(r.dir)
	})
}

// removeDebris removes the files of namespaces that a run left which was interrupted
// between the making of a namespace's file and its mount, or between the unmounting and
// the file's removal: nothing else tells whose such a file is.
func (r *Reconciler) removeDebris(runs []*Run) error {
	r.Host.ForgetDead()
	r.sweep()
	for _, run := range runs {
		for _, s := range run.Steps {
			if s.Key().Kind != model.KindNetns {
				continue
			}
			if err := r.Host.RemoveDebris(s.Key().Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep removes, once, what killed runs have left of files that they were writing.
func (r *Reconciler) sweep() {
	if r.swept {
		return
	}
	r.swept = true
	if d, err := kernel.OpenDir(r.stateDir()); err == nil {
		d.Sweep()
		_ = d.Remove(draftFile) // it is begun anew
		d.Close()
	}
}

// NotRecovered says that a run could not be taken back in full.
type NotRecovered struct{ Stuck []error }

// Error names every object that is not as it was.
func (n *NotRecovered) Error() string {
	return fmt.Sprintf("the roll-back is incomplete, look at the host:\n%v", errors.Join(n.Stuck...))
}

// TakeBack takes back what the run has done. A *NotRecovered says that not all is as it
// was before; the journal stays then.
func (r *Run) TakeBack(ctx context.Context, timeout time.Duration) error {
	if err := capable(); err != nil {
		return err
	}
	return r.settle(ctx, timeout, func() error { return r.takeBack(ctx) })
}

func (r *Run) takeBack(ctx context.Context) error {
	h, err := kernel.Open(kernel.Options{
		Root: r.place.Root, NetnsDir: r.place.NetnsDir, StateDir: r.dir, Trace: r.place.Trace, OnWrite: r.place.OnWrite,
	})
	if err != nil {
		return err
	}
	defer h.Close()
	if stuck := takeBack(ctx, h, r.Record); len(stuck) > 0 {
		return &NotRecovered{stuck}
	}
	dropPending(r.dir)
	return journal.Remove(r.dir)
}

// takeBack undoes the steps of a run, compares the host with how it was before, and
// returns what is not so, an error each.
func takeBack(ctx context.Context, h *kernel.Host, rec *journal.Record) []error {
	id := model.Identity{Topology: rec.Topology, Node: rec.Node}
	_, wanted := touched(rec.Steps)
	now, err := observed(ctx, h, id, wanted)
	if err != nil {
		return []error{err}
	}
	stuck := apply.Recover(ctx, h, rec, foreign(now))
	return notAsBefore(stuck, differences(context.WithoutCancel(ctx), h, id, rec.Steps, former(rec.Steps).get))
}

// foreign returns what says that the object that a step has made or changed is not
// ours now: somebody has put another one in its place, or the step was never done,
// whatever the journal says.
func foreign(now *model.State) func(model.Step) bool {
	return func(s model.Step) bool {
		e, ok := now.Get(s.Key())
		return ok && s.Op != model.OpDelete && !e.Owner.Mine()
	}
}
