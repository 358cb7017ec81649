package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// carryOut executes a plan with a journal, which goes when the run has ended well, or
// was taken back in full. A run that is to be confirmed leaves it to its guard.
func (r *Reconciler) carryOut(ctx context.Context, res *Result, second func(*Result) planner, o ApplyOptions) error {
	worked, err := r.working(ctx, o)
	if err != nil {
		return err
	}
	h, err := r.header(res.Plan.Steps)
	if err != nil {
		return err
	}
	forgetWord(r.stateDir())
	dropPending(r.stateDir())
	j, err := journal.Create(r.stateDir(), h)
	if err != nil {
		return err
	}
	guard, err := o.Confirm.start(r.stateDir())
	if err != nil {
		return errors.Join(err, j.Remove())
	}
	defer guard.Close() // lets it look at what became of the run
	if res.Expansion != nil {
		r.beginDraft(res.Expansion, res.facts)
	}
	if err := r.run(ctx, res, j); err != nil {
		return err
	}
	plan := second(res)
	if r.Sparing && !o.revocable() {
		res.Plan, h.Steps = res.Plan.Told(), nil
	}
	err = r.converged(ctx, plan)
	if err == nil {
		err = r.stillWorking(ctx, worked)
	}
	switch {
	case err != nil && o.revocable():
		return r.revoke(ctx, h, j, err)
	case o.Confirm.Within > 0:
		return errors.Join(j.Await(time.Now().Add(o.Confirm.Within)), j.Close())
	}
	return errors.Join(err, j.Remove())
}

// run executes the steps. After a roll-back, the host is compared with how it was.
func (r *Reconciler) run(ctx context.Context, res *Result, j *journal.Journal) error {
	err := apply.RunJournaled(ctx, r.Host, res.Plan, j)
	var f *apply.Failure
	if !errors.As(err, &f) {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	f.Stuck = notAsBefore(f.Stuck, differences(ctx, r.Host, r.Identity(), res.Plan.Steps, func(k model.Key) (model.Object, bool) {
		e, ok := res.Observed.Get(k)
		return e.Object, ok
	}))
	f.Stuck = append(f.Stuck, strays(ctx, r.Host, r.Identity(), res)...)
	if len(f.Stuck) > 0 {
		return errors.Join(err, j.Close())
	}
	return errors.Join(err, j.Remove())
}

// converged looks at the host again: what differs after all is an error.
func (r *Reconciler) converged(ctx context.Context, plan planner) error {
	after, err := plan(context.WithoutCancel(ctx))
	for round := 1; raced(err) && round < maxRounds; round++ {
		after, err = plan(context.WithoutCancel(ctx))
	}
	if err != nil {
		return &NotConverged{Err: err}
	}
	if !after.Plan.Empty() || len(after.Plan.Conflicts) > 0 {
		return &NotConverged{Plan: after.Plan}
	}
	return nil
}

// Revoked says that a run was taken back as a whole after its last step, and why.
type Revoked struct {
	Why   error
	Steps int
	Stuck []error // what is not as it was, an error each
}

// Error tells why, and how the host is now.
func (e *Revoked) Error() string {
	if len(e.Stuck) > 0 {
		return fmt.Sprintf("%v\nthe roll-back is incomplete, look at the host:\n%v", e.Why, errors.Join(e.Stuck...))
	}
	return fmt.Sprintf("%v\nthe %d steps were rolled back", e.Why, e.Steps)
}

// Unwrap returns why.
func (e *Revoked) Unwrap() error { return e.Why }

// revoke takes a run back that is done, but turned out not to be what was wanted.
func (r *Reconciler) revoke(ctx context.Context, h journal.Header, j *journal.Journal, why error) error {
	rec := &journal.Record{Header: h}
	for range h.Steps {
		rec.Progress = append(rec.Progress, journal.Done)
	}
	err := &Revoked{Why: why, Steps: len(h.Steps), Stuck: takeBack(context.WithoutCancel(ctx), r.Host, rec)}
	if len(err.Stuck) > 0 {
		return errors.Join(err, j.Close())
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

// Confirm says that a run is taken back unless it is confirmed in time. The zero value
// asks for no confirmation.
type Confirm struct {
	Within time.Duration // after the last step
	// Guard starts a process that outlives this one, and calls Attend for the journal
	// in dir. It is closed when the run needs this process no more, and at the latest
	// when it dies.
	Guard func(dir string) (io.Closer, error)
}

func (c Confirm) start(dir string) (io.Closer, error) {
	if c.Within <= 0 {
		return io.NopCloser(nil), nil
	}
	g, err := c.Guard(dir)
	if err != nil {
		return nil, fmt.Errorf("start what takes the run back if nobody confirms it: %w; nothing was changed", err)
	}
	return g, nil
}
