package spec

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// hostAddress is a node's address on the underlay.
type hostAddress struct {
	addr      netip.Addr
	at, owner uint32 // cells: its place, the node's key
}

// place returns the node of a cell.
func (d *decoder) place(cell uint32) node { return node{d.tree, cell} }

// checkUnderlay checks the addresses by which others reach a node.
func (w *walker) checkUnderlay(n *rawNode) {
	var family [7]node
	for _, a := range n.addresses {
		f := model.Family(a.v)
		if family[f].given() {
			w.errorf(codeUnderlayTwice, a.at, "", "the node has two IPv%d addresses on the underlay; it needs one", f)
		}
		family[f] = a.at
		w.underlay = append(w.underlay, hostAddress{a.v, a.at.i, n.key.i})
	}
	if len(n.addresses) == 0 {
		return
	}
	kind := w.raw.backend.kind.v
	if !family[4].given() && kind == IPIP {
		w.errorf(codeNoFamily, n.key, "give the node an IPv4 address, or use the backend vxlan or host-gw", "ipip needs an IPv4 underlay, and the node has only IPv6")
	}
	for _, f := range [...]int{4, 6} {
		if !family[f].given() && kind == VXLAN {
			w.lacks[f].add(n.name)
		}
	}
}

// checkCommonFamily refuses vxlan between nodes that have no common family.
func (w *walker) checkCommonFamily() {
	if w.lacks[4].count > 0 && w.lacks[6].count > 0 {
		w.errorf(codeNoFamily, w.raw.backend.at, "give all nodes an address of one family", "the nodes have no common family: %s without IPv4, %s without IPv6",
			w.lacks[4], w.lacks[6])
	}
}

// some are names, of which the first few are listed.
type some struct {
	names []string
	count int
}

func (s *some) add(name string) {
	const most = 5
	if s.count++; s.count <= most {
		s.names = append(s.names, name)
	}
}

// join adds those that come after.
func (s *some) join(o some) {
	for _, name := range o.names {
		s.add(name)
	}
	s.count += o.count - len(o.names)
}

func (s some) String() string {
	l := strings.Join(s.names, ", ")
	if more := s.count - len(s.names); more > 0 {
		l += fmt.Sprintf(" and %d more", more)
	}
	return l
}

// checkUnderlayTaken refuses an address of several nodes.
func (w *walker) checkUnderlayTaken() {
	sortIfNeeded(w.underlay, func(a, b hostAddress) int { return cmp.Or(a.addr.Compare(b.addr), cmp.Compare(a.at, b.at)) })
	for i, h := range w.underlay {
		if i > 0 && h.addr == w.underlay[i-1].addr {
			w.errorf(codeUnderlayTaken, w.place(h.at), "", "%s is the address of another node, too, at %s", h.addr, w.place(w.underlay[i-1].at).pos())
		}
	}
	// Where there are several, the others are told of that of the first node by name.
	sortIfNeeded(w.underlay, func(a, b hostAddress) int {
		if d := a.addr.Compare(b.addr); d != 0 {
			return d
		}
		return cmp.Or(w.byName(a.owner, b.owner), cmp.Compare(a.at, b.at))
	})
}

// sortIfNeeded sorts what mostly is sorted as it stands in the file.
func sortIfNeeded[T any](l []T, compare func(a, b T) int) {
	if !slices.IsSortedFunc(l, compare) {
		slices.SortFunc(l, compare)
	}
}

// byName compares the names of two nodes by the cells of their keys.
func (w *walker) byName(a, b uint32) int {
	if a == b {
		return 0
	}
	return cmp.Compare(w.place(a).text(), w.place(b).text())
}

// within returns the first of the sorted addresses that a prefix holds.
func within(hosts []hostAddress, p netip.Prefix) (hostAddress, bool) {
	i, _ := slices.BinarySearchFunc(hosts, p.Masked().Addr(), func(h hostAddress, a netip.Addr) int { return h.addr.Compare(a) })
	if i < len(hosts) && p.Contains(hosts[i].addr) {
		return hosts[i], true
	}
	return hostAddress{}, false
}

// checkUnderlaySubnets refuses subnets of bridges that hold a node's address on the
// underlay: the way to it would lead into the bridge.
func (w *walker) checkUnderlaySubnets(apart []subnet) {
	j := 0 // the last subnet that begins at or before the address
	for _, h := range w.underlay {
		for j+1 < len(apart) && apart[j+1].prefix.Addr().Compare(h.addr) <= 0 {
			j++
		}
		if j < len(apart) && apart[j].prefix.Contains(h.addr) {
			s := apart[j]
			w.errorf(codeUnderlayInOverlay, w.place(h.at), "overlay subnets must not hold addresses of the underlay", "the underlay address %s is in the subnet %s of %s, at %s",
				h.addr, s.prefix, w.place(s.owner).text(), w.place(s.at).pos())
		}
	}
	for _, s := range w.local {
		if h, ok := within(w.underlay, s.prefix); ok {
			w.errorf(codeLocalHides, w.place(s.at), "give the bridge another subnet", "the local subnet %s would hide the underlay address %s of %s, at %s",
				s.prefix, h.addr, w.place(h.owner).text(), w.place(h.at).pos())
		}
	}
}

// overlayAddress is one that the file gives an overlay device.
type overlayAddress struct {
	prefix    netip.Prefix
	at, owner uint32
}

// checkOverlayAddresses checks addresses that the file gives overlay devices: none
// twice, none that is a host's in some node's subnet or on the underlay.
func (w *walker) checkOverlayAddresses(apart []subnet) {
	sortIfNeeded(w.overlay, func(a, b overlayAddress) int {
		if d := a.prefix.Addr().Compare(b.prefix.Addr()); d != 0 {
			return d
		}
		return cmp.Or(w.byName(a.owner, b.owner), cmp.Compare(a.at, b.at))
	})
	for i, a := range w.overlay {
		addr, at := a.prefix.Addr(), w.place(a.at)
		if w.raw.backend.mode.v == PerPeer {
			w.checkHostPart(value[netip.Prefix]{a.prefix, at}) // it may be the gateway of a route
		}
		if i > 0 && addr == w.overlay[i-1].prefix.Addr() {
			w.errorf(codeOverlayTaken, at, "", "the overlay address %s is another node's, too, at %s", addr, w.place(w.overlay[i-1].at).pos())
		}
		if s, ok := find(apart, netip.PrefixFrom(addr, addr.BitLen())); ok && s.owner != a.owner {
			w.errorf(codeOverlayTaken, at, "", "the overlay address %s is in the subnet %s of %s, at %s", addr, s.prefix, w.place(s.owner).text(), w.place(s.at).pos())
		}
		if h, ok := within(w.underlay, a.prefix); ok {
			w.errorf(codeOverlayTaken, at, "", "the overlay address %s would hide the underlay address %s of %s, at %s", a.prefix, h.addr, w.place(h.owner).text(), w.place(h.at).pos())
		}
	}
}
