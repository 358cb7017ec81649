package status

import "time"

// Bounds are the upper bounds of a histogram's buckets, in seconds.
var Bounds = [...]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Histogram counts durations by size. The zero value is empty.
type Histogram struct {
	Counts [len(Bounds)]uint64 // at most the bound, and more than the one before
	Sum    float64             // seconds
	Count  uint64
}

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) {
	s := d.Seconds()
	h.Sum += s
	h.Count++
	for i, b := range Bounds {
		if s <= b {
			h.Counts[i]++
			return
		}
	}
}
