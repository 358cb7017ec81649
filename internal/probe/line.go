package probe

import (
	"net/netip"
	"slices"
	"time"
)

// patience is how long to wait until a socket that could not be opened, or has failed, is
// opened again.
const patience = 5 * time.Second

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// line returns the socket for an address, and opens it if need be.
func (e *Engine) line(a netip.Addr, now time.Time) (Socket, error) {
	family := familyOf(a)
	l := e.lines[family]
	if l != nil && l.Socket != nil {
		return l.Socket, nil
	}
	if l != nil && now.Before(l.again) {
		return nil, l.err
	}
	s, err := e.c.Open(family)
	if err != nil {
		e.lines[family] = &line{err: err, again: now.Add(patience)}
		return nil, err
	}
	l = &line{Socket: s}
	e.lines[family] = l
	e.readers.Go(func() { e.read(l, s) })
	return s, nil
}

// read takes answers until the socket is closed, or fails.
func (e *Engine) read(l *line, s Socket) {
	var tokens [64]uint64
	for {
		n, err := s.Receive(tokens[:])
		now := time.Now()
		e.mu.Lock()
		for _, t := range tokens[:n] {
			e.answer(t, now)
		}
		if err != nil {
			if l.Socket != nil { // else it was closed by us
				l.Socket, l.err, l.again = nil, err, now.Add(patience)
				_ = s.Close()
			}
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
	}
}

// answer takes an answer. One that comes after its time was lost already.
func (e *Engine) answer(token uint64, now time.Time) {
	p := e.flights.find(token)
	if p == nil {
		return
	}
	if now.Sub(p.sent) > e.settings.Timeout {
		return // expire will find it
	}
	p.rtt = now.Sub(p.sent)
	if !p.gone {
		e.times.Add(p.rtt)
	}
	e.result(p, true, now)
}

// closeUnused closes the sockets of families that nobody is probed by any more.
func (e *Engine) closeUnused() {
	for family, l := range e.lines {
		if !slices.ContainsFunc(e.peers, func(p *peer) bool { return familyOf(p.Addr) == family }) {
			l.close()
			delete(e.lines, family)
		}
	}
}

// close closes the socket, and thereby ends who reads it.
func (l *line) close() {
	if s := l.Socket; s != nil {
		l.Socket = nil
		_ = s.Close()
	}
}

func (e *Engine) close() {
	e.mu.Lock()
	for family, l := range e.lines {
		l.close()
		delete(e.lines, family)
	}
	e.mu.Unlock()
	e.readers.Wait()
}
