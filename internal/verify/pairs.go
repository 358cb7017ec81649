package verify

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Pairs lists whom a namespace of the node ought to reach: on the node itself, every
// other namespace's addresses; on other nodes, those on bridges that take part in
// the overlay, if the namespace is on such a bridge, too: peers have no route back to
// any other. Either way it needs an address of the family.
func Pairs(t *spec.Topology, node *spec.Node, ns *spec.Namespace) []model.Pair {
	from := model.Place{Node: node.Name, Netns: ns.Name}
	own := map[bool][]netip.Addr{true: addresses(node, ns, true), false: addresses(node, ns, false)}
	var l []model.Pair
	for i := range t.Nodes {
		n := &t.Nodes[i]
		local := n.Name == node.Name
		for j := range n.Namespaces {
			to := model.Place{Node: n.Name, Netns: n.Namespaces[j].Name}
			for _, a := range addresses(n, &n.Namespaces[j], local) {
				if to != from && speaks(own[local], a) {
					l = append(l, model.Pair{From: from, To: to, Dst: a})
				}
			}
		}
	}
	return l
}

// addresses lists those of a namespace that are on bridges of the overlay, or all.
func addresses(n *spec.Node, ns *spec.Namespace, all bool) []netip.Addr {
	shared := map[string]bool{}
	for _, b := range n.Bridges {
		shared[b.Name] = b.Overlay
	}
	var l []netip.Addr
	for _, i := range ns.Interfaces {
		for _, p := range i.Addresses {
			if all || shared[i.Bridge] {
				l = append(l, p.Addr())
			}
		}
	}
	return l
}

// speaks says whether any of the addresses is of a's family.
func speaks(l []netip.Addr, a netip.Addr) bool {
	for _, x := range l {
		if x.Is4() == a.Is4() {
			return true
		}
	}
	return false
}
