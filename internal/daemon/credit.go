package daemon

import (
	"errors"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

const (
	// However much is heard, looks take at most one in looksShare of a processor's time,
	// once what was saved up while nothing was heard is used up: who breaks something
	// now and then doesn't wait.
	looksShare = 5
	creditMost = time.Second
	quietMost  = 2 * time.Second
)

// credit is how long looks may take. The zero value is full.
type credit struct {
	left  time.Duration
	since time.Time // when that was left
}

// charge takes the time of a pass from the credit, unless it has put something right:
// what is never over is kept short in other ways, by contests and pauses.
func (d *Daemon) charge(res *reconcile.Result, err error, took time.Duration) {
	var differs *reconcile.NotConverged
	done := err == nil || errors.As(err, &differs)
	if done && !d.c.DryRun && res != nil && len(res.Plan.Steps) > 0 {
		took = 0
	}
	d.quietUntil = d.credit.spend(took, time.Now())
}

// spend takes the time of a look that is over now, and returns when the next one may
// begin: the zero time if at once.
func (c *credit) spend(took time.Duration, now time.Time) time.Time {
	if c.since.IsZero() {
		c.left = creditMost
	} else {
		c.left = min(c.left+now.Sub(c.since)/looksShare, creditMost)
	}
	c.since = now
	c.left = max(c.left-took, -quietMost/looksShare)
	if c.left >= 0 {
		return time.Time{}
	}
	return now.Add(-c.left * looksShare)
}
