package daemon

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/logs"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

const (
	// maxRecent is how many changes are remembered.
	maxRecent = 20

	// What it takes to read a revision, and to change many objects, is several times what is
	// kept, and Go gives it back when as much was needed again, which may be never. So it is
	// asked to when all is calm again.
	manyChanges = 1000
	tidyAfter   = time.Second
)

// begin makes the first status.
func (d *Daemon) begin() {
	now := time.Now()
	d.s = status.Status{
		FormatVersion: status.FormatVersion, Version: d.c.Version, PID: os.Getpid(), Started: now,
		State: status.Starting, Since: now, DryRun: d.c.DryRun,
		Source: status.Source{Paths: d.c.Paths, Since: now},
		Limits: status.Limits{ApproveImpact: d.c.ApproveImpact.String(), FullPass: d.c.Interval, Contested: d.c.Limits.Contested},
		Counters: status.Counters{
			Changes: map[status.ChangeKind]uint64{}, Drift: map[string]uint64{}, Passes: map[status.PassKind]uint64{},
			Failures: map[status.PassKind]uint64{}, Revisions: map[status.RevisionFate]uint64{},
		},
		Passes: status.PassTimes{Seconds: map[status.PassKind]*status.Histogram{}},
	}
	d.publish()
}

// Status returns how the loop is doing. Any goroutine may ask.
func (d *Daemon) Status() *status.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := *d.published
	s.Now, s.Peers, s.Probes = time.Now(), d.probes.Snapshot(), d.probes.Times()
	return &s
}

// publish lets others see how the loop is doing.
func (d *Daemon) publish() {
	s := d.s
	s.Counters.Events, s.Counters.Overruns = d.ear.Heard()
	s.Counters.Changes = maps.Clone(s.Counters.Changes)
	s.Counters.Drift = maps.Clone(s.Counters.Drift)
	s.Counters.Passes = maps.Clone(s.Counters.Passes)
	s.Counters.Failures = maps.Clone(s.Counters.Failures)
	s.Counters.Revisions = maps.Clone(s.Counters.Revisions)
	s.Recent, s.Drift = slices.Clone(s.Recent), slices.Clone(s.Drift)
	s.Passes.Seconds = map[status.PassKind]*status.Histogram{}
	for k, h := range d.s.Passes.Seconds {
		c := *h
		s.Passes.Seconds[k] = &c
	}
	s.Held = d.heldNow()
	if f := d.force; f != nil {
		s.Topology, s.Node = f.Name, f.keeper.Node.Name
		s.Revision = f.status()
		if w := f.keeper.Want(); w != nil {
			s.Objects = w.State.Makeable()
		}
		s.Counters.Steps = f.keeper.Host.Writes() + d.writes
	}
	d.mu.Lock()
	d.published = &s
	d.mu.Unlock()
}

func (d *Daemon) heldNow() []status.Held {
	var l []status.Held
	for _, k := range slices.SortedFunc(maps.Keys(d.holds), model.Key.Compare) {
		h := d.holds[k]
		l = append(l, *h.told(k))
	}
	return l
}

// state notes how the host is doing, and tells it where that is new.
func (d *Daemon) state(s status.State, reason string) {
	if d.s.State == s && d.s.Reason == reason {
		return
	}
	if d.s.State != s {
		d.s.Since = time.Now()
	}
	d.s.State, d.s.Reason = s, reason
	text := string(s)
	if reason != "" {
		text += ": " + reason
	}
	_ = d.c.Notify.Status(text)
	logs.State(d.c.Log, s, reason)
}

// source notes whether the files can be used.
func (d *Daemon) source(err error) {
	now := status.Source{Paths: d.c.Paths, OK: err == nil, Since: d.s.Source.Since}
	if err != nil {
		now.Error = err.Error()
	}
	if now.OK != d.s.Source.OK || now.Error != d.s.Source.Error {
		now.Since = time.Now()
		if err != nil {
			d.c.Log.Error("the topology cannot be used; what is in force stays so", "error", err)
		}
	}
	d.s.Source = now
}

// pend notes a revision that isn't in force.
func (d *Daemon) pend(r status.Revision, why status.PendingWhy, err error) {
	was := d.s.Pending
	r.Since = time.Now()
	now := &status.Pending{Revision: r, Why: why, Detail: err.Error()}
	if was != nil && was.Digest == r.Digest && was.Why == why {
		now.Since = was.Since
	} else if why != status.PendingInvalid { // source has told it
		logs.Pending(d.c.Log, now)
	}
	d.s.Pending = now
}

// timed counts a pass.
func (d *Daemon) timed(why status.PassKind, took time.Duration, err error) {
	d.s.Counters.Passes[why]++
	h := d.s.Passes.Seconds[why]
	if h == nil {
		h = &status.Histogram{}
		d.s.Passes.Seconds[why] = h
	}
	h.Add(took)
	if err != nil {
		d.s.Counters.Failures[why]++
		return
	}
	d.s.Passes.Last = time.Now()
	if why != status.PassPoint {
		d.s.Passes.Full = d.s.Passes.Last
	}
}

// changed notes what a plan has put right, or, in a dry run, what it would.
func (d *Daemon) changed(res *reconcile.Result, took time.Duration) {
	if res == nil {
		return
	}
	now := time.Now()
	if d.c.DryRun {
		d.drift(res.Plan, now)
		return
	}
	if len(res.Plan.Changes) > manyChanges {
		d.tidy.Reset(tidyAfter)
	}
	for i, c := range res.Plan.Changes {
		one := status.Change{
			Time: now, Action: c.Action.String(), Kind: c.Key().Kind.String(), Object: c.Key().String(), Attrs: attrs(c),
			Reason: c.Origin.String(), Impact: c.Impact.String(), Duration: took,
		}
		logs.Change(d.c.Log, &one)
		d.s.Counters.Changes[status.ChangeKind{Action: one.Action, Kind: one.Kind, Reason: one.Reason}]++
		if c.Origin == diff.OriginDrift {
			d.s.Counters.Drift[one.Kind]++
		}
		if paced(c) {
			d.tokens.spend(now)
		}
		if len(res.Plan.Changes)-i <= maxRecent {
			d.s.Recent = append([]status.Change{one}, d.s.Recent[:min(len(d.s.Recent), maxRecent-1)]...)
			d.s.Last = &d.s.Recent[0]
		}
	}
	d.fought(res.Plan, now)
}

// drift notes what differs.
func (d *Daemon) drift(p *diff.Plan, now time.Time) {
	since := map[string]time.Time{}
	for _, x := range d.s.Drift {
		since[x.Object] = x.Since
	}
	d.s.Drift = nil
	for _, c := range p.Changes {
		one := status.Drift{Kind: c.Key().Kind.String(), Object: c.Key().String(), Action: c.Action.String(), Attrs: attrs(c), Since: now}
		if t, known := since[one.Object]; known {
			one.Since = t
		} else {
			d.s.Counters.Drift[one.Kind]++
			logs.Drift(d.c.Log, &one, c.Origin.String())
		}
		d.s.Drift = append(d.s.Drift, one)
	}
}

// attrs lists what differs in an object that is there.
func attrs(c diff.Change) []string {
	if c.Action != diff.Update && c.Action != diff.Replace {
		return nil
	}
	var l []string
	for _, a := range c.Differences() {
		l = append(l, fmt.Sprintf("%s %s -> %s", a.Name, orNone(a.Before), orNone(a.After)))
	}
	return l
}

func orNone(v string) string {
	if v == "" {
		return "none"
	}
	return v
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
