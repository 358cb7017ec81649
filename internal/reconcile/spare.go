package reconcile

import (
	"errors"
	"fmt"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// expanded is what a node should have, by the facts of its host.
type expanded struct {
	facts model.Facts
	want  *desired.Expansion // nil: it was not worked out yet
}

// expanded returns what the node should have by the facts: as it was last, if they are the
// same. That may have been adapted to the host since, as it would be now.
func (r *Reconciler) expanded(facts model.Facts) (*desired.Expansion, error) {
	if r.latest.want != nil && facts.Equal(r.latest.facts) {
		return r.latest.want, nil
	}
	t, node, err := r.whole()
	if err != nil {
		return nil, err
	}
	x, err := desired.Expand(t, node, facts)
	if err != nil {
		return nil, err
	}
	r.latest = expanded{facts, x}
	if r.Sparing {
		r.letGo()
	}
	return x, nil
}

// letGo forgets what was read of the other nodes, which takes more room than what is wanted
// because of them. The texts stay.
func (r *Reconciler) letGo() {
	if r.spared {
		return
	}
	r.peers = desired.Peers(r.Topology, r.Node)
	t, node := *r.Topology, *r.Node
	t.Nodes = nil
	r.Topology, r.Node, r.spared = &t, &node, true
}

// whole returns the topology and the node in it, read anew if the other nodes were let go:
// that is seldom asked for, as when the underlay's MTU changes during a run.
func (r *Reconciler) whole() (*spec.Topology, *spec.Node, error) {
	if !r.spared {
		return r.Topology, r.Node, nil
	}
	return readAgain(r.Topology, r.Node.Name)
}

// readAgain reads a topology again from its texts, as a whole, and finds a node in it.
func readAgain(t *spec.Topology, name string) (*spec.Topology, *spec.Node, error) {
	again, problems := spec.Parse(t.Sources)
	if again == nil {
		var l []error
		for _, p := range problems {
			l = append(l, errors.New(p.String()))
		}
		return nil, nil, fmt.Errorf("read the topology again: %w", errors.Join(l...))
	}
	if node := nodeNamed(again, name); node != nil {
		return again, node, nil
	}
	return nil, nil, fmt.Errorf("read the topology again: it has no node %s any more", name)
}
