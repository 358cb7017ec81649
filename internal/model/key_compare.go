package model

import (
	"bytes"
	"cmp"
	"strings"
)

// CompareKeys compares the keys of two objects. Of those that lead packets to peers, which are
// put into order by the hundred thousand, it makes no keys.
func CompareKeys(a, b Object) int {
	if c := cmp.Compare(KindOf(a), KindOf(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case Route:
		if b, ok := b.(Route); ok {
			return a.compareKey(&b)
		}
	case Neighbour:
		if b, ok := b.(Neighbour); ok {
			return cmp.Or(comparePlace(a.Netns, b.Netns, a.Link, b.Link), a.IP.Compare(b.IP))
		}
	case FDBEntry:
		if b, ok := b.(FDBEntry); ok && !a.MAC.IsZero() && !b.MAC.IsZero() {
			return cmp.Or(comparePlace(a.Netns, b.Netns, a.Link, b.Link), bytes.Compare(a.MAC[:], b.MAC[:]))
		}
	}
	return a.Key().Compare(b.Key())
}

// KindOf returns the kind of an object: to make its key would take longer, as to copy it does.
func KindOf(o Object) Kind {
	switch o.(type) {
	case Route:
		return KindRoute
	case Neighbour:
		return KindNeighbour
	case FDBEntry:
		return KindFDB
	}
	return o.Key().Kind
}

func (r *Route) compareKey(o *Route) int {
	if c := strings.Compare(r.Netns, o.Netns); c != 0 {
		return c
	}
	if c := r.Dst.Addr().Compare(o.Dst.Addr()); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(r.Dst.Bits(), o.Dst.Bits()), cmp.Compare(r.Table, o.Table), cmp.Compare(r.Metric, o.Metric))
}

func comparePlace(netns, otherNetns, link, otherLink string) int {
	if c := strings.Compare(netns, otherNetns); c != 0 {
		return c
	}
	return strings.Compare(link, otherLink)
}
