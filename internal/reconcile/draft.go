package reconcile

import (
	"errors"
	"io"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// draft is the note of a topology that is just being applied. It is written beside that, and
// takes the place of the former one if the run ends well: of a large fleet, it would take a
// tenth of a run that changes one peer.
type draft struct {
	want   *desired.Expansion
	read   chan struct{} // closed when nothing more is read of what is wanted
	keep   chan bool     // whether it is to be kept; it takes one word without a reader
	result chan error    // nil: it is kept
}

var errNotKept = errors.New("the run did not end well")

// draftNote begins the note of what is wanted by the facts, if that is going to be noted and
// was not begun before.
func (r *Reconciler) draftNote(want *desired.Expansion, facts model.Facts) {
	if r.drafts && r.draft == nil && want != nil {
		r.draft = beginDraft(r.stateDir(), r.Topology, want, facts)
	}
}

// beginDraft begins a note, and waits for nothing. Where the node has no directory yet, it is
// nil: what is refused makes none.
func beginDraft(dir string, t *spec.Topology, want *desired.Expansion, facts model.Facts) *draft {
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return nil
	}
	n := &draft{want: want, read: make(chan struct{}), keep: make(chan bool, 1), result: make(chan error, 1)}
	go func() {
		defer d.Close()
		digests := want.State.Digests()
		close(n.read)
		n.result <- d.ReplaceBy(appliedFile, func(w io.Writer) error {
			if err := writeApplied(w, t, digests, facts); err != nil {
				return err
			}
			if !<-n.keep {
				return errNotKept
			}
			return nil
		})
	}()
	return n
}

// digested waits until what is wanted may be adapted to the host.
func (n *draft) digested() {
	if n != nil {
		<-n.read
	}
}

// end keeps the note or not, and says whether it is kept.
func (n *draft) end(keep bool) bool {
	if n == nil {
		return false
	}
	n.keep <- keep
	return <-n.result == nil
}
