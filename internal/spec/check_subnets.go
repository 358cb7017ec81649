package spec

import (
	"cmp"
	"net/netip"
	"slices"
)

// subnet is one that a bridge has.
type subnet struct {
	prefix  netip.Prefix // masked
	at      node
	node    *rawNode
	bridge  *rawBridge
	overlay bool
}

// checkSubnets checks addresses against each other: within a node, between nodes,
// and against the underlay. It takes n log n of the number of subnets.
func (d *decoder) checkSubnets(t *rawTopology) {
	var shared []subnet // with the peers
	local := map[netip.Prefix][]subnet{}
	for _, n := range t.nodes {
		own := subnetsOf(t, n)
		d.checkOwn(own)
		d.checkAddresses(n)
		for _, s := range own {
			d.checkPublic(s)
			if s.overlay {
				shared = append(shared, s)
			} else {
				local[s.prefix] = append(local[s.prefix], s)
			}
		}
	}
	slices.SortStableFunc(shared, func(a, b subnet) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits()))
	})
	d.checkShared(shared)
	apart := disjoint(shared)
	d.checkLocal(apart, local)
	d.checkUnderlaySubnets(t, apart, local)
	d.checkOverlayAddresses(t, apart)
}

func subnetsOf(t *rawTopology, n *rawNode) []subnet {
	var l []subnet
	for _, b := range n.bridges {
		for _, a := range b.addresses {
			l = append(l, subnet{a.v.Masked(), a.at, n, b, t.shares(b)})
		}
	}
	return l
}

// checkOwn refuses overlapping subnets of different bridges of a node, which are few.
func (d *decoder) checkOwn(own []subnet) {
	slices.SortStableFunc(own, func(a, b subnet) int { return cmp.Compare(a.at.pos().Line, b.at.pos().Line) })
	for i, s := range own {
		for _, o := range own[:i] {
			if o.bridge != s.bridge && o.prefix.Overlaps(s.prefix) {
				d.errorf(codeOverlapWithin, s.at, "", "the subnet %s overlaps with %s of the bridge %s, at %s", s.prefix, o.prefix, o.bridge.name, o.at.pos())
				break
			}
		}
	}
}

// checkShared refuses overlapping subnets of different nodes. Sorted, a subnet can
// only overlap with the last one that reached as far.
func (d *decoder) checkShared(shared []subnet) {
	var wide subnet
	for _, s := range shared {
		if wide.at.given() && wide.prefix.Overlaps(s.prefix) {
			if wide.node != s.node {
				first, second := wide, s
				if second.at.pos().File == first.at.pos().File && second.at.pos().before(first.at.pos()) < 0 {
					first, second = second, first
				}
				d.errorf(codeOverlapBetween, second.at, "each node needs subnets of its own", "the subnet %s of %s overlaps with %s of %s, at %s", second.prefix, second.node.name, first.prefix, first.node.name, first.at.pos())
			}
			continue
		}
		wide = s
	}
}

// disjoint leaves out of sorted subnets those that are within another.
func disjoint(sorted []subnet) []subnet {
	var l []subnet
	for _, s := range sorted {
		if len(l) == 0 || !l[len(l)-1].prefix.Overlaps(s.prefix) {
			l = append(l, s)
		}
	}
	return l
}

// find returns a subnet of the sorted, disjoint ones that overlaps with p.
func find(apart []subnet, p netip.Prefix) (subnet, bool) {
	i, _ := slices.BinarySearchFunc(apart, p.Addr(), func(s subnet, a netip.Addr) int { return s.prefix.Addr().Compare(a) })
	for _, j := range []int{i - 1, i} {
		if j >= 0 && j < len(apart) && apart[j].prefix.Overlaps(p) {
			return apart[j], true
		}
	}
	return subnet{}, false
}

// checkLocal refuses a local subnet that hides another node's from its own host.
func (d *decoder) checkLocal(apart []subnet, local map[netip.Prefix][]subnet) {
	for p, l := range local {
		o, ok := find(apart, p)
		if !ok {
			continue
		}
		for _, s := range l {
			if s.node != o.node {
				d.errorf(codeLocalHides, s.at, "", "the local subnet %s would hide %s of %s, at %s", s.prefix, o.prefix, o.node.name, o.at.pos())
			}
		}
	}
}

// checkAddresses checks the addresses within a node.
func (d *decoder) checkAddresses(n *rawNode) {
	seen := map[netip.Addr]node{}
	once := func(a netip.Addr, at node) {
		if first, ok := seen[a]; ok {
			d.errorf(codeAddressTaken, at, "", "the address %s is in use already, at %s", a, first.pos())
			return
		}
		seen[a] = at
	}
	for _, b := range n.bridges {
		for _, a := range b.addresses {
			d.checkHostPart(a)
			once(a.v.Addr(), a.at)
		}
	}
	for _, ns := range n.namespaces {
		for _, i := range ns.interfaces {
			for _, a := range i.addresses {
				d.checkHostPart(a)
				once(a.v.Addr(), a.at)
				d.checkLength(n, a)
			}
		}
	}
	for _, a := range n.overlay.addresses {
		once(a.v.Addr(), a.at)
	}
}

// hasNoEnds says whether a subnet has neither an address of its own nor a broadcast
// address, as is so with two addresses (RFC 3021) and with one.
func hasNoEnds(p netip.Prefix) bool { return p.Addr().BitLen()-p.Bits() < 2 }

// checkHostPart refuses a subnet's own address and its broadcast address.
func (d *decoder) checkHostPart(a value[netip.Prefix]) {
	p := a.v
	switch {
	case hasNoEnds(p):
	case p.Addr() == p.Masked().Addr() && p.Addr().Is4():
		d.errorf(codeNotHost, a.at, "", "%s is the address of its subnet, not of a host in it", p)
	case p.Addr() == p.Masked().Addr():
		d.errorf(codeNotHost, a.at, "", "%s is the anycast address of all routers of its subnet (RFC 4291, 2.6.1), not of a host", p)
	case p.Addr().Is4() && !p.Contains(p.Addr().Next()):
		d.errorf(codeNotHost, a.at, "", "%s is the broadcast address of its subnet, not of a host in it", p)
	}
}

// checkLength warns of a length other than the bridge's: each end would think
// otherwise of who is on the link.
func (d *decoder) checkLength(n *rawNode, a value[netip.Prefix]) {
	for _, b := range n.bridges {
		for _, p := range b.addresses {
			if p.v.Masked().Contains(a.v.Addr()) && p.v.Bits() != a.v.Bits() {
				d.warnf(codeOtherLength, a.at, "", "%s has another length than the subnet %s of the bridge %s", a.v, p.v.Masked(), b.name)
				return
			}
		}
	}
}

// notPublic are ranges besides those of netip.Addr.IsPrivate that nobody is reached
// at on the Internet (the IANA special-purpose address registries).
var notPublic = [...]netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"),
}

func (d *decoder) checkPublic(s subnet) {
	a := s.prefix.Addr()
	if a.IsPrivate() || slices.ContainsFunc(notPublic[:], func(p netip.Prefix) bool { return p.Contains(a) }) {
		return
	}
	d.warnf(codePublicSpace, s.at, "", "%s is not private address space: whoever owns it cannot be reached from the nodes any more", s.prefix)
}
