package model

import "net/netip"

// FDBPermanent is the state of a vxlan device's static entry as the kernel tells
// it: NUD_PERMANENT|NUD_NOARP.
const FDBPermanent uint16 = 0xc0

// FDBEntry is a forwarding entry of a vxlan device: behind which VTEP a MAC is.
// The kernel keeps no mark on it (NDA_PROTOCOL is dropped): it belongs to its link.
type FDBEntry struct {
	Netns string          `json:"netns,omitempty"`
	Link  string          `json:"link"`
	MAC   MAC             `json:"mac"`
	Dst   Opt[netip.Addr] `json:"dst,omitzero"` // the VTEP's underlay address
	State Opt[uint16]     `json:"state,omitzero"`
}

// Key implements Object.
func (f FDBEntry) Key() Key { return FDBKey(f.Netns, f.Link, f.MAC, f.Dst.Value()) }

// Needs implements Object.
func (f FDBEntry) Needs() []Need { return []Need{{Key: LinkKey(f.Netns, f.Link)}} }

// Attrs implements Object.
func (f FDBEntry) Attrs() []Attr {
	var l attrs
	add(&l, Attr{Name: "dst", Impact: ImpactBrief}, f.Dst)
	add(&l, Attr{Name: "state"}, f.State)
	return l
}

// Fill implements Object.
func (f FDBEntry) Fill(from Object) Object {
	o := from.(FDBEntry)
	f.Dst = f.Dst.Fill(o.Dst)
	f.State = f.State.Fill(o.State)
	return f
}

// allows says whether an observed entry with the same key is as asked for: what Fill and ==
// say, without making an Object.
func (f *FDBEntry) allows(got *FDBEntry) bool {
	return f.Dst.allows(&got.Dst) && f.State.allows(&got.State)
}

// settled returns the entry as the kernel tells of it: it has a default for nothing that may be open.
func (f FDBEntry) settled() FDBEntry {
	return f
}
