package spec

import (
	"cmp"
	"net/netip"
	"slices"
)

// checkSubnets checks the subnets of a node against each other, and keeps them to be
// checked against those of others.
func (w *walker) checkSubnets(n *rawNode) {
	w.own = w.own[:0]
	for i := range n.bridges {
		for _, a := range n.bridges[i].addresses {
			w.own = append(w.own, subnet{a.v.Masked(), a.at.i, n.key.i, i})
		}
	}
	sortIfNeeded(w.own, func(a, b subnet) int {
		return cmp.Or(cmp.Compare(w.tree.at(a.at).line, w.tree.at(b.at).line), cmp.Compare(a.bridge, b.bridge), cmp.Compare(a.at, b.at))
	})
	w.checkOwn(n)
	for _, s := range w.own {
		w.checkPublic(s)
		if w.raw.shares(&n.bridges[s.bridge]) {
			w.shared = append(w.shared, s)
		} else {
			w.local = append(w.local, s)
		}
	}
}

// checkOwn refuses overlapping subnets of different bridges of a node, which are few.
func (w *walker) checkOwn(n *rawNode) {
	for i, s := range w.own {
		for _, o := range w.own[:i] {
			if o.bridge != s.bridge && o.prefix.Overlaps(s.prefix) {
				w.errorf(codeOverlapWithin, w.place(s.at), "", "the subnet %s overlaps with %s of the bridge %s, at %s", s.prefix, o.prefix, n.bridges[o.bridge].name, w.place(o.at).pos())
				break
			}
		}
	}
}

// checkAddresses checks the addresses within a node.
func (w *walker) checkAddresses(n *rawNode) {
	w.inUse.clear()
	for _, b := range n.bridges {
		for _, a := range b.addresses {
			w.checkHostPart(a)
			w.once(a)
		}
	}
	for _, ns := range n.namespaces {
		for _, i := range ns.interfaces {
			for _, a := range i.addresses {
				w.checkHostPart(a)
				w.once(a)
				w.checkLength(n, a)
			}
		}
	}
	for _, a := range n.overlay.addresses {
		w.once(a)
		w.overlay = append(w.overlay, overlayAddress{a.v, a.at.i, n.key.i})
	}
}

// once refuses an address that the node has already.
func (w *walker) once(a value[netip.Prefix]) {
	if first, ok := w.inUse.find(a.v.Addr()); ok {
		w.errorf(codeAddressTaken, a.at, "", "the address %s is in use already, at %s", a.v.Addr(), first.pos())
		return
	}
	w.inUse.put(a.v.Addr(), a.at)
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
	d.warnf(codePublicSpace, d.place(s.at), "", "%s is not private address space: whoever owns it cannot be reached from the nodes any more", s.prefix)
}
