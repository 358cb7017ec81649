package reconcile

import (
	"context"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// Ahead is a look at a host that has begun before it is known what matters of it: the kernel
// lists links and routes while the topology is read. It serves one Reconciler, for one Plan.
//
// What it saw is older than a lock that is taken after it has begun: without one of its own,
// it is for plans that nobody executes.
type Ahead struct {
	mu     sync.Mutex
	host   *kernel.Host // nil: it was taken
	glance *kernel.Glance
	lock   *apply.Lock // of the host, taken before; nil: none
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

// LockAhead is LookAhead for who is going to change the host: it takes the host's lock before it
// looks. It returns nil if somebody else has the lock, or nobody ever had: as long as it isn't
// known whether the topology is one, no files are made.
func LockAhead(ctx context.Context, p Place) *Ahead {
	if capable() != nil {
		return nil
	}
	h, err := kernel.Open(p.options())
	if err != nil {
		return nil
	}
	lock := p.tryLock(h)
	if lock == nil {
		h.Close()
		return nil
	}
	return &Ahead{host: h, glance: h.LookAhead(ctx), lock: lock}
}

// tryLock takes the lock of a host of the place, if nobody has it; nil: it could not.
func (p Place) tryLock(h *kernel.Host) *apply.Lock {
	id, err := h.ID()
	if err != nil {
		return nil
	}
	return apply.Try(p.runDir(), id)
}

// take returns the host, once, with the look that is going on and the lock; nil where there is
// none.
func (a *Ahead) take() (*kernel.Host, *kernel.Glance, *apply.Lock) {
	if a == nil {
		return nil, nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	h, lock := a.host, a.lock
	a.host, a.lock = nil, nil
	return h, a.glance, lock
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

// Close gives the handles and the lock of a host back that nobody has taken. It doesn't wait
// for what the kernel is still listing.
func (a *Ahead) Close() {
	h, _, lock := a.take()
	if lock != nil {
		_ = lock.Release() // it ends with the process in any case
	}
	if h != nil {
		go h.Close()
	}
}
