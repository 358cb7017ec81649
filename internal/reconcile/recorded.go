package reconcile

import (
	"context"
	"fmt"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/snapshot"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// PlanRecorded computes what is to be done on the host of which the snapshot was made, as
// Reconciler.Plan would have on the host itself then.
func PlanRecorded(ctx context.Context, t *spec.Topology, node *spec.Node, s *snapshot.Snapshot, opts diff.Options) (*Result, error) {
	id := model.Identity{Topology: t.Name, Node: node.Name}
	h := s.Host(id)
	facts, err := observe.Facts(ctx, h, observe.Query{
		Addresses: node.Addresses, Interface: node.Interface, Peers: desired.Peers(t, node),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", node.Pos, err)
	}
	x, err := desired.Expand(t, node, facts)
	if err != nil {
		return nil, err
	}
	observed, err := observe.State(ctx, h, observe.Scope{Identity: id, Wanted: x.State})
	if err != nil {
		return nil, err
	}
	if err := alone(observed, id); err != nil {
		return nil, err
	}
	desired.Adapt(x.State, observed)
	opts.LiveRename = s.Features.LiveRename
	p := diff.Compute(x.State, observed, opts)
	if len(p.Changes) > 0 {
		diff.Originate(p, x.State, wantedBy([]byte(s.AppliedFor(id)), t, node, x.State, facts))
	}
	p.Touched = diff.Touches(p, observed, s.Management)
	return &Result{Expansion: x, Observed: observed, Plan: p, Empties: empties(node, p)}, nil
}

// Empties says whether the plan removes all bridges and namespaces of a node that the file
// has left none: apply refuses that without --allow-empty.
func Empties(node *spec.Node, p *diff.Plan) bool { return empties(node, p) }
