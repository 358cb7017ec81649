package watch

import "time"

// debounce waits until a series of events is over, but not for ever.
type debounce struct {
	quiet time.Duration // without an event, until it is over
	limit time.Duration // after the first event, whatever comes

	first time.Time // of the series; zero: there is none
}

// event returns how long to wait from now on, after an event.
func (d *debounce) event(now time.Time) time.Duration {
	if d.first.IsZero() {
		d.first = now
	}
	return max(0, min(d.quiet, d.limit-now.Sub(d.first)))
}

// over ends the series.
func (d *debounce) over() { d.first = time.Time{} }
