package model

import "net/netip"

// NeighbourPermanent is NUD_PERMANENT, the only state that the tool makes.
const NeighbourPermanent uint16 = 0x80

// Neighbour is a permanent entry of a link's ARP or ND table.
type Neighbour struct {
	Netns    string      `json:"netns,omitempty"`
	Link     string      `json:"link"`
	IP       netip.Addr  `json:"ip"`
	MAC      Opt[MAC]    `json:"mac,omitzero"`
	State    Opt[uint16] `json:"state,omitzero"`    // NUD_*
	Protocol Opt[uint8]  `json:"protocol,omitzero"` // NDA_PROTOCOL, the mark
}

// Key implements Object.
func (n Neighbour) Key() Key { return NeighbourKey(n.Netns, n.Link, n.IP) }

// Needs implements Object.
func (n Neighbour) Needs() []Need { return []Need{{Key: LinkKey(n.Netns, n.Link)}} }

// Attrs implements Object.
func (n Neighbour) Attrs() []Attr {
	var l attrs
	add(&l, Attr{Name: "mac", Impact: ImpactDisruptive}, n.MAC) // until the peer has it, too
	add(&l, Attr{Name: "state"}, n.State)
	add(&l, Attr{Name: "protocol", Mark: true}, n.Protocol)
	return l
}

// Fill implements Object.
func (n Neighbour) Fill(from Object) Object {
	f := from.(Neighbour)
	n.MAC = n.MAC.Fill(f.MAC)
	n.State = n.State.Fill(f.State)
	n.Protocol = n.Protocol.Fill(f.Protocol)
	return n
}

// allows says whether an observed neighbour with the same key is as asked for: what Fill and ==
// say, without making an Object.
func (n *Neighbour) allows(got *Neighbour) bool {
	return n.MAC.allows(&got.MAC) && n.State.allows(&got.State) && n.Protocol.allows(&got.Protocol)
}

// settled returns the entry as the kernel tells of it: it has a default for nothing that may be open.
func (n Neighbour) settled() Neighbour {
	return n
}
