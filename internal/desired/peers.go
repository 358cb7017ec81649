package desired

import (
	"runtime"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/desired/backend"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// leader emits what leads to peers, which come in the order of the topology.
type leader struct {
	*expander
	words []model.Words // of the nodes: of each peer, there are a few objects
	at    int           // the node of the last object that leads to one
	twice func(o model.Object, old model.Entry, pos spec.Pos)
}

// inTurn emits all that the node has, one peer after the other.
func (x *expander) inTurn() {
	x.own()
	l := &leader{expander: x, words: wordsOf(x.topology), twice: x.twice}
	in := x.input()
	in.EmitRoute, in.EmitNeighbour, in.EmitFDB = l.route, l.neighbour, l.fdb
	x.backend.Expand(in)
}

// kindsPay says whether byKinds takes less time than inTurn: there are many peers, with
// objects of several kinds, and it is soon known which.
func kindsPay(t *spec.Topology) bool {
	const many = 500
	return t.Backend.Type == spec.VXLAN && !t.Backend.DirectRouting && len(t.Nodes) >= many && runtime.GOMAXPROCS(0) > 1
}

// byKinds is inTurn, but that routes, neighbours and FDB entries are emitted at the same
// time: each kind has a table of its own. It returns false where anything is asked for
// twice: then what is emitted is of no use, and inTurn tells in which order that is.
func (x *expander) byKinds() bool {
	x.own()
	words := wordsOf(x.topology)
	var leaders [3]leader
	var clashes [3]bool
	for i := range leaders {
		leaders[i] = leader{expander: x, words: words, twice: func(model.Object, model.Entry, spec.Pos) { clashes[i] = true }}
	}
	routes, neighbours, fdb := x.input(), x.silent(), x.silent()
	routes.EmitRoute, routes.EmitNeighbour, routes.EmitFDB = leaders[0].route, noNeighbour, noFDB
	neighbours.EmitNeighbour, fdb.EmitFDB = leaders[1].neighbour, leaders[2].fdb
	var all sync.WaitGroup
	for _, in := range []*backend.Input{routes, neighbours, fdb} {
		all.Go(func() { x.backend.Expand(in) })
	}
	all.Wait()
	return clashes == [3]bool{}
}

// silent is an input that takes nothing.
func (x *expander) silent() *backend.Input {
	in := x.input()
	in.Emit = func(model.Object, string, spec.Pos) {}
	in.EmitRoute, in.EmitNeighbour, in.EmitFDB = func(model.Route, *spec.Node) {}, noNeighbour, noFDB
	in.Note = func(string, string, string) {}
	in.Fail, in.Warn = func(spec.Pos, string, ...any) {}, func(spec.Pos, string, ...any) {}
	return in
}

func noNeighbour(model.Neighbour, *spec.Node) {}

func noFDB(model.FDBEntry, *spec.Node) {}

// of returns what all that leads to a peer says in words.
func (l *leader) of(p *spec.Node) model.Words {
	nodes := l.topology.Nodes
	for range nodes {
		if &nodes[l.at] == p {
			return l.words[l.at]
		}
		l.at = (l.at + 1) % len(nodes)
	}
	return wordsOf(&spec.Topology{Nodes: []spec.Node{*p}})[0] // it is a copy of one
}

// route emits a route out of a device that many routes may lead out of.
func (l *leader) route(r model.Route, p *spec.Node) {
	free := false
	if b := &l.topology.Backend; r.Dst.Addr().Is4() {
		free = b.RouteMetrics == spec.Auto
		if b.Spread {
			r.Metric = model.SpreadMetric(r.Dst)
		}
	}
	if old, ok := l.out.State.AddRouteOf(l.of(p), r, free); ok && old.Object != model.Object(r) {
		l.twice(r, old, p.Pos)
	}
}

func (l *leader) neighbour(n model.Neighbour, p *spec.Node) {
	if old, ok := l.out.State.AddNeighbourOf(l.of(p), n); ok && old.Object != model.Object(n) {
		l.twice(n, old, p.Pos)
	}
}

func (l *leader) fdb(f model.FDBEntry, p *spec.Node) {
	if old, ok := l.out.State.AddFDBOf(l.of(p), f); ok && old.Object != model.Object(f) {
		l.twice(f, old, p.Pos)
	}
}

// most returns how many routes, neighbours and FDB entries lead to all nodes, if each that
// a node can be reached by does. Only vxlan has more than routes.
func most(t *spec.Topology) (routes, neighbours, fdb int) {
	for i := range t.Nodes {
		for _, family := range [...]int{4, 6} {
			before := routes
			for range t.Nodes[i].Subnets(family) {
				routes++
			}
			if routes > before {
				neighbours++
			}
		}
	}
	if t.Backend.Type != spec.VXLAN {
		return routes, 0, 0
	}
	return routes, neighbours, len(t.Nodes)
}

// wordsOf returns what is said of all that leads to each node.
func wordsOf(t *spec.Topology) []model.Words {
	return model.MakeWords(len(t.Nodes), func(i int) (source, intent string) {
		return t.Nodes[i].Pos.String(), backend.PeerIntent(&t.Nodes[i])
	})
}
