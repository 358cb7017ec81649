package export

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// reading is what a reader makes of the file.
type reading struct {
	topology *spec.Topology
	nodes    map[string]*spec.Node
	states   map[*seen]*desired.Expansion
}

// read reads the file, and expands it for each host that was observed.
func (x *exporter) read() (*reading, error) { return x.readWith(len(x.out.nodes)) }

// readOwn reads the file with just a few of the nodes that were not observed: to what
// is on a host, it makes no difference how many peers there are beyond the second.
func (x *exporter) readOwn() (*reading, error) { return x.readWith(len(x.seen) + 2) }

func (x *exporter) readWith(nodes int) (*reading, error) {
	some := *x.out
	some.nodes = some.nodes[:min(nodes, len(some.nodes))]
	t, problems := spec.Parse([]spec.Source{{Name: "export", Data: []byte(some.write(true).String())}})
	if t == nil {
		return nil, &refused{problems}
	}
	r := &reading{topology: t, nodes: map[string]*spec.Node{}, states: map[*seen]*desired.Expansion{}}
	for i := range t.Nodes {
		r.nodes[t.Nodes[i].Name] = &t.Nodes[i]
	}
	for _, s := range x.seen {
		n := r.nodes[s.node.name]
		e, err := desired.Expand(t, n, s.facts(s.node, desired.Peers(t, n)))
		if err != nil {
			return nil, err
		}
		r.states[s] = e
	}
	return r, nil
}

// shorten leaves out of the file what its reader would derive. What is derived from
// something else comes after it.
func (x *exporter) shorten() (*reading, error) {
	full, err := x.withoutDefaults()
	if err != nil {
		return nil, err
	}
	for _, step := range []struct {
		kinds [][]field
		read  func() (*reading, error)
	}{
		{[][]field{x.backendFields()}, x.readOwn},
		{x.namedFields(), x.read}, // peers have some of these, too
		{[][]field{x.overlayMTUs()}, x.readOwn},
		{[][]field{x.bridgeMTUs()}, x.readOwn},
		{[][]field{x.interfaceMTUs()}, x.readOwn},
		{[][]field{x.routes(full)}, x.readOwn},
	} {
		if !dropDerived(slices.Concat(step.kinds...), step.read) {
			for _, fields := range step.kinds {
				dropSome(fields, step.read)
			}
		}
	}
	short, err := x.read()
	if err != nil {
		return nil, err
	}
	for s, e := range full.states {
		if !same(e.State, short.states[s].State) {
			return nil, fmt.Errorf("the shortened file would not mean the same for %s: this is an error in the program", s.host.Node)
		}
	}
	return short, nil
}

// withoutDefaults reads the file, and leaves the routes of a namespace out that would get
// a default route with them which isn't there.
func (x *exporter) withoutDefaults() (*reading, error) {
	r, err := x.read()
	if err != nil {
		return nil, err
	}
	again := false
	for _, s := range x.seen {
		for _, ns := range s.node.namespaces {
			if ns.noRoutes || len(r.namespace(s, ns).Routes) == len(ns.routes) {
				continue
			}
			for _, rt := range ns.routes {
				x.leave(s.host.Node, "route %s via %s in netns %s: a namespace with routes has a default route of each family, and this one has not",
					rt.to, rt.via, ns.name)
			}
			ns.routes, ns.noRoutes, again = nil, true, true
		}
	}
	if again {
		return x.read()
	}
	return r, nil
}

// dropDerived drops all fields at once, and restores those that came out otherwise. It
// returns false, with all of them restored, where a file without them can't be read, such
// as one with a name twice.
func dropDerived(fields []field, read func() (*reading, error)) bool {
	for _, f := range fields {
		f.drop()
	}
	r, err := read()
	for _, f := range fields {
		if err != nil || f.derived(r) != f.given {
			f.restore()
		}
	}
	return err == nil
}

// dropSome is dropDerived for fields that can't all be dropped: those of the nodes stay
// that are in the way.
func dropSome(fields []field, read func() (*reading, error)) {
	for _, f := range fields {
		f.drop()
	}
	_, err := read()
	for _, f := range fields {
		f.restore()
	}
	var e *refused
	if errors.As(err, &e) {
		about := e.nodes()
		fields = slices.DeleteFunc(fields, func(f field) bool { return about[f.node] })
	}
	dropDerived(fields, read)
}

// nodes are those that the problems are about: a path begins with nodes.NAME, and a name
// may have dots.
func (e *refused) nodes() map[string]bool {
	about := map[string]bool{}
	for _, p := range e.problems {
		path := strings.TrimPrefix(p.Path, "nodes.")
		for i, c := range path {
			if c == '.' {
				about[path[:i]] = true
			}
		}
		about[path] = true
	}
	return about
}

// same compares two states but for where the objects were declared.
func same(a, b *model.State) bool {
	if a.Len() != b.Len() {
		return false
	}
	for e := range a.Unordered() {
		o, ok := b.Get(e.Object.Key())
		if !ok || o.Object != e.Object {
			return false
		}
	}
	return true
}
