package spec

import (
	"cmp"
	"net/netip"
	"slices"
)

// subnet is one that a bridge has.
type subnet struct {
	prefix    netip.Prefix // masked
	at, owner uint32       // cells: its place, the node's key
	bridge    int          // among those of the node
}

// checkAcross checks addresses of different nodes against each other, and against the
// underlay. It takes n log n of the number of subnets.
func (w *walker) checkAcross() {
	sortIfNeeded(w.shared, func(a, b subnet) int {
		if d := cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits())); d != 0 {
			return d
		}
		return cmp.Or(w.byName(a.owner, b.owner), cmp.Compare(a.at, b.at))
	})
	w.checkShared()
	apart := disjoint(w.shared)
	w.checkLocal(apart)
	w.checkUnderlayTaken()
	w.checkUnderlaySubnets(apart)
	w.checkOverlayAddresses(apart)
}

// checkShared refuses overlapping subnets of different nodes. Sorted, a subnet can
// only overlap with the last one that reached as far.
func (w *walker) checkShared() {
	wide := -1
	for i, s := range w.shared {
		if wide < 0 || !w.shared[wide].prefix.Overlaps(s.prefix) {
			wide = i
			continue
		}
		first, second := w.shared[wide], s
		if first.owner == second.owner {
			continue
		}
		at, other := w.place(first.at), w.place(second.at)
		if other.pos().File == at.pos().File && other.pos().before(at.pos()) < 0 {
			first, second, at, other = second, first, other, at
		}
		w.errorf(codeOverlapBetween, other, "each node needs subnets of its own", "the subnet %s of %s overlaps with %s of %s, at %s",
			second.prefix, w.place(second.owner).text(), first.prefix, w.place(first.owner).text(), at.pos())
	}
}

// disjoint leaves out of sorted subnets those that are within another.
func disjoint(sorted []subnet) []subnet {
	l := sorted[:0]
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
	for _, j := range [...]int{i - 1, i} {
		if j >= 0 && j < len(apart) && apart[j].prefix.Overlaps(p) {
			return apart[j], true
		}
	}
	return subnet{}, false
}

// checkLocal refuses a local subnet that hides another node's from its own host.
func (w *walker) checkLocal(apart []subnet) {
	for _, s := range w.local {
		if o, ok := find(apart, s.prefix); ok && s.owner != o.owner {
			w.errorf(codeLocalHides, w.place(s.at), "", "the local subnet %s would hide %s of %s, at %s", s.prefix, o.prefix, w.place(o.owner).text(), w.place(o.at).pos())
		}
	}
}
