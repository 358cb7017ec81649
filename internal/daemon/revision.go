package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/logs"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/probe"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
	"github.com/netplan-overlay/netplan-overlay/internal/watch"
)

// topology is a revision that could be read.
type topology struct {
	*spec.Topology
	digest, commit string
}

// force is the revision that the host is kept to.
type force struct {
	*topology
	keeper   *reconcile.Keeper
	since    time.Time
	restored bool
}

// status is what others see of it.
func (f *force) status() *status.Revision {
	return &status.Revision{Digest: f.digest, Commit: f.commit, Since: f.since, Restore: f.restored}
}

// Close gives the host's handles back.
func (f *force) Close() error { return f.keeper.Close() }

// revision takes what stands in the files now. What cannot be used leaves all as it is.
func (d *Daemon) revision(ctx context.Context, r watch.Revision) {
	d.last = r
	if r.Err != nil {
		d.unusable(ctx, status.Revision{}, r.Err)
		return
	}
	commit := commitOf(d.c.Paths)
	t, problems := spec.Parse(r.Sources)
	if t == nil {
		d.unusable(ctx, status.Revision{Digest: r.Digest, Commit: commit}, invalid(problems))
		return
	}
	d.source(nil)
	n := &topology{t, r.Digest, commit}
	if d.stored == nil && d.force == nil {
		d.stored = d.restore()
	}
	d.next, d.held = nil, nil
	switch {
	case d.force != nil && d.force.digest == n.digest:
		d.s.Pending, d.force.restored = nil, false
	case d.failed != nil && n.digest == d.failed.Digest: // it would fail again
		d.s.Pending, d.held = d.failed, n
	case d.c.DryRun, d.stored != nil && d.force == nil && d.stored.digest == n.digest:
		d.install(ctx, n)
	default:
		d.try(ctx, n)
	}
}

// unusable says once that the files cannot be used; what is in force stays so. At start,
// that is what was kept on disk.
func (d *Daemon) unusable(ctx context.Context, r status.Revision, err error) {
	d.source(err)
	d.s.Counters.Revisions[status.FateInvalid]++
	if r.Digest != "" {
		d.pend(r, status.PendingInvalid, err)
	}
	if d.force != nil {
		return
	}
	if d.stored == nil {
		d.stored = d.restore()
	}
	if !d.fallBack(ctx) {
		d.state(status.Waiting, "for a topology: "+err.Error())
	}
}

// fallBack keeps the host to the last good topology, until the files can be used. Where
// somebody has brought the host to another revision since, by hand, it is left as it is:
// nobody has asked to have that taken back.
func (d *Daemon) fallBack(ctx context.Context) bool {
	if d.stored == nil {
		return false
	}
	r, err := reconcile.New(ctx, d.stored.Topology, d.c.Node, d.c.Place)
	if err != nil {
		d.notNow(d.stored, err)
		return true
	}
	if applied := d.c.Place.AppliedDigest(r.Identity()); applied != "" && applied != d.stored.digest {
		_ = r.Close()
		d.c.Log.Warn("not using the last good topology: another revision was applied since", "revision", short(d.stored.digest), "applied", short(applied))
		return false
	}
	d.c.Log.Warn("using the last good topology", "revision", short(d.stored.digest))
	d.begun(d.stored, r.Keep(d.c.Options, d.ear), true)
	d.everything(ctx, status.PassFile)
	return true
}

// try brings the host to a new revision as a whole, or leaves it as it is.
func (d *Daemon) try(ctx context.Context, n *topology) {
	d.next = nil
	began := time.Now()
	r, err := reconcile.New(ctx, n.Topology, d.c.Node, d.c.Place)
	if err != nil {
		d.charge(nil, err, time.Since(began))
		d.notNow(n, err)
		return
	}
	k := r.Keep(d.c.Options, d.ear)
	k.Options.MaxImpact = model.Some(d.c.ApproveImpact)
	res, err := k.Full(ctx)
	took := time.Since(began)
	d.timed(status.PassFile, took, err)
	d.quietUntil = d.credit.spend(took, time.Now())
	var differs *reconcile.NotConverged
	if err == nil || errors.As(err, &differs) {
		d.begun(n, k, false)
		d.outcome(ctx, res, err, took)
		return
	}
	_ = k.Close()
	d.notNow(n, err)
	if d.force != nil { // which has not heard what happened meanwhile, and knows best what was left
		d.retryable(nil, true)
		d.force.keeper.Doubt()
		d.pass(ctx, status.PassRetry, d.force.keeper.Full)
	}
	if d.force == nil && d.next == nil {
		d.fallBack(ctx)
	}
}

// touched says whether a run had begun to change the host.
func touched(err error) bool {
	var failure *apply.Failure
	var revoked *reconcile.Revoked
	return errors.As(err, &failure) || errors.As(err, &revoked)
}

