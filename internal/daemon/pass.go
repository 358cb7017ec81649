package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

const (
	// A change is often one of several: "ip" sends a request for each. What follows
	// within settle is looked at together with it, but not for longer than settleMost.
	settle     = time.Millisecond
	settleMost = 5 * time.Millisecond

	// maxHolds is how many objects are found impossible in one pass; more wait for the
	// next one.
	maxHolds = 50

	// unconfirmedPause is how often it is looked whether a change is confirmed.
	unconfirmedPause = 2 * time.Second
)

// hear takes news, and looks at what it is about.
func (d *Daemon) hear(ctx context.Context, news []kernel.News) {
	if d.next != nil && slices.ContainsFunc(news, aboutUnderlay) {
		if wait := time.Until(d.quietUntil); wait > 0 {
			d.retry.Reset(wait)
		} else {
			d.try(ctx, d.next)
		}
	}
	if d.force == nil {
		d.heldByHand(ctx)
		return
	}
	d.heard(news)
	if d.dirty.Nothing() {
		return
	}
	d.settle(ctx)
	d.look(ctx)
}

// aboutUnderlay says whether an underlay address may have come.
func aboutUnderlay(n kernel.News) bool {
	return n.Netns == "" && (n.Key.Kind == model.KindAddress || n.Key.Kind == model.KindLink || n.Kind == kernel.Lost)
}

func (d *Daemon) heard(news []kernel.News) {
	c := d.force.keeper.Concerns(news)
	if c.All {
		d.s.Counters.Relevant++
	}
	d.s.Counters.Relevant += uint64(len(c.Keys))
	d.dirty.All = d.dirty.All || c.All
	d.dirty.Keys = append(d.dirty.Keys, c.Keys...)
}

// settle waits for what comes together with what was heard.
func (d *Daemon) settle(ctx context.Context) {
	end := time.Now().Add(settleMost)
	for time.Now().Before(end) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(settle):
			return
		case <-d.ear.Wake():
			d.heard(d.ear.Take())
		}
	}
}

// look looks at what was heard of, if the time for it has come.
func (d *Daemon) look(ctx context.Context) {
	if wait := time.Until(d.quietUntil); wait > 0 {
		d.quiet.Reset(wait)
		return
	}
	// In a dry run, what differs is told as a whole. What is left alone may be no more than
	// what it stands on has changed.
	all := d.dirty.All || len(d.dirty.Keys) > 0 && d.c.DryRun || len(d.holds) > 0 && slices.ContainsFunc(d.dirty.Keys, isLink)
	switch {
	case all:
		d.everything(ctx, status.PassEvent)
	case len(d.dirty.Keys) > 0:
		slices.SortFunc(d.dirty.Keys, model.Key.Compare)
		keys := slices.Compact(d.dirty.Keys)
		d.dirty = reconcile.Concern{}
		d.retryable(keys, false)
		d.pass(ctx, status.PassPoint, func(ctx context.Context) (*reconcile.Result, error) {
			return d.force.keeper.Point(ctx, keys)
		})
	}
}

func isLink(k model.Key) bool { return k.Kind == model.KindLink }

// everything looks at everything; before anything is in force, it tries that.
func (d *Daemon) everything(ctx context.Context, why status.PassKind) {
	d.dirty = reconcile.Concern{}
	if d.next != nil {
		d.try(ctx, d.next)
	}
	if d.force == nil {
		d.heldByHand(ctx)
		return
	}
	d.fights.over(time.Now().Add(-d.c.Limits.Window))
	d.retryable(nil, true)
	d.pass(ctx, why, d.force.keeper.Full)
}

// pass looks, puts right, and looks again without what cannot be put right.
func (d *Daemon) pass(ctx context.Context, why status.PassKind, look func(context.Context) (*reconcile.Result, error)) {
	for n := 0; ; n++ {
		began := time.Now()
		res, err := look(ctx)
		if errors.Is(err, reconcile.ErrDoubt) { // before anything was done, or after all was
			d.changed(res, time.Since(began))
			why, look = status.PassEvent, d.force.keeper.Full
			d.retryable(nil, true)
			continue
		}
		took := time.Since(began)
		d.timed(why, took, err)
		d.charge(res, err, took)
		var failure *apply.Failure
		if !errors.As(err, &failure) || n == maxHolds {
			d.outcome(ctx, res, err, took)
			return
		}
		d.c.Log.Error("rolled back", "object", failure.Step.Key().String(), "error", err)
		d.fail(failure.Step.Key(), failure.Err)
		look = d.force.keeper.Full
	}
}

// errSuperseded says that somebody has applied the revision that a guard stood against.
var errSuperseded = errors.New("another revision was applied by hand")

// outcome notes what a pass has come to, and when to look again.
func (d *Daemon) outcome(ctx context.Context, res *reconcile.Result, err error, took time.Duration) {
	var differs *reconcile.NotConverged
	var wait *observe.NoUnderlay
	var unconfirmed *reconcile.Unconfirmed
	switch {
	case ctx.Err() != nil:
		return
	case errors.Is(err, errSuperseded):
		n := d.byHand
		d.held, d.next, d.byHand = nil, nil, nil
		d.c.Log.Info("applied by hand", "revision", short(n.digest))
		d.install(ctx, n)
		return
	case err == nil:
		d.changed(res, took)
		d.recovered()
		d.settled()
	case errors.As(err, &differs):
		d.changed(res, took)
		if !d.meanwhile(res.Plan, differs.Plan) {
			d.force.keeper.Doubt() // else a look at other objects would call all right, and end the wait
			d.troubled(status.Repairing, err, 0)
		}
	case errors.As(err, &wait):
		d.troubled(status.Waiting, err, d.c.Limits.LastRetry) // events tell sooner
	case errors.As(err, &unconfirmed):
		d.troubled(status.Unattended, err, unconfirmedPause)
	default:
		d.troubled(status.Failing, err, 0)
	}
}

// settled notes that all was put right but for what is held.
func (d *Daemon) settled() {
	next := d.nextTry()
	if d.next == nil { // else it is tried when its time has come
		d.pause = 0
		d.retry.Stop()
	} else if again := time.Now().Add(d.pause); d.pause > 0 && (next.IsZero() || again.Before(next)) {
		next = again
	}
	if !next.IsZero() {
		d.retry.Reset(max(time.Until(next), time.Millisecond))
	}
	switch {
	case len(d.holds) > 0:
		d.state(status.Drifted, countOf(len(d.holds), "object is", "objects are")+" left alone")
	case len(d.s.Drift) > 0:
		d.state(status.Drifted, countOf(len(d.s.Drift), "object differs", "objects differ")+"; this is a dry run")
	default:
		d.state(status.InSync, "")
	}
	if !d.ready {
		d.ready = true
		_ = d.c.Notify.Ready()
	}
}

// troubled notes that a pass did not come to an end, and tries again after a pause, or
// after longer and longer ones where that is 0.
func (d *Daemon) troubled(s status.State, err error, pause time.Duration) {
	if pause == 0 {
		d.pause = min(max(2*d.pause, d.c.Limits.FirstRetry), d.c.Limits.LastRetry)
		pause = d.pause
	}
	d.state(s, err.Error())
	d.retry.Reset(pause)
}
