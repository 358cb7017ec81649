package review

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// How many pairs of a node and a peer are looked at for one answer, if one node doesn't take
// more: some seconds, and less than a GiB for what comes of them.
const (
	maxWhole = 200_000   // where all differ: 300 nodes of 300, 100 of 1,000
	maxOwn   = 1_000_000 // of nodes that differ themselves: 50 of 10,000
	maxSeen  = 400_000   // of nodes that see others differ: 10,000 that see 20
)

// Versions are two versions of a topology.
type Versions struct {
	From, To *spec.Topology
	Basis    string       // what From is, for people: "git:origin/main:topology.yaml"
	Node     string       // "": every node of either version
	Options  diff.Options // LiveRename is assumed
}

// Differences are the plans that lead from one version of a topology to the other.
type Differences struct {
	Plans    []render.NodePlan // by node
	Added    []string          // nodes that only the new version has
	Removed  []string          // nodes that only the old one has: their plans remove all
	LeftOut  []string          // nodes for which no plan was made, as that would have taken too long
	Warnings []string
}

// Between computes what changes on the nodes between two versions of a topology, for
// hosts that are as the old one says. Nothing of the hosts is known: their facts are
// assumed, as are a kernel with all features, and parameters that nobody else has set.
//
// Each node is compared with the peers that differ, and a node that differs itself with
// all, which finds the same changes; Unchanged counts what is there for other peers only
// in the latter case.
func Between(v Versions) (*Differences, error) {
	if v.From.Name != v.To.Name && len(v.From.Nodes) > 0 {
		return nil, fmt.Errorf("the base is the topology %s, and the file %s: a host of the one refuses the other until the first is destroyed; so there is no plan from one to the other",
			v.From.Name, v.To.Name)
	}
	c := compare(v.From, v.To)
	names := c.names()
	if v.Node != "" {
		if !slices.Contains(names, v.Node) {
			return nil, fmt.Errorf("neither version of topology %s has a node %q", v.To.Name, v.Node)
		}
		names = []string{v.Node}
	}
	v.Options.LiveRename = true
	d := &Differences{}
	names, d.LeftOut = affordable(c, names)
	d.Plans = make([]render.NodePlan, len(names))
	warnings := make([][]string, len(names))
	m := models{of: map[outlook]*diff.Plan{}}
	inParallel(len(names), func(i int) { d.Plans[i], warnings[i] = m.plan(v, c, names[i]) })
	for _, name := range names {
		switch {
		case c.before[name] == nil:
			d.Added = append(d.Added, name)
		case c.after[name] == nil:
			d.Removed = append(d.Removed, name)
		}
	}
	d.Warnings = once(slices.Concat(warnings...))
	return d, nil
}

// once returns the texts without repetitions: many nodes may warn of the same place.
func once(l []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(l, func(s string) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}

// affordable returns the nodes for which plans can be made in a few seconds, and the others.
func affordable(c *comparison, names []string) (in, out []string) {
	own, seen := maxOwn, maxSeen
	if c.whole {
		own = maxWhole
	}
	for _, name := range names {
		budget := &seen
		if c.full(name) {
			budget = &own
		}
		if *budget -= c.work(name); *budget < 0 && len(names) > 1 {
			out = append(out, name)
		} else {
			in = append(in, name)
		}
	}
	return in, out
}

// inParallel calls do with each number below n, on all processors.
func inParallel(n int, do func(i int)) {
	next := make(chan int)
	var w sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		w.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	w.Wait()
}

func (v Versions) header(name string) render.Header {
	return render.Header{
		Topology: v.To.Name, Node: name, Files: v.To.Files, Phase: v.Options.Phase, Basis: v.Basis,
	}
}

// plan computes the plan of one node, and what expansion warns of.
func (v Versions) plan(c *comparison, name string) (render.NodePlan, []string) {
	out := render.NodePlan{Header: v.header(name)}
	from, to := c.views(name)
	base, err := expand(from, to, name)
	if err != nil {
		out.Err = fmt.Errorf("the base %s: %w", v.Basis, err)
		return out, nil
	}
	want, err := expand(to, from, name)
	if err != nil {
		out.Err = err
		return out, nil
	}
	o := v.Options
	if c.after[name] == nil {
		o = diff.Options{} // as destroy has them
	}
	observed := converged(base.State, want.State)
	desired.Adapt(want.State, observed)
	out.Plan = diff.Compute(want.State, observed, o)
	out.Plan.Unchanged += c.leftOut(name)
	diff.Originate(out.Plan, want.State, base.State)
	giveIntents(out.Plan, base.State)
	return out, append(want.Warnings, emptied(c.after[name], out.Plan)...)
}

// expand returns what one version of a topology asks of a node; of one that it doesn't
// have, nothing.
func expand(t, other *spec.Topology, name string) (*desired.Expansion, error) {
	node := nodeOf(t, name)
	if node == nil {
		return &desired.Expansion{State: &model.State{}}, nil
	}
	return desired.Expand(t, node, assume(t, other, node, nodeOf(other, name)))
}

func nodeOf(t *spec.Topology, name string) *spec.Node {
	for i := range t.Nodes {
		if t.Nodes[i].Name == name {
			return &t.Nodes[i]
		}
	}
	return nil
}

// giveIntents tells what the deleted objects were part of, which a host's kernel doesn't
// know.
func giveIntents(p *diff.Plan, base *model.State) {
	for i := range p.Changes {
		c := &p.Changes[i]
		if e, ok := base.Get(c.Key()); ok && c.Intent == "" && c.Action == diff.Delete {
			c.Intent = e.Intent
		}
	}
}
