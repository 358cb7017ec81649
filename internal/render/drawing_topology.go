package render

import (
	"fmt"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// DrawingOf draws a topology: what a reader of the file wants to see of each node, and
// of what joins the nodes. Nodes of one /24 or /64 are taken to share a link, as nothing
// here asks a host. With plans, it tells what becomes of everything that these change;
// nodes that only the old topology has (nil: none is known) are drawn, too.
func DrawingOf(t, old *spec.Topology, plans []NodePlan) *Drawing {
	d := &Drawing{Title: t.Name, Carrier: carrierOf(t), Plain: t.Backend.Type == spec.HostGW, Marked: len(plans) > 0}
	x := &topologyDrawer{Drawing: d, topology: t, names: namesByAddress(old, t), hosts: map[string]*hostDrawer{}}
	x.nodes(t)
	if old != nil {
		x.former(old)
	}
	for _, p := range plans {
		x.plan(p)
	}
	for _, p := range plans {
		x.joints(p.Header.Node)
	}
	x.finish()
	return d
}

// topologyDrawer collects the hosts of a topology.
type topologyDrawer struct {
	*Drawing
	topology *spec.Topology
	names    map[string]string // of nodes, by underlay address
	hosts    map[string]*hostDrawer
	drawn    []*spec.Node
}

// namesByAddress returns the names of nodes by underlay address; the last topology knows
// best.
func namesByAddress(topologies ...*spec.Topology) map[string]string {
	names := map[string]string{}
	for _, t := range topologies {
		if t == nil {
			continue
		}
		for i := range t.Nodes {
			for _, a := range t.Nodes[i].Addresses {
				names[a.String()] = t.Nodes[i].Name
			}
		}
	}
	return names
}

// carrierOf says in a few words what joins the hosts.
func carrierOf(t *spec.Topology) []string {
	b := t.Backend
	l := []string{b.Type}
	switch {
	case b.Type == spec.VXLAN:
		l = append(l, fmt.Sprintf("VNI %d", b.VNI), fmt.Sprintf("UDP port %d", b.Port), fmt.Sprintf("over IPv%d", b.Family))
	case b.Mode == spec.PerPeer:
		l = append(l, "a tunnel to each peer")
	case b.Type == spec.IPIP:
		l = append(l, "one device for all peers")
	default:
		l = append(l, "plain routes, no overlay device")
	}
	if b.DirectRouting {
		l = append(l, "direct routing")
	}
	return l
}

// nodes draws the topology's nodes, as people order names.
func (x *topologyDrawer) nodes(t *spec.Topology) {
	for _, n := range sortedNodes(t) {
		h := newHostDrawer(n.Name, x.names)
		h.node(t, n)
		x.hosts[n.Name] = h
		x.drawn = append(x.drawn, n)
	}
}

func sortedNodes(t *spec.Topology) []*spec.Node {
	l := make([]*spec.Node, len(t.Nodes))
	for i := range t.Nodes {
		l[i] = &t.Nodes[i]
	}
	slices.SortStableFunc(l, func(a, b *spec.Node) int { return naturally(a.Name, b.Name) })
	return l
}

// former draws the nodes that the topology has no more, and marks the new ones.
func (x *topologyDrawer) former(old *spec.Topology) {
	known := make(map[string]bool, len(old.Nodes))
	for _, n := range sortedNodes(old) {
		known[n.Name] = true
		if x.hosts[n.Name] != nil {
			continue
		}
		h := newHostDrawer(n.Name, x.names)
		h.node(old, n)
		h.Mark = '-'
		x.hosts[n.Name] = h
		x.drawn = append(x.drawn, n)
	}
	for _, n := range x.drawn {
		if !known[n.Name] {
			x.hosts[n.Name].Mark = '+'
		}
	}
}

// plan draws what becomes of a node.
func (x *topologyDrawer) plan(p NodePlan) {
	h := x.hosts[p.Header.Node]
	if h == nil {
		h = newHostDrawer(p.Header.Node, x.names)
		x.hosts[h.Name] = h
		x.drawn = append(x.drawn, &spec.Node{Name: h.Name})
	}
	switch {
	case p.Err != nil:
		h.note("no plan: "+firstLine(p.Err.Error()), Blocked)
	case p.Plan != nil:
		h.Lines = append(h.Lines, Line{Text: summaryLine(p.Plan)})
		h.plan(p.Plan)
	}
}

// joints marks the ends at which the ways to a node's peers arrive.
func (x *topologyDrawer) joints(node string) {
	for _, p := range x.hosts[node].Peers {
		if h := x.hosts[p.Name]; h != nil {
			h.Joint.mixes(p.Mark)
		}
	}
}

// finish groups the hosts by link, and leaves out what is too much of one kind.
func (x *topologyDrawer) finish() {
	for _, l := range linksOf(x.drawn) {
		link := &Link{Subnets: l.subnets, Direct: x.topology.Backend.DirectRouting && len(l.nodes) > 1}
		for _, n := range l.nodes {
			h := x.hosts[n.Name]
			h.foldParts(foldLimit)
			link.Hosts = append(link.Hosts, h.Host)
		}
		x.Links = append(x.Links, link)
	}
	x.Routed = len(x.Links) > 1
}

// node draws what the topology says of a node.
func (h *hostDrawer) node(t *spec.Topology, n *spec.Node) {
	if n.Interface != "" {
		h.Underlay = append(h.Underlay, n.Interface)
	}
	for _, a := range n.Addresses {
		h.Underlay = append(h.Underlay, a.String())
	}
	h.overlay(t, n)
	for _, b := range n.Bridges {
		drawn := h.bridge(b.Name)
		drawn.Local = !b.Overlay
		for _, p := range b.Addresses {
			drawn.line(prefixText(p), 0)
		}
	}
	for _, ns := range n.Namespaces {
		h.namespace(ns.Name)
		for _, i := range ns.Interfaces {
			drawn := h.iface(ns.Name, i.Name)
			drawn.Bridge = i.Bridge
			for _, p := range i.Addresses {
				drawn.line(prefixText(p), 0)
			}
		}
	}
}

// overlay draws the node's own end of the overlay.
func (h *hostDrawer) overlay(t *spec.Topology, n *spec.Node) {
	name := n.Overlay.Device
	if t.Backend.Mode == spec.PerPeer && name == "" {
		name = count(len(t.Nodes)-1, "tunnel")
	}
	if t.Backend.Type == spec.HostGW || name == "" {
		return
	}
	e := h.endpoint(name)
	for _, p := range n.Overlay.Addresses {
		e.line(prefixText(p), 0)
	}
}
