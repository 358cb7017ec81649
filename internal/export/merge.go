package export

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// assumedBridge is the name of the bridge of a peer that was not observed.
const assumedBridge = "br0"

// merge joins what the hosts told of themselves with what they know of others.
func (x *exporter) merge() error {
	if err := x.mergeBackends(); err != nil {
		return err
	}
	byAddress := map[netip.Addr]*node{}
	names := map[string]bool{}
	for _, n := range x.out.nodes {
		names[n.name] = true
		for _, a := range n.addresses {
			byAddress[a] = n
		}
	}
	for _, name := range x.opts.Peers {
		names[name] = true
	}
	for _, s := range x.seen {
		for _, p := range s.peers {
			x.mergePeer(s, p, byAddress, names)
		}
	}
	for _, a := range sortedAddrs(x.opts.Peers) {
		if byAddress[a] == nil {
			x.leave("", "the name %s: no peer has the address %s", x.opts.Peers[a], a)
		}
	}
	x.localBridges()
	x.tellAssumed()
	own := len(x.seen)
	slices.SortStableFunc(x.out.nodes[own:], func(a, b *node) int { return a.addresses[0].Compare(b.addresses[0]) })
	return nil
}

// mergeBackends takes the backend that all hosts have, but that some may have plain
// routes where others see no peer on their link.
func (x *exporter) mergeBackends() error {
	first := x.seen[0]
	x.out.backend = first.backend
	for _, s := range x.seen[1:] {
		b := s.backend
		b.direct = x.out.backend.direct
		if b != x.out.backend {
			return fmt.Errorf("%s has %s and %s has %s: one topology has one backend; export them apart",
				first.host.Node, backendText(first.backend), s.host.Node, backendText(s.backend))
		}
		x.out.backend.direct = x.out.backend.direct || s.backend.direct
	}
	return nil
}

func backendText(b backend) string {
	switch b.kind {
	case spec.VXLAN:
		return fmt.Sprintf("vxlan with VNI %d on port %d", b.vni, b.port)
	case spec.IPIP:
		return "ipip " + b.mode
	}
	return b.kind
}

// mergePeer adds a peer, or compares what a host knows of it with what it is.
func (x *exporter) mergePeer(s *seen, p *peer, byAddress map[netip.Addr]*node, names map[string]bool) {
	var n *node
	for _, a := range p.addresses {
		if n = byAddress[a]; n != nil {
			break
		}
	}
	switch {
	case n == nil:
		n = &node{addresses: p.addresses}
		n.name, n.invented = x.peerName(p, names)
		names[n.name] = true
		x.out.nodes = append(x.out.nodes, n)
		for _, a := range p.addresses {
			byAddress[a] = n
		}
	case n.seen != nil:
		if !p.mac.IsZero() && p.mac != n.overlay.mac {
			x.leave(s.host.Node, "the MAC %s for the VTEP of %s: that has %s", p.mac, n.name, n.overlay.mac)
		}
		return
	}
	if n.overlay.mac.IsZero() {
		n.overlay.mac = p.mac
	}
	for _, o := range p.overlay {
		if !slices.ContainsFunc(n.overlay.addresses, func(q netip.Prefix) bool { return q.Addr().BitLen() == o.Addr().BitLen() }) {
			n.overlay.addresses = append(n.overlay.addresses, o)
		}
	}
	n.assume(p.subnets)
}

// peerName is what the tunnel to a peer or the user calls it, or else a name that is
// made of its address.
func (x *exporter) peerName(p *peer, names map[string]bool) (name string, invented bool) {
	if p.name != "" {
		return p.name, false
	}
	for _, a := range p.addresses {
		if name, ok := x.opts.Peers[a]; ok {
			return name, false
		}
	}
	base := "peer-" + strings.Map(func(r rune) rune {
		if r == '.' || r == ':' {
			return '-'
		}
		return r
	}, p.addresses[0].WithZone("").String())
	name = base
	for i := 2; names[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	return name, true
}

// assume gives a peer that was not observed a bridge in its subnets: first in that of
// its overlay address, since the address is derived from the first one.
func (n *node) assume(subnets []netip.Prefix) {
	if len(subnets) == 0 {
		return
	}
	if len(n.bridges) == 0 {
		n.bridges = []*bridge{{name: assumedBridge}}
	}
	b := n.bridges[0]
	for _, p := range subnets {
		if slices.ContainsFunc(b.addresses, func(q netip.Prefix) bool { return q.Masked() == p }) {
			continue
		}
		b.addresses = append(b.addresses, n.hostIn(p))
	}
	slices.SortStableFunc(b.addresses, func(a, c netip.Prefix) int {
		return cmp.Or(boolToInt(n.isFirst(c))-boolToInt(n.isFirst(a)), a.Addr().Compare(c.Addr()))
	})
}

func (n *node) isFirst(p netip.Prefix) bool {
	return slices.ContainsFunc(n.overlay.addresses, func(o netip.Prefix) bool { return o.Addr() == p.Masked().Addr() })
}

// hostIn returns the first address of a subnet that a bridge can have.
func (n *node) hostIn(p netip.Prefix) netip.Prefix {
	a := p.Addr()
	if a.BitLen()-p.Bits() > 1 {
		a = a.Next()
	}
	for p.Contains(a.Next()) && slices.ContainsFunc(n.overlay.addresses, func(o netip.Prefix) bool { return o.Addr() == a }) {
		a = a.Next()
	}
	return netip.PrefixFrom(a, p.Bits())
}

// localBridges finds the bridges to whose subnets no other host has a route, though it
// knows the node.
func (x *exporter) localBridges() {
	routed, known := map[netip.Prefix]bool{}, map[netip.Addr]bool{}
	for _, s := range x.seen {
		for _, p := range s.peers {
			for _, a := range p.addresses {
				known[a] = true
			}
			for _, subnet := range p.subnets {
				routed[subnet] = true
			}
		}
	}
	unsure := false
	for _, n := range x.out.nodes[:len(x.seen)] {
		told := slices.ContainsFunc(n.addresses, func(a netip.Addr) bool { return known[a] })
		for _, b := range n.bridges {
			b.local = told && len(b.addresses) > 0 && !slices.ContainsFunc(b.addresses, func(p netip.Prefix) bool { return routed[p.Masked()] })
		}
		unsure = unsure || !told && len(n.bridges) > 1
	}
	if unsure {
		x.assume("peers have routes to all bridges: whether one is local (overlay: false), only its peers' routes tell")
	}
}

// tellAssumed says once, for however many peers, what no host told.
func (x *exporter) tellAssumed() {
	var unnamed, bridged, paired, macless int
	for _, n := range x.out.nodes[len(x.seen):] {
		unnamed += boolToInt(n.invented)
		bridged += boolToInt(len(n.bridges) > 0)
		paired += boolToInt(len(n.addresses) > 1)
		macless += boolToInt(x.out.backend.kind == spec.VXLAN && n.overlay.mac.IsZero())
	}
	if macless > 0 {
		x.assume("the VTEPs of %s, which plain routes lead to: who reaches them through the overlay knows their MACs", counted(macless, "peer"))
	}
	if unnamed > 0 {
		x.assume("the names of %s, which their routes don't tell (--peer ADDRESS=NAME gives them)", counted(unnamed, "peer"))
	}
	if bridged > 0 {
		x.assume("the bridge %s of peers, with the first address of each subnet: their routes tell the subnets alone", assumedBridge)
	}
	if paired > 0 {
		x.assume("which IPv4 and IPv6 address are one peer's: they were joined in their order")
	}
}
