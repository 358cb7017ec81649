package spec

import (
	"net/netip"
	"slices"
)

// hostAddress is a node's address on the underlay.
type hostAddress struct {
	value[netip.Addr]
	node *rawNode
}

// underlay is the addresses of all nodes, sorted.
func underlay(t *rawTopology) []hostAddress {
	var l []hostAddress
	for _, n := range t.nodes {
		for _, a := range n.addresses {
			l = append(l, hostAddress{a, n})
		}
	}
	slices.SortStableFunc(l, func(a, b hostAddress) int { return a.v.Compare(b.v) })
	return l
}

// within returns the first of the sorted addresses that a prefix holds.
func within(hosts []hostAddress, p netip.Prefix) (hostAddress, bool) {
	i, _ := slices.BinarySearchFunc(hosts, p.Masked().Addr(), func(h hostAddress, a netip.Addr) int { return h.v.Compare(a) })
	if i < len(hosts) && p.Contains(hosts[i].v) {
		return hosts[i], true
	}
	return hostAddress{}, false
}

// checkUnderlaySubnets refuses subnets of bridges that hold a node's address on the
// underlay: the way to it would lead into the bridge.
func (d *decoder) checkUnderlaySubnets(t *rawTopology, apart []subnet, local map[netip.Prefix][]subnet) {
	hosts := underlay(t)
	for _, h := range hosts {
		if s, ok := find(apart, netip.PrefixFrom(h.v, h.v.BitLen())); ok {
			d.errorf(codeUnderlayInOverlay, h.at, "overlay subnets must not hold addresses of the underlay", "the underlay address %s is in the subnet %s of %s, at %s", h.v, s.prefix, s.node.name, s.at.pos())
		}
	}
	for p, l := range local {
		h, ok := within(hosts, p)
		if !ok {
			continue
		}
		for _, s := range l {
			d.errorf(codeLocalHides, s.at, "give the bridge another subnet", "the local subnet %s would hide the underlay address %s of %s, at %s", s.prefix, h.v, h.node.name, h.at.pos())
		}
	}
}

// checkOverlayAddresses checks addresses that the file gives overlay devices: none
// twice, none that is a host's in some node's subnet or on the underlay.
func (d *decoder) checkOverlayAddresses(t *rawTopology, apart []subnet) {
	hosts := underlay(t)
	seen := map[netip.Addr]node{}
	for _, n := range t.nodes {
		for _, a := range n.overlay.addresses {
			if t.backend.mode.v == PerPeer {
				d.checkHostPart(a) // it may be the gateway of a route
			}
			if first, ok := seen[a.v.Addr()]; ok {
				d.errorf(codeOverlayTaken, a.at, "", "the overlay address %s is another node's, too, at %s", a.v.Addr(), first.pos())
			}
			seen[a.v.Addr()] = a.at
			s, ok := find(apart, netip.PrefixFrom(a.v.Addr(), a.v.Addr().BitLen()))
			if ok && s.node != n {
				d.errorf(codeOverlayTaken, a.at, "", "the overlay address %s is in the subnet %s of %s, at %s", a.v.Addr(), s.prefix, s.node.name, s.at.pos())
			}
			if h, ok := within(hosts, a.v); ok {
				d.errorf(codeOverlayTaken, a.at, "", "the overlay address %s would hide the underlay address %s of %s, at %s", a.v, h.v, h.node.name, h.at.pos())
			}
		}
	}
}
