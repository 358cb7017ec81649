package kernel

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ahead is what a glance has begun to look at before it was asked. Whatever could not be
// read is asked for again, by whoever needs it.
type ahead struct {
	frame, tables chan struct{} // closed when the links and addresses are known, and the routes; nil: nobody looks

	many bool // others have more routes than are read beside ours
	ours rows // then, those of IPv4 that are ours, until somebody reads them
}

// await waits for one of the two.
func (*ahead) await(which chan struct{}) {
	if which != nil {
		<-which
	}
}

// LookAhead begins a look at what any question about the host's own namespace needs: its
// links, addresses and routes. This goes on while the caller does something else. Sockets are
// opened in the calling thread's namespace.
func (h *Host) LookAhead(ctx context.Context) *Glance {
	g := h.Glance()
	all, err := h.another()
	if err != nil {
		return g
	}
	ours, err := h.routeTable("", model.MarkProtocol, limit{})
	if err != nil {
		all.close()
		return g
	}
	g.ahead.frame, g.ahead.tables = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(g.ahead.frame)
		if _, err := g.rootLinks(ctx); err == nil {
			_, _ = g.rootAddresses(ctx) // asked for again
		}
	}()
	go func() {
		defer close(g.ahead.tables)
		g.lookAtRoutes(ctx, all, ours)
	}()
	return g
}

// Settle waits until the kernel has listed the routes: among very many, it looks for ours in
// one system call, in which a thread cannot do anything else.
func (g *Glance) Settle() { g.ahead.await(g.ahead.tables) }

// another opens one more socket in the host's own namespace.
func (h *Host) another() (*conn, error) {
	s, err := h.space("")
	if err != nil {
		return nil, err
	}
	return s.another()
}

// lookAtRoutes reads all routes of IPv4, or, where others have too many, ours alone. all is
// a socket that is given up then.
func (g *Glance) lookAtRoutes(ctx context.Context, all *conn, ours *routeTable) {
	l, err := all.dumpUntil(ctx, routeRequest(unix.AF_INET, 0), limit{others: othersBeside}.count())
	_ = all.close() // nothing is lost with it
	switch {
	case err == nil:
		g.routes = append(rows{}, l...) // none is known, too
	case errors.Is(err, errMany):
		if l, err := ours.rows4(ctx); err == nil {
			g.ahead.many, g.ahead.ours = true, append(rows{}, l...)
		}
	}
}
