package daemon

import (
	"fmt"
	"slices"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/logs"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// hold is an object that is left alone for now.
type hold struct {
	why    status.HeldWhy
	detail string
	since  time.Time
	next   time.Time // when it is tried again; zero: not by itself
	tries  int
}

// holds are the objects that are left alone. One that is just being tried again is
// here, too, but not among those that the keeper leaves alone.
type holds map[model.Key]*hold

// hold leaves an object alone.
func (d *Daemon) hold(k model.Key, why status.HeldWhy, detail string, next time.Time) {
	h := d.holds[k]
	fresh := h == nil || h.why != why
	if fresh {
		h = &hold{why: why, since: time.Now()}
		d.holds[k] = h
	}
	h.detail, h.next = detail, next
	if fresh {
		logs.Held(d.c.Log, h.told(k))
	}
}

// told is what others see of it.
func (h *hold) told(k model.Key) *status.Held {
	return &status.Held{Kind: k.Kind.String(), Object: k.String(), Why: h.why, Detail: h.detail, Since: h.since, Next: h.next, Tries: h.tries}
}

// fail leaves an object alone that could not be put right, longer each time.
func (d *Daemon) fail(k model.Key, err error) {
	pause := d.c.Limits.FirstRetry
	tries := 1
	if h := d.holds[k]; h != nil && h.why == status.HeldFailing {
		tries = h.tries + 1
		pause = min(pause<<min(h.tries, 20), d.c.Limits.LastRetry)
	}
	d.hold(k, status.HeldFailing, err.Error(), time.Now().Add(pause))
	d.force.keeper.Held[k] = true
	d.holds[k].tries = tries
}

// release lets go of the objects for which that is said.
func (d *Daemon) release(which func(*hold) bool) {
	for k, h := range d.holds {
		if which(h) {
			delete(d.holds, k)
			if d.force != nil {
				delete(d.force.keeper.Held, k)
			}
		}
	}
}

// retryable lets the keeper try again what is due, and what is judged anew with each
// plan. Of a look at single objects, those alone are.
func (d *Daemon) retryable(keys []model.Key, all bool) {
	now := time.Now()
	for k, h := range d.holds {
		switch h.why {
		case status.HeldContested:
			continue
		case status.HeldFailing, status.HeldPace:
			if now.Before(h.next) {
				continue
			}
		}
		if _, named := slices.BinarySearchFunc(keys, k, model.Key.Compare); all || named {
			delete(d.force.keeper.Held, k)
		}
	}
}

// recovered forgets what the keeper doesn't leave alone any more.
func (d *Daemon) recovered() {
	for k, h := range d.holds {
		if !d.force.keeper.Held[k] {
			delete(d.holds, k)
			logs.Released(d.c.Log, h.told(k))
		}
	}
}

// nextTry returns when the next object is tried again, zero for never.
func (d *Daemon) nextTry() time.Time {
	var first time.Time
	for _, h := range d.holds {
		if !h.next.IsZero() && (first.IsZero() || h.next.Before(first)) {
			first = h.next
		}
	}
	return first
}

// judge returns what of a plan must be left alone, and why.
func (d *Daemon) judge(p *diff.Plan) []model.Key {
	var l []model.Key
	leave := func(k model.Key, why status.HeldWhy, detail string, next time.Time) {
		if k != (model.Key{}) && !slices.Contains(l, k) {
			l = append(l, k)
			d.hold(k, why, detail, next)
		}
	}
	for _, c := range p.Conflicts {
		leave(c.Want.Key(), status.HeldConflict, conflictDetail(c), time.Time{})
	}
	if d.c.DryRun { // nothing is done that could do harm
		return l
	}
	for _, h := range p.Harmed {
		if !d.c.Options.AllowHarm {
			leave(h.Cause, status.HeldConflict, fmt.Sprintf("%s, which is not ours, would go down with it", h.Object.Key()), time.Time{})
		}
	}
	for _, t := range p.Touched {
		if !d.c.Options.AllowMgmt {
			leave(t.Object.Key(), status.HeldConflict, "may cut the connection by which this host is managed: "+t.Why, time.Time{})
		}
	}
	worst := 0
	for _, c := range p.Changes {
		root := c.Key()
		if c.Cause != nil {
			root = *c.Cause
		}
		switch {
		case c.Impact > d.c.ApproveImpact:
			leave(root, status.HeldImpact, fmt.Sprintf("to %s it has the impact %s, more than %s, which is approved; apply does it", c.Action, c.Impact, d.c.ApproveImpact), time.Time{})
		case paced(c):
			if worst++; !d.tokens.has(worst, time.Now()) {
				leave(root, status.HeldPace, fmt.Sprintf("to %s it is disruptive, and there were %d such changes a moment ago", c.Action, d.c.Limits.Disruptive), d.tokens.when(time.Now()))
			}
		}
	}
	return l
}

// paced says whether a change is one of those of which only a few are made at a time: it
// ends what works, to make it anew. What is changed in place was changed by somebody else,
// and doesn't work as it is: all of it is put right at once, be it a thousand neighbours.
func paced(c diff.Change) bool {
	return c.Impact == model.ImpactDisruptive && c.Action != diff.Update && c.Cause == nil && !widowed(c.Before)
}

// widowed says whether an object is a veth whose other end went with its namespace: to
// replace it harms nobody any more, and the kernel is about to remove it anyway.
func widowed(o model.Object) bool {
	l, ok := o.(model.Link)
	return ok && l.Peer.Value().Netns == model.UnknownNetns
}

func conflictDetail(c diff.Conflict) string {
	who := c.Maker
	if who == "" {
		who = "somebody else"
	}
	s := "it is there, but is not ours: made by " + who
	if c.Adoptable {
		s += "; apply --adopt takes it over"
	}
	return s
}

// bucket holds a token for each disruptive change that may be made.
type bucket struct {
	size   int
	refill time.Duration
	spent  []time.Time // tokens that are not back yet
}

// has says whether there are n tokens.
func (b *bucket) has(n int, now time.Time) bool {
	b.spent = slices.DeleteFunc(b.spent, func(t time.Time) bool { return now.Sub(t) >= b.refill*time.Duration(b.size) })
	return len(b.spent)+n <= b.size
}

// spend takes a token.
func (b *bucket) spend(now time.Time) { b.spent = append(b.spent, now) }

// when returns when there will be one more.
func (b *bucket) when(now time.Time) time.Time {
	if len(b.spent) == 0 {
		return now
	}
	return b.spent[0].Add(b.refill * time.Duration(b.size))
}
