package spec

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// minPart is how many nodes are worth a goroutine of their own.
const minPart = 256

// part is a run of nodes that one walker takes.
type part struct {
	*walker
	first, last uint32 // the cells of the keys that it begins at, and ends before; 0: there is none
	room        int    // how many nodes they are
}

// walkAll walks through all nodes: where there are many, through several parts of them at
// the same time. What comes of it does not depend on that: nothing of a node depends on
// another one, and what is kept of them is joined in their order.
func (w *walker) walkAll() {
	n := w.parts
	if n == 0 {
		n = min(2*runtime.GOMAXPROCS(0), w.raw.count/minPart)
	}
	if n <= 1 || runtime.GOMAXPROCS(0) == 1 && w.parts == 0 {
		w.eachNode(w.walk)
		return
	}
	parts := w.divide(min(n, w.raw.count))
	var all sync.WaitGroup
	for _, p := range parts {
		all.Go(p.walkPart)
	}
	all.Wait()
	w.join(parts)
}

// divide divides the nodes into parts of about the same size.
func (w *walker) divide(n int) []part {
	parts := make([]part, 0, n)
	i := 0
	w.eachNode(func(k, _ node) {
		if at := len(parts); at < n && i == at*w.raw.count/n {
			if at > 0 {
				parts[at-1].last = k.i
			}
			room := (at+1)*w.raw.count/n - i
			parts = append(parts, part{w.fork(i, room), k.i, 0, room})
		}
		i++
	})
	return parts
}

// fork returns a walker for some of the nodes, which puts what most have one of where
// they have their place among all.
func (w *walker) fork(at, room int) *walker {
	out := *w.out
	out.Nodes = place(w.out.Nodes, at, room)
	return &walker{
		deriver:  &deriver{decoder: &decoder{tree: w.tree, whole: w.whole}, slabs: slabsFor(room), raw: w.raw, out: &out, vxlanDevice: w.vxlanDevice},
		tunnels:  w.tunnels,
		underlay: place(w.underlay, at, room), shared: place(w.shared, at, room), vteps: place(w.vteps, at, room),
		devices: maps.Clone(w.devices), known: knownNames{wanted: w.known.wanted},
	}
}

// place returns a part of a list's room, still empty.
func place[T any](l []T, at, room int) []T {
	if cap(l) == 0 {
		return nil
	}
	return l[at : at : at+room]
}

func (p *part) walkPart() {
	for i := p.first; i != p.last; i = p.tree.at(i).next {
		if k := (node{p.tree, i}); !strings.HasPrefix(k.text(), "x-") {
			p.walk(k, k.value())
		}
	}
}

// join takes what was kept of the nodes of all parts.
func (w *walker) join(parts []part) {
	for _, p := range parts {
		w.problems = append(w.problems, p.problems...)
		w.out.Nodes = w.out.Nodes[:len(w.out.Nodes)+len(p.out.Nodes)] // each is at its place
		if p.out.Backend.Family == 6 {
			w.out.Backend.Family = 6
		}
		for f := range w.lacks {
			w.lacks[f].join(p.lacks[f])
		}
		keepFirst6(&w.roomy.overlay, p.roomy.overlay)
		keepFirst6(&w.roomy.bridge, p.roomy.bridge)
		keepFirst6(&w.roomy.iface, p.roomy.iface)
		for name, is := range p.devices {
			w.devices[name] = w.devices[name] || is
		}
		for _, name := range p.known.names {
			w.known.add(name)
		}
		w.local = append(w.local, p.local...)
		w.overlay = append(w.overlay, p.overlay...)
	}
	w.underlay = inOrder(w.underlay, parts, func(p part) []hostAddress { return p.underlay })
	w.shared = inOrder(w.shared, parts, func(p part) []subnet { return p.shared })
	w.vteps = inOrder(w.vteps, parts, func(p part) []vtep { return p.vteps })
}

// inOrder joins the lists of parts, which lie at their places in l unless one has got more
// than it had room for: it takes their places together, or else room of its own.
func inOrder[T any](l []T, parts []part, of func(part) []T) []T {
	if slices.ContainsFunc(parts, func(p part) bool { return len(of(p)) > p.room }) {
		l = nil
	}
	for _, p := range parts {
		l = append(l, of(p)...)
	}
	return l
}
