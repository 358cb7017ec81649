package render

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// The subnets that nodes are taken to share a link in, as the expansion assumes where
// no host can be asked.
const (
	linkBits4 = 24
	linkBits6 = 64
)

// nodesOnLink are nodes that share subnets of the underlay.
type nodesOnLink struct {
	subnets []string
	nodes   []*spec.Node
}

// linksOf puts nodes that share a subnet of either family onto one link, in the order
// of nodes.
func linksOf(nodes []*spec.Node) []*nodesOnLink {
	s := joinedSets{}
	first := map[netip.Prefix]int{} // the first node in each subnet
	for i, n := range nodes {
		s = append(s, i)
		for _, a := range n.Addresses {
			p := linkSubnet(a)
			if j, ok := first[p]; ok {
				s.join(i, j)
			} else {
				first[p] = i
			}
		}
	}
	links := map[int]*nodesOnLink{}
	var order []*nodesOnLink
	for i, n := range nodes {
		root := s.root(i)
		l := links[root]
		if l == nil {
			l = &nodesOnLink{}
			links[root] = l
			order = append(order, l)
		}
		l.nodes = append(l.nodes, n)
		for _, a := range n.Addresses {
			if p := linkSubnet(a); first[p] == i {
				l.subnets = append(l.subnets, p.String())
			}
		}
	}
	return order
}

func linkSubnet(a netip.Addr) netip.Prefix {
	bits := linkBits4
	if a.Is6() {
		bits = linkBits6
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// joinedSets are sets of numbers: each number leads to another of its set, the root to
// itself.
type joinedSets []int

func (s joinedSets) root(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join makes one set of two; its root is the lower one.
func (s joinedSets) join(i, j int) {
	i, j = s.root(i), s.root(j)
	s[max(i, j)] = min(i, j)
}
