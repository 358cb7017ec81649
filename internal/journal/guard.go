package journal

import (
	"errors"
	"fmt"
	"os"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// Whoever is responsible for a run holds its journal: the process that executes it, and
// the one that waits for its confirmation; see kernel.Held.

// Guard holds a journal, so that its run counts as attended.
type Guard struct{ f *os.File }

// NewGuard takes hold of the journal in dir.
func NewGuard(dir string) (*Guard, error) {
	f, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("guard the journal: %w", err)
	}
	if err := kernel.HoldToRead(f); err != nil {
		return nil, errors.Join(fmt.Errorf("guard the journal: %w", err), f.Close())
	}
	return &Guard{f}, nil
}

// Over says whether the run has ended: its journal is gone, or another one stands in
// its place.
func (g *Guard) Over() bool { return !kernel.Linked(g.f) }

// Close lets the journal go.
func (g *Guard) Close() error { return g.f.Close() }
