package diff

import (
	"encoding/binary"
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// numbers returns a number for each entry of the last stage: where two differ, compareLeading
// says of their entries what comparing them says. There is none, and they are nil, unless
// all are on one link and without an intent, as what the kernel takes down with a link: that
// comes in the order of hash tables, and is compared again and again.
func numbers(entries []model.Entry) []uint64 {
	l := make([]uint64, len(entries))
	var on model.Key
	for i := range entries {
		e := &entries[i]
		link, n := leadsOn(e.Object)
		if i == 0 {
			on = link
		}
		if e.Intent != "" || link != on || n == 0 {
			return nil
		}
		l[i] = n
	}
	return l
}

// leadsOn returns the link that an object is on, and its number among all of the link: its
// kind, and then as much of what tells it from others of the kind as there is room for. 0
// is none.
func leadsOn(o model.Object) (link model.Key, n uint64) {
	const below = 56 // bits of the kind's
	switch o := o.(type) {
	case model.Route:
		return model.LinkKey(o.Netns, o.Dev.Value()), uint64(model.KindRoute)<<below | leadingBits(o.Dst.Addr())
	case model.Neighbour:
		return model.LinkKey(o.Netns, o.Link), uint64(model.KindNeighbour)<<below | leadingBits(o.IP)
	case model.FDBEntry:
		if o.MAC.IsZero() {
			return model.Key{}, 0 // its destination counts first
		}
		n := uint64(model.KindFDB) << below
		for i, b := range o.MAC {
			n |= uint64(b) << (8 * (len(o.MAC) - 1 - i))
		}
		return model.LinkKey(o.Netns, o.Link), n
	}
	return model.Key{}, 0
}

// leadingBits returns the first bits of an address, behind one that says of which family it is:
// all of an IPv4 address, and 55 of an IPv6 one.
func leadingBits(a netip.Addr) uint64 {
	if a.Is4() {
		b := a.As4()
		return uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	}
	b := a.As16()
	return 1<<55 | binary.BigEndian.Uint64(b[:])>>9
}
