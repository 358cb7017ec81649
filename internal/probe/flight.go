package probe

import "time"

// flights are the probes that are under way, the oldest first. Their tokens count up, so
// that each is found by its own. There are no more than were sent within a timeout.
type flights struct {
	list []flight
	head int    // the oldest
	base uint64 // the token of list[0]
}

type flight struct {
	peer     *peer
	deadline time.Time
}

// add returns the token of one more.
func (f *flights) add(p *peer, deadline time.Time) uint64 {
	if f.head > 64 && f.head > len(f.list)/2 {
		n := copy(f.list, f.list[f.head:])
		clear(f.list[n:])
		f.list, f.base, f.head = f.list[:n], f.base+uint64(f.head), 0
	}
	f.list = append(f.list, flight{p, deadline})
	return f.base + uint64(len(f.list)-1)
}

// find returns whom a token's probe was sent to; nil if it has been settled.
func (f *flights) find(token uint64) *peer {
	i := token - f.base // wraps around, and is too large then
	if token < f.base || i < uint64(f.head) || i >= uint64(len(f.list)) || !f.open(int(i)) {
		return nil
	}
	return f.list[i].peer
}

// open says whether a flight is neither answered nor lost.
func (f *flights) open(i int) bool {
	p := f.list[i].peer
	return p.waiting && p.number == f.base+uint64(i)
}

// oldest returns the oldest flight that is open, and forgets those before.
func (f *flights) oldest() (flight, bool) {
	for ; f.head < len(f.list); f.head++ {
		if f.open(f.head) {
			return f.list[f.head], true
		}
	}
	return flight{}, false
}

// expire settles the probes whose time is over.
func (e *Engine) expire(now time.Time) {
	for {
		f, ok := e.flights.oldest()
		if !ok || f.deadline.After(now) {
			return
		}
		e.result(f.peer, false, now)
	}
}

// untilExpiry is how long the oldest probe may still take; less than 0: none is under way.
func (e *Engine) untilExpiry(now time.Time) time.Duration {
	f, ok := e.flights.oldest()
	if !ok {
		return -1
	}
	return max(f.deadline.Sub(now), 0)
}
