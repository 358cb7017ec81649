package probe

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Target is an address to be probed.
type Target struct {
	Node      string
	Namespace string // whose address it is; "": the host's own
	Addr      netip.Addr
}

func (t Target) compare(o Target) int {
	return cmp.Or(cmp.Compare(t.Node, o.Node), cmp.Compare(t.Namespace, o.Namespace), t.Addr.Compare(o.Addr))
}

// Targets lists whom a node probes, in order of node, namespace and address, the host
// before its namespaces: none if the topology asks for no probes.
func Targets(t *spec.Topology, node *spec.Node) []Target {
	if t.Probe.Type == "" || node.Unprobed {
		return nil
	}
	var l []Target
	for _, family := range []int{4, 6} {
		if !speaks(t, node, family) {
			continue
		}
		for i := range t.Nodes {
			p := &t.Nodes[i]
			if p.Name == node.Name || p.Unprobed || !speaks(t, p, family) {
				continue
			}
			l = append(l, Target{Node: p.Name, Addr: host(t, node, p, family)})
			l = append(l, namespaces(t, p, family)...)
		}
	}
	slices.SortFunc(l, Target.compare)
	return l
}

// speaks says whether peers reach the node by a family inside the overlay. With host-gw,
// the way there is the underlay of the same family.
func speaks(t *spec.Topology, n *spec.Node, family int) bool {
	return n.HasSubnets(family) && (t.Backend.Type != spec.HostGW || n.Address(family).IsValid())
}

// host returns the address of a peer's host: that of its overlay device, where packets
// to it take the way of the overlay, or else the first that its bridges have there.
func host(t *spec.Topology, node, p *spec.Node, family int) netip.Addr {
	far, own := p.Overlay.Address(family), node.Overlay.Address(family)
	if far.IsValid() {
		// One multipoint ipip device cannot tell which peer has an address of its own
		// subnet: the outer destination is that of a gateway. And to peers with plain
		// routes, nothing leads through the device.
		shared := t.Backend.Mode != spec.Multipoint && !t.Backend.DirectRouting && own.IsValid() && own.Contains(far.Addr())
		if shared || holds(p.Subnets(family), far.Addr()) {
			return far.Addr()
		}
	}
	for _, b := range p.Bridges {
		for _, a := range b.Addresses {
			if b.Overlay && a.Addr().Is4() == (family == 4) {
				return a.Addr()
			}
		}
	}
	return netip.Addr{} // never: the peer has a subnet of the family
}

func holds(subnets iter.Seq[netip.Prefix], a netip.Addr) bool {
	for s := range subnets {
		if s.Contains(a) {
			return true
		}
	}
	return false
}

// namespaces lists the first address in the overlay of each namespace that is probed.
func namespaces(t *spec.Topology, p *spec.Node, family int) []Target {
	if !t.Probe.AllNamespaces && len(t.Probe.Namespaces) == 0 {
		return nil
	}
	shared := map[string]bool{}
	for _, b := range p.Bridges {
		shared[b.Name] = b.Overlay
	}
	var l []Target
	for i := range p.Namespaces {
		ns := &p.Namespaces[i]
		if a := first(ns, shared, family); a.IsValid() && t.Probe.Of(ns.Name) {
			l = append(l, Target{Node: p.Name, Namespace: ns.Name, Addr: a})
		}
	}
	return l
}

// first returns the namespace's first address of the family on a shared bridge.
func first(ns *spec.Namespace, shared map[string]bool, family int) netip.Addr {
	for _, i := range ns.Interfaces {
		for _, a := range i.Addresses {
			if shared[i.Bridge] && a.Addr().Is4() == (family == 4) {
				return a.Addr()
			}
		}
	}
	return netip.Addr{}
}
