package reconcile

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"

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
	ask := func(peers []netip.Addr) (model.Facts, error) {
		return observe.Facts(ctx, h, observe.Query{Addresses: node.Addresses, Interface: node.Interface, Peers: peers})
	}
	facts, err := ask(desired.Peers(t, node))
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
		diff.Originate(p, x.State, wantedOf([]byte(s.AppliedFor(id)), t, node, x.State, facts, ask))
	}
	p.Touched = diff.Touches(p, observed, s.Management)
	return &Result{Expansion: x, Observed: observed, Plan: p, Empties: empties(node, p)}, nil
}

// wantedOf returns what a note says of what was wanted of a node before, which may be what is
// wanted now; nil where that is not known.
func wantedOf(note []byte, now *spec.Topology, node *spec.Node, wanted *model.State, facts model.Facts, ask func([]netip.Addr) (model.Facts, error)) *model.State {
	if digest, _, _ := bytes.Cut(note, []byte("\n")); string(digest) == now.Digest {
		return wanted
	}
	return parseLast(note, now, node).wanted(facts, ask)
}

// Empties says whether the plan removes all bridges and namespaces of a node that the file
// has left none: apply refuses that without --allow-empty.
func Empties(node *spec.Node, p *diff.Plan) bool { return empties(node, p) }
