package daemon

import (
	"fmt"
	"slices"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// fights are the objects that were put right of late.
type fights map[model.Key]*fight

// fight is how often an object was put right.
type fight struct {
	times map[string][]time.Time // in the last window, by attribute; existence is the one that it has without a name
	who   string                 // has changed it last; "" where nobody knows
}

const existence = ""

// repaired counts the repair of an attribute, and returns how many there were since
// then.
func (f fights) repaired(k model.Key, attr string, now, since time.Time) (times int, who string) {
	x := f[k]
	if x == nil {
		x = &fight{times: map[string][]time.Time{}}
		f[k] = x
	}
	x.times[attr] = after(append(x.times[attr], now), since)
	return len(x.times[attr]), x.who
}

// over forgets the fights of which there was nothing since then.
func (f fights) over(since time.Time) {
	for k, x := range f {
		for attr, l := range x.times {
			if x.times[attr] = after(l, since); len(x.times[attr]) == 0 {
				delete(x.times, attr)
			}
		}
		if len(x.times) == 0 {
			delete(f, k)
		}
	}
}

func after(l []time.Time, since time.Time) []time.Time {
	return slices.DeleteFunc(l, func(t time.Time) bool { return t.Before(since) })
}

// fought counts what a plan has put right, and leaves alone what somebody else changes
// back again and again.
func (d *Daemon) fought(p *diff.Plan, now time.Time) {
	changed := map[model.Key]bool{}
	for _, c := range p.Changes {
		changed[c.Key()] = true
	}
	for _, c := range p.Changes {
		if c.Cause != nil || c.Implied || wentAlong(c.Object(), changed) {
			continue
		}
		for _, attr := range disputed(c) {
			n, who := d.fights.repaired(c.Key(), attr, now, now.Add(-d.c.Limits.Window))
			if n >= d.c.Limits.Contested {
				d.contest(c.Key(), attr, n, who)
				break
			}
		}
	}
}

// wentAlong says whether an object was put right because what it needs was: that is what
// somebody fights about, if anything.
func wentAlong(o model.Object, changed map[model.Key]bool) bool {
	return slices.ContainsFunc(o.Needs(), func(n model.Need) bool { return changed[n.Key] })
}

// disputed lists what of an object was put right.
func disputed(c diff.Change) []string {
	if c.Action == diff.Create || c.Action == diff.Delete {
		return []string{existence}
	}
	var l []string
	for _, a := range c.Differences() {
		l = append(l, a.Name)
	}
	return l
}

func (d *Daemon) contest(k model.Key, attr string, n int, who string) {
	if attr == existence {
		attr = "it"
	}
	if who == "" {
		who = "something that cannot be told, or has ended meanwhile"
	}
	d.s.Counters.Contested++
	delete(d.fights, k)
	d.hold(k, status.HeldContested, fmt.Sprintf("%s was put right %d times in %v, and each time changed again, by %s; stop that, then reload",
		attr, n, d.c.Limits.Window, who), time.Time{})
	d.force.keeper.Held[k] = true
}
