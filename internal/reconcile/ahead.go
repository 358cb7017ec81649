package reconcile

import (
	"context"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// Ahead is a look at a host that has begun before it is known what matters of it: the kernel
// lists links and routes while the topology is read. It serves one Reconciler, for one Plan.
//
// What it saw may be older than a lock that was taken meanwhile: it is for plans that nobody
// executes.
type Ahead struct {
	mu     sync.Mutex
	host   *kernel.Host // nil: it was taken
	glance *kernel.Glance
}

// LookAhead begins to look at the host of a place. One that cannot be opened is left to
// whoever opens it later, and says so then: nil. The caller closes it.
func LookAhead(ctx context.Context, p Place) *Ahead {
	h, err := kernel.Open(p.options())
	if err != nil {
		return nil
	}
	return &Ahead{host: h, glance: h.LookAhead(ctx)}
}

// take returns the host, once, and the look that is going on; nil where there is none.
func (a *Ahead) take() (*kernel.Host, *kernel.Glance) {
	if a == nil {
		return nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.host
	a.host = nil
	return h, a.glance
}

// seen returns the look that is going on, until it is taken; nil where there is none.
func (a *Ahead) seen() *kernel.Glance {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.host == nil {
		return nil
	}
	return a.glance
}

// Settle waits for what keeps a thread in the kernel for long. To be called before all
// threads are to do something: Go would wait by calling sched_yield(2) over and over
// (syscall.AllThreadsSyscall).
func (a *Ahead) Settle() {
	if g := a.seen(); g != nil {
		g.Settle()
	}
}

// Close gives the handles of a host back that nobody has taken. It doesn't wait for what the
// kernel is still listing.
func (a *Ahead) Close() {
	if h, _ := a.take(); h != nil {
		go h.Close()
	}
}
