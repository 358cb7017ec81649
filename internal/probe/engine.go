package probe

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// slice is how often probes are sent where many are due: all those of that time at once.
const slice = 100 * time.Millisecond

// firstPace is the least time between two probes of the first round, which is ten times
// as fast as the others otherwise.
const firstPace = time.Millisecond

// Socket sends probes to addresses of one family. Kernel.Echo is one. One goroutine
// sends, and another one receives.
type Socket interface {
	// Send sends a probe, whose answer brings back the token.
	Send(dst netip.Addr, token uint64) error
	// Receive waits for answers, and puts their tokens into the list. It fails after Close.
	Receive(tokens []uint64) (int, error)
	Close() error
}

// Config is what an Engine works with.
type Config struct {
	// Open opens a socket of the family (4 or 6) in the host's own namespace.
	Open func(family int) (Socket, error)
	// Changed is told each address that has come up or gone down; nil: nobody is. It is
	// called by Run, one call after the other, and may ask for a Snapshot.
	Changed func(status.Peer)
}

// Engine probes. Make one with New, tell it whom with Update, and Run it.
type Engine struct {
	c    Config
	poke chan struct{} // something is new

	mu       sync.Mutex
	settings spec.Probe
	peers    []*peer // in order of their targets
	round    []*peer // the same in the order of probing
	at       int     // whose turn it is
	first    bool    // nobody of the round has had his first turn
	next     time.Time
	flights  flights
	lines    map[int]*line // by family
	news     []status.Peer
	times    status.Histogram
	sent     uint64 // and settled
	lost     uint64
	readers  sync.WaitGroup
}

// line is the socket of a family.
type line struct {
	Socket
	err   error // why there is none
	again time.Time
}

// New makes an engine that probes nobody yet.
func New(c Config) *Engine {
	if c.Changed == nil {
		c.Changed = func(status.Peer) {}
	}
	return &Engine{c: c, poke: make(chan struct{}, 1), lines: map[int]*line{}}
}

// Update says whom to probe, and how, from now on. What is known of targets that stay is
// kept. Any goroutine may call it, at any time.
func (e *Engine) Update(settings spec.Probe, targets []Target) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if settings.Type == "" {
		targets = nil
	}
	now := time.Now()
	old := make(map[Target]*peer, len(e.peers))
	for _, p := range e.peers {
		old[p.Target], p.gone = p, true
	}
	var last uint64 // who had the last turn
	if e.at > 0 {
		last = e.round[e.at-1].turn
	}
	wasIdle := len(e.peers) == 0
	e.settings, e.peers = settings, make([]*peer, 0, len(targets))
	for _, t := range targets {
		p := old[t]
		if p == nil {
			p = &peer{Target: t, turn: rand.Uint64(), state: status.Unknown, since: now}
		}
		p.gone = false
		e.peers = append(e.peers, p)
	}
	slices.SortFunc(e.peers, func(a, b *peer) int { return a.compare(b.Target) })
	e.round = slices.SortedFunc(slices.Values(e.peers), byTurn)
	e.at, _ = slices.BinarySearchFunc(e.round, last, func(p *peer, turn uint64) int {
		if p.turn > turn {
			return 1
		}
		return -1
	})
	if e.at == len(e.round) { // nobody comes after that one any more
		e.at = 0
	}
	if wasIdle {
		e.at, e.first, e.next = 0, true, now
	}
	if len(e.round) > 0 {
		e.next = earlier(e.next, now.Add(time.Duration(rand.Float64()*float64(e.pace()))))
	}
	e.closeUnused()
	e.wake()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (e *Engine) wake() {
	select {
	case e.poke <- struct{}{}:
	default:
	}
}

// Snapshot returns what is known of each target, in the order of Targets; nil if there are
// none. Any goroutine may ask.
func (e *Engine) Snapshot() []status.Peer {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.peers) == 0 {
		return nil
	}
	l := make([]status.Peer, len(e.peers))
	for i, p := range e.peers {
		l[i] = p.status()
	}
	return l
}

// Times returns what came of all probes so far.
func (e *Engine) Times() status.ProbeTimes {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.times
	return status.ProbeTimes{Seconds: &h, Sent: e.sent, Lost: e.lost}
}

// Run probes until the context is over. It has closed its sockets, and ended its
// goroutines, when it returns. It is to be called once.
func (e *Engine) Run(ctx context.Context) {
	defer e.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if wait := e.step(time.Now()); wait >= 0 {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		e.tell()
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-e.poke:
		}
	}
}

// step does what is due and returns when there is something to do again; less than 0:
// not before something is new.
func (e *Engine) step(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.expire(now)
	if len(e.round) == 0 {
		return e.untilExpiry(now)
	}
	pace := e.pace()
	if now.Sub(e.next) > e.settings.Interval {
		e.next = now // the machine slept; nobody gains by a burst
	}
	for n := 0; n < len(e.round) && !e.next.After(now); n++ {
		e.probe(e.round[e.at], now)
		if e.at++; e.at == len(e.round) {
			e.at, e.first = 0, false
			pace = e.pace()
		}
		e.next = e.next.Add(jittered(pace))
	}
	wait := max(e.next.Sub(now), 0)
	if pace < slice && wait < slice {
		return jittered(min(slice, e.settings.Interval)) // which is soon enough for timeouts, too
	}
	if d := e.untilExpiry(now); d >= 0 {
		wait = min(wait, d)
	}
	return wait
}

// pace is the time between two probes.
func (e *Engine) pace() time.Duration {
	pace := e.settings.Interval / time.Duration(len(e.round))
	if e.first {
		return min(pace, max(pace/10, firstPace))
	}
	return pace
}

// jittered is a time, a tenth more or less.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// probe sends one, unless the one before is still under way.
func (e *Engine) probe(p *peer, now time.Time) {
	if p.waiting {
		return
	}
	socket, err := e.line(p.Addr, now)
	if err == nil {
		p.number = e.flights.add(p, now.Add(e.settings.Timeout))
		p.sent, p.waiting = time.Now(), true
		err = socket.Send(p.Addr, p.number)
	}
	p.err = err
	if err != nil {
		e.result(p, false, now)
	}
}

// result settles a probe.
func (e *Engine) result(p *peer, answered bool, now time.Time) {
	p.waiting = false
	if p.gone {
		return
	}
	e.sent++
	if !answered {
		e.lost++
	}
	if p.result(answered, e.settings.Down, e.settings.Up, now) {
		e.news = append(e.news, p.status())
		e.wake()
	}
}

// tell tells who has come up or gone down.
func (e *Engine) tell() {
	e.mu.Lock()
	news := e.news
	e.news = nil
	e.mu.Unlock()
	for _, p := range news {
		e.c.Changed(p)
	}
}
