package daemon

import "time"

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