// notNow notes why a revision isn't in force, and what has to happen before it is tried
// again.
func (d *Daemon) notNow(n *topology, err error) {
	var refused *reconcile.Refused
	var absent *reconcile.AbsentError
	var wait *observe.NoUnderlay
	r := status.Revision{Digest: n.digest, Commit: n.commit}
	switch {
	case touched(err):
		d.s.Counters.Revisions[status.FateFailed]++
		d.pend(r, status.PendingFailed, fmt.Errorf("%w\nit is not tried again until the file changes, or on reload", err))
		d.failed, d.held = d.s.Pending, n
		if d.force == nil {
			d.state(status.Failing, err.Error())
		}
	case errors.As(err, &refused):
		d.held = n
		d.s.Counters.Revisions[status.FateHeld]++
		why := status.PendingRefused
		if d.tooHarmful(refused) {
			why = status.PendingImpact
		}
		d.pend(r, why, err)
		if d.force == nil {
			d.state(status.Failing, err.Error())
		}
	case errors.As(err, &absent), errors.As(err, &wait):
		d.next = n
		d.pend(r, status.PendingWaiting, err)
		if d.force == nil {
			d.state(status.Waiting, err.Error())
		}
	default: // another run holds the lock, the kernel was busy
		d.next = n
		d.pend(r, status.PendingWaiting, err)
		now := status.Failing
		d.pause = min(max(2*d.pause, d.c.Limits.FirstRetry), d.c.Limits.LastRetry)
		var unconfirmed *reconcile.Unconfirmed
		if errors.As(err, &unconfirmed) {
			now, d.pause = status.Unattended, unconfirmedPause
		}
		if d.force == nil {
			d.state(now, err.Error())
		}
		d.retry.Reset(d.pause)
	}
}

// tooHarmful says whether a revision was refused for its impact.
func (d *Daemon) tooHarmful(err *reconcile.Refused) bool {
	var impact *reconcile.ImpactError
	return errors.As(err, &impact)
}

// install keeps the host to a revision that was in force before, or was applied by hand:
// as far as that goes.
func (d *Daemon) install(ctx context.Context, n *topology) {
	r, err := reconcile.New(ctx, n.Topology, d.c.Node, d.c.Place)
	if err != nil {
		d.notNow(n, err)
		return
	}
	d.begun(n, r.Keep(d.c.Options, d.ear), false)
	d.everything(ctx, status.PassFile)
}

// begun puts a revision in force.
func (d *Daemon) begun(n *topology, k *reconcile.Keeper, restored bool) {
	if d.force != nil {
		d.writes += d.force.keeper.Host.Writes()
		_ = d.force.Close()
	}
	d.force = &force{topology: n, keeper: k, since: time.Now(), restored: restored}
	d.holds, d.fights, d.dirty = holds{}, fights{}, reconcile.Concern{}
	d.tidy.Reset(tidyAfter) // of what was before, and what it took to read this one
	k.Options.MaxImpact = model.Opt[model.Impact]{}
	k.Options.AllowHarm, k.Options.AllowMgmt, k.Options.AllowEmpty = true, true, true // judge leaves alone what isn't allowed
	k.Options.MaxDestroy = reconcile.Limit{}
	k.DryRun = d.c.DryRun
	k.Judge = d.judge
	k.Check = d.superseded
	d.probes.Update(n.Probe, probe.Targets(n.Topology, k.Node))
	if !restored {
		d.s.Pending, d.failed = nil, nil
		d.s.Counters.Revisions[status.FateApplied]++
		d.store(n)
	}
	logs.InForce(d.c.Log, d.force.status(), n.Name, k.Node.Name)
}

// superseded says that somebody has applied another revision by hand that stands in the
// files, or stood there when it was tried. It is asked under the host's lock.
func (d *Daemon) superseded() error {
	applied := d.c.Place.AppliedDigest(d.force.keeper.Identity())
	if applied == "" || applied == d.force.digest {
		return nil
	}
	for _, n := range []*topology{d.held, d.next, d.inFiles()} {
		if n != nil && n.digest == applied {
			d.byHand = n
			return errSuperseded
		}
	}
	return nil
}

// inFiles returns what stands in the files at this moment: it may be too young to have
// been delivered.
func (d *Daemon) inFiles() *topology {
	sources, err := watch.Read(d.c.Paths)
	if err != nil {
		return nil
	}
	t, _ := spec.Parse(sources)
	if t == nil {
		return nil
	}
	return &topology{t, t.Digest, commitOf(d.c.Paths)}
}

// heldByHand puts in force what a guard stood against, if somebody has applied it, as long
// as nothing is in force that would look.
func (d *Daemon) heldByHand(ctx context.Context) {
	if d.held == nil || time.Now().Before(d.quietUntil) {
		return
	}
	began := time.Now()
	r, err := reconcile.New(ctx, d.held.Topology, d.c.Node, d.c.Place)
	d.charge(nil, err, time.Since(began))
	if err != nil {
		return
	}
	defer r.Close()
	if n := d.held; d.c.Place.AppliedDigest(r.Identity()) == n.digest {
		d.held = nil
		d.c.Log.Info("applied by hand", "revision", short(n.digest))
		d.install(ctx, n)
	}
}

// invalid tells the first few errors of a topology.
func invalid(problems []spec.Problem) error {
	const most = 5
	var l []string
	for _, p := range problems {
		if !p.Warning {
			l = append(l, p.String())
		}
	}
	if n := len(l); n > most {
		l = append(l[:most], fmt.Sprintf("and %d more", n-most))
	}
	return errors.New(strings.Join(l, "\n"))
}

// commitOf returns the commit that a path leads to, "" where it tells none: git-sync and
// its like publish a work tree under its commit's name, behind a symlink.
func commitOf(paths []string) string {
	for _, p := range paths {
		for part := range strings.SplitSeq(resolved(p), "/") {
			if (len(part) == 40 || len(part) == 64) && strings.Trim(part, "0123456789abcdef") == "" {
				return part
			}
		}
	}
	return ""
}

func short(digest string) string { return digest[:min(len(digest), 12)] }
