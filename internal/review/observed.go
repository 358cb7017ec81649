package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/snapshot"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Sighting is a snapshot with where it came from, or why there is none.
type Sighting struct {
	From     string // a file, or a host
	Node     string // that it was asked for; "": the snapshot tells
	Snapshot *snapshot.Snapshot
	Err      error
}

// Sightings are what is known of hosts.
type Sightings struct {
	Topology *spec.Topology
	Node     string // "": every node of the topology
	Seen     bool   // only nodes of which there is a sighting
	All      []Sighting
	MaxAge   time.Duration // of snapshots
	Now      time.Time
	Options  diff.Options

	nodes map[string]*spec.Node
}

// Answer is what comes of sightings.
type Answer struct {
	Plans    []render.NodePlan // by node
	Notes    []string          // of snapshots that no node is planned from
	Warnings []string
}

// Plans computes the plan of each node from its snapshot. A node without one, or with one
// that cannot be used, has an error in the place of its plan; so has what could not be
// read, under the name that it came by.
func (s Sightings) Plans(ctx context.Context) Answer {
	var a Answer
	s.nodes = byName(s.Topology)
	byNode, lost := s.assign(&a)
	names := s.names(byNode)
	a.Plans = make([]render.NodePlan, len(names))
	warnings := make([][]string, len(names))
	inParallel(len(names), func(i int) { a.Plans[i], warnings[i] = s.plan(ctx, names[i], byNode[names[i]]) })
	a.Plans = append(a.Plans, lost...)
	a.Warnings = once(slices.Concat(warnings...))
	return a
}

// names returns the nodes to be planned.
func (s Sightings) names(byNode map[string][]Sighting) []string {
	if s.Node != "" {
		return []string{s.Node}
	}
	var l []string
	for _, n := range s.Topology.Nodes {
		if !s.Seen || len(byNode[n.Name]) > 0 {
			l = append(l, n.Name)
		}
	}
	return l
}

// assign finds the node of each sighting, and returns the rows of those that have none.
func (s Sightings) assign(a *Answer) (map[string][]Sighting, []render.NodePlan) {
	byNode := map[string][]Sighting{}
	var lost []render.NodePlan
	for _, x := range s.All {
		name, err := s.nodeOf(x)
		switch {
		case err != nil && s.Node == "":
			lost = append(lost, render.NodePlan{Header: s.header(x.From), Err: err})
		case err != nil:
			a.Notes = append(a.Notes, fmt.Sprintf("%s: %v", x.From, err))
		case s.nodes[name] == nil:
			a.Notes = append(a.Notes, fmt.Sprintf("%s is of the node %s, which the topology does not have", x.From, name))
		default:
			byNode[name] = append(byNode[name], x)
		}
	}
	return byNode, lost
}

// nodeOf finds out which node a sighting is of. Topology and node stand in a snapshot of a
// host that has either; of another one, its addresses and name tell.
func (s Sightings) nodeOf(x Sighting) (string, error) {
	switch {
	case x.Node != "":
		return x.Node, nil
	case x.Err != nil:
		return "", x.Err
	case x.Snapshot.Topology != "" && x.Snapshot.Topology != s.Topology.Name:
		return "", fmt.Errorf("it is a snapshot of the topology %s (node %s), not %s", x.Snapshot.Topology, x.Snapshot.Node, s.Topology.Name)
	case x.Snapshot.Node != "":
		return x.Snapshot.Node, nil
	}
	host := reconcile.Host{Name: x.Snapshot.Hostname}
	for _, a := range x.Snapshot.Addresses {
		if a.Netns == "" {
			host.Addresses = append(host.Addresses, a.Prefix.Addr())
		}
	}
	n, err := reconcile.SelectNode(s.Topology, "", host)
	var absent *reconcile.AbsentError
	if errors.As(err, &absent) {
		return x.Snapshot.Hostname, nil // of a host that has nothing to do with the topology
	}
	if err != nil {
		return "", err
	}
	return n.Name, nil
}

func (s Sightings) header(node string) render.Header {
	return render.Header{Topology: s.Topology.Name, Node: node, Files: s.Topology.Files, Phase: s.Options.Phase}
}

// plan computes a node's plan, and returns what expansion warns of.
func (s Sightings) plan(ctx context.Context, name string, l []Sighting) (render.NodePlan, []string) {
	out := render.NodePlan{Header: s.header(name)}
	node := s.nodes[name]
	switch {
	case node == nil:
		out.Err = fmt.Errorf("topology %s has no node %q", s.Topology.Name, name)
	case len(l) == 0:
		out.Err = errors.New("there is no snapshot of it: run observe --out on its host")
	case len(l) > 1:
		out.Err = fmt.Errorf("there are %d snapshots of it: %s; leave one", len(l), sources(l))
	case l[0].Err != nil:
		out.Err = l[0].Err
	default:
		out.Err = l[0].Snapshot.Fresh(s.Now, s.MaxAge)
	}
	if out.Err != nil {
		return out, nil
	}
	shot := l[0].Snapshot
	out.Header.Basis = "its snapshot of " + shot.Time.Format(time.RFC3339)
	r, err := reconcile.PlanRecorded(ctx, s.Topology, node, shot, s.Options)
	if err != nil {
		out.Err = err
		return out, nil
	}
	out.Plan = r.Plan
	return out, append(r.Expansion.Warnings, emptied(node, r.Plan)...)
}

// emptied warns of a plan that apply refuses, since the file leaves the node nothing.
func emptied(node *spec.Node, p *diff.Plan) []string {
	if node == nil || !reconcile.Empties(node, p) {
		return nil
	}
	return []string{fmt.Sprintf("%s: node %s has neither bridges nor namespaces any more: apply refuses the plan without --allow-empty", node.Pos, node.Name)}
}

func sources(l []Sighting) string {
	var names []string
	for _, x := range l {
		names = append(names, x.From)
	}
	return strings.Join(names, ", ")
}
