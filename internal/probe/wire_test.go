package probe_test

import (
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/probe"
)

// wire is a network of sockets that answer after a while, as it says for each address.
type wire struct {
	mu     sync.Mutex
	delay  time.Duration
	silent map[netip.Addr]bool
	refuse map[netip.Addr]error
	sends  []send
	opened int
	closed int
	broken error // what Open returns
}

type send struct {
	at   time.Time
	addr netip.Addr
}

func newWire() *wire {
	return &wire{delay: 5 * time.Millisecond, silent: map[netip.Addr]bool{}, refuse: map[netip.Addr]error{}}
}

func (w *wire) open(int) (probe.Socket, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return nil, w.broken
	}
	w.opened++
	return &socket{wire: w, answers: make(chan uint64, 1<<16), done: make(chan struct{})}, nil
}

type socket struct {
	wire    *wire
	answers chan uint64
	done    chan struct{}
}

func (s *socket) Send(dst netip.Addr, token uint64) error {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	if err := s.wire.refuse[dst]; err != nil {
		return err
	}
	s.wire.sends = append(s.wire.sends, send{time.Now(), dst})
	if !s.wire.silent[dst] {
		time.AfterFunc(s.wire.delay, func() { s.answers <- token })
	}
	return nil
}

func (s *socket) Receive(tokens []uint64) (int, error) {
	select {
	case tokens[0] = <-s.answers:
		return 1, nil
	case <-s.done:
		return 0, os.ErrClosed
	}
}

func (s *socket) Close() error {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	s.wire.closed++
	close(s.done)
	return nil
}

// sockets returns how many were opened and closed.
func (w *wire) sockets() (opened, closed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opened, w.closed
}

// set changes the wire.
func (w *wire) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}
