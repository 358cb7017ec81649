package review

import (
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// comparison is what differs between two versions of a topology, as far as it decides
// what must be looked at on a node.
type comparison struct {
	from, to *spec.Topology
	before   map[string]*spec.Node
	after    map[string]*spec.Node
	whole    bool            // what counts for every node differs
	changed  map[string]bool // nodes that differ in anything, or are in one version only
	facing   []string        // nodes of which the others see a difference, by name
}

func compare(from, to *spec.Topology) *comparison {
	c := &comparison{from: from, to: to, before: byName(from), after: byName(to), changed: map[string]bool{}}
	c.whole = from.MTU != to.MTU || settings(from.Backend) != settings(to.Backend)
	for _, name := range c.names() {
		a, b := c.before[name], c.after[name]
		if a == nil || b == nil {
			c.changed[name] = true
			c.facing = append(c.facing, name)
			continue
		}
		if alike(a, b) {
			continue
		}
		c.changed[name] = true
		if !sameFace(a, b) {
			c.facing = append(c.facing, name)
		}
	}
	return c
}

// names returns the nodes of either version, in order.
func (c *comparison) names() []string {
	var l []string
	for name := range c.before {
		l = append(l, name)
	}
	for name := range c.after {
		if c.before[name] == nil {
			l = append(l, name)
		}
	}
	slices.Sort(l)
	return l
}

// full says whether a node has to be compared with all of its peers: one that stays as
// it is can only differ in what leads to peers that don't.
func (c *comparison) full(name string) bool { return c.whole || c.changed[name] }

// work is how many peers have to be looked at for the node.
func (c *comparison) work(name string) int {
	if c.full(name) {
		return len(c.from.Nodes) + len(c.to.Nodes)
	}
	return 2 * len(c.facing)
}

// views returns both versions of the topology, as far as they concern the node. Of one
// that stays as it is, the namespaces and bridges are left out: nothing that leads to a
// peer has to do with them.
func (c *comparison) views(name string) (from, to *spec.Topology) {
	if c.full(name) {
		return c.from, c.to
	}
	return c.view(c.from, c.before, name), c.view(c.to, c.after, name)
}

func (c *comparison) view(t *spec.Topology, nodes map[string]*spec.Node, name string) *spec.Topology {
	v := *t
	v.Nodes = []spec.Node{*nodes[name]}
	v.Nodes[0].Namespaces = nil
	if bare(nodes[name]) {
		v.Nodes[0].Bridges = nil
	}
	for _, peer := range c.facing {
		if n := nodes[peer]; n != nil && peer != name {
			v.Nodes = append(v.Nodes, *n)
		}
	}
	return &v
}

// leftOut is how many objects the views of a node leave out of its own.
func (c *comparison) leftOut(name string) int {
	if c.full(name) {
		return 0
	}
	n := 0
	if bare(c.after[name]) {
		n = ofBridges(c.after[name].Bridges)
	}
	for _, ns := range c.after[name].Namespaces {
		n += 1 + len(ns.Routes) + len(ns.Sysctls)
		for _, i := range ns.Interfaces {
			n += 2 + len(i.Addresses) // both ends
		}
	}
	return n
}

// ofBridges is how many objects bridges are, with the sysctls by which the host forwards.
func ofBridges(l []spec.Bridge) int {
	n := 0
	families := map[bool]bool{}
	for _, b := range l {
		n += 1 + len(b.Addresses)
		for _, a := range b.Addresses {
			families[a.Addr().Is6()] = true
		}
	}
	return n + len(families)
}

// bare says whether bridges can be left out of a node's views: IPv6 demands something of
// the overlay device's MTU.
func bare(n *spec.Node) bool { return !n.HasSubnets(6) }

func byName(t *spec.Topology) map[string]*spec.Node {
	m := make(map[string]*spec.Node, len(t.Nodes))
	for i := range t.Nodes {
		m[t.Nodes[i].Name] = &t.Nodes[i]
	}
	return m
}

// settings are what differs between backends, wherever they stand in the file. How many
// subnets there are makes no difference to routes that are there.
func settings(b spec.Backend) spec.Backend {
	b.Pos, b.Spread = spec.Pos{}, false
	return b
}

// sameFace says whether all that the expansion of other nodes takes of a node is the same.
func sameFace(a, b *spec.Node) bool {
	return slices.Equal(a.Addresses, b.Addresses) && slices.Equal(a.Overlay.Addresses, b.Overlay.Addresses) &&
		a.Overlay.MAC == b.Overlay.MAC && slices.Equal(subnets(a), subnets(b))
}

func subnets(n *spec.Node) []netip.Prefix {
	return slices.AppendSeq(slices.Collect(n.Subnets(4)), n.Subnets(6))
}
