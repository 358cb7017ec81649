package model

import "net/netip"

// Address is an IP address on a link.
type Address struct {
	Netns    string       `json:"netns,omitempty"`
	Link     string       `json:"link"`
	Prefix   netip.Prefix `json:"prefix"`            // not masked: 172.245.0.1/24
	Scope    Opt[uint8]   `json:"scope,omitzero"`    // RT_SCOPE_*: 0 global, 253 link, 254 host
	Protocol Opt[uint8]   `json:"protocol,omitzero"` // IFA_PROTO, the mark; open where the kernel has none
}

// Key implements Object.
func (a Address) Key() Key { return AddressKey(a.Netns, a.Link, a.Prefix) }

// Needs implements Object.
func (a Address) Needs() []Need { return []Need{{Key: LinkKey(a.Netns, a.Link)}} }

// Attrs implements Object.
func (a Address) Attrs() []Attr {
	var l attrs
	add(&l, Attr{Name: "scope", Fixed: true}, a.Scope)
	add(&l, Attr{Name: "protocol", Mark: true}, a.Protocol)
	return l
}

// Fill implements Object.
func (a Address) Fill(from Object) Object {
	f := from.(Address)
	a.Scope = a.Scope.Fill(f.Scope)
	a.Protocol = a.Protocol.Fill(f.Protocol)
	return a
}
