package reconcile

import (
	"errors"
	"io"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// draft is the note of a topology that is just being applied as a whole. It is written beside
// that, and takes the place of the former one if the run ends well: of a large fleet, it would
// take a tenth of a run that changes one peer.
type draft struct {
	wanted bool // what is applied is noted, and was not before
	early  bool // the note may begin before the run does, since nobody is asked whether it does

	of     *desired.Expansion // nil: it was not begun
	read   chan struct{}      // closed when nothing more is read of what is wanted
	keep   chan bool          // whether it is kept: one word, which need not be awaited
	result chan error         // nil: it is kept
}

var errNotKept = errors.New("the run did not end well")

// beginDraft begins the note of what is wanted by the facts, if there is to be one, and
// waits for nothing. Where the node has no directory yet, it does nothing: what is refused
// makes none. Where there is little room, it leaves that to what the run itself needs.
func (r *Reconciler) beginDraft(want *desired.Expansion, facts model.Facts) {
	n := &r.draft
	if !n.wanted || n.of != nil {
		return
	}
	d, err := kernel.OpenDir(r.stateDir())
	if err != nil {
		return
	}
	if d.Free() < roomFor(r.Topology) {
		d.Close()
		return
	}
	n.of, n.read, n.keep, n.result = want, make(chan struct{}), make(chan bool, 1), make(chan error, 1)
	go n.write(d, r.Topology, facts)
}

// roomFor is how many bytes have to be free for the note of a topology, and for all else that
// a run writes, its journal and what sysctls were, several times.
func roomFor(t *spec.Topology) uint64 {
	const least, times = 16 << 20, 16
	room := uint64(least)
	for _, s := range t.Sources {
		room += times * uint64(len(s.Data))
	}
	return room
}

// write writes the note, and then waits for the end of the run.
func (n draft) write(d *kernel.Dir, t *spec.Topology, facts model.Facts) {
	defer d.Close()
	digests := n.of.State.Digests()
	close(n.read)
	n.result <- d.ReplaceVia(draftFile, appliedFile, func(w io.Writer) error {
		if err := writeApplied(w, t, digests, facts); err != nil {
			return err
		}
		if !<-n.keep {
			return errNotKept
		}
		return nil
	})
}

// digested waits until what is wanted may be adapted to the host.
func (n draft) digested() {
	if n.of != nil {
		<-n.read
	}
}

// end keeps the note or not, and says whether it is kept.
func (n draft) end(keep bool) bool {
	if n.of == nil {
		return false
	}
	n.keep <- keep
	return <-n.result == nil
}
