package reconcile

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// AbsentError says that the topology has no node that the host could be.
type AbsentError struct {
	why  string
	left model.Identity // whose marks are on the host all the same; zero: nobody's
}

// Error says what to do where the host still has what the topology once made.
func (e *AbsentError) Error() string {
	if e.left == (model.Identity{}) {
		return e.why
	}
	return fmt.Sprintf("%s; nothing was changed; this host has what was made for %s: if the node is to have nothing any more, remove it with destroy --node %s, or apply --allow-empty",
		e.why, e.left, e.left.Node)
}

// NewAbsent is New, but that the topology may lack the node: what was made for it is to
// go. Then it is the node that is named, else the one whose marks the host has, else
// the one with the host's name.
func NewAbsent(ctx context.Context, t *spec.Topology, name string, place Place) (*Reconciler, error) {
	r, err := New(ctx, t, name, place)
	var absent *AbsentError
	if !errors.As(err, &absent) {
		return r, err
	}
	if name == "" {
		name = absent.left.Node
	}
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			return nil, absent
		}
	}
	if r, err = open(t, &spec.Node{Name: name}, place); err == nil {
		r.Absent = true
	}
	return r, err
}

// leftOn looks whether the host has marks of a node that the topology lacks.
func leftOn(ctx context.Context, t *spec.Topology, place Place, absent *AbsentError) error {
	h, err := kernel.Open(kernel.Options{Root: place.Root, NetnsDir: place.NetnsDir})
	if err != nil {
		return err
	}
	defer h.Close()
	marks, err := observe.Marks(ctx, h)
	if err != nil {
		return err
	}
	for _, id := range marks {
		if id.Topology == t.Name && nodeNamed(t, id.Node) == nil {
			absent.left = id
		}
	}
	return absent
}

// empties says whether the plan removes all bridges and namespaces of a node that the
// file has left none.
func empties(node *spec.Node, p *diff.Plan) bool {
	if len(node.Bridges)+len(node.Namespaces) > 0 {
		return false
	}
	for _, c := range p.Changes {
		if c.Action != diff.Delete {
			continue
		}
		l, ok := c.Before.(model.Link)
		if c.Key().Kind == model.KindNetns || ok && l.Netns == "" && l.Type.Value() == model.TypeBridge {
			return true
		}
	}
	return false
}

// EmptyRefusal returns why a plan that empties the node must not be executed without
// the user's word, or nil.
func (r *Reconciler) EmptyRefusal(res *Result, o ApplyOptions) error {
	if !res.Empties || o.AllowEmpty {
		return nil
	}
	return fmt.Errorf("%s: node %s has neither bridges nor namespaces any more, and the plan destroys all that it had (%s); nothing was changed; "+
		"if that is meant, allow it with --allow-empty", r.Node.Pos, r.Node.Name, countOf(res.Plan.Summary().Destroy, "object", "objects"))
}
