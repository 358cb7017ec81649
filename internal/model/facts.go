package model

import (
	"maps"
	"net/netip"
)

// Facts are what expansion must know of a host, beside the topology.
type Facts struct {
	// Underlay tells, by family (4 or 6), of the device that holds the node's
	// underlay address of that family.
	Underlay map[int]Underlay
	// Direct says, for the underlay addresses of peers, whether a packet to them
	// leaves on the underlay link itself.
	Direct Directs
	// AddressProtocol says that addresses can carry our mark (IFA_PROTO, as of
	// Linux 5.18); where they can't, they belong to their link.
	AddressProtocol bool
	// AcceptRA is the underlay device's net.ipv6.conf.<device>.accept_ra, "" if the
	// device has no IPv6.
	AcceptRA string
	// Assumed says that nothing here was observed: the values are what a host like
	// the file's would have.
	Assumed bool
}

// Equal says whether both tell the same.
func (f Facts) Equal(o Facts) bool {
	return maps.Equal(f.Underlay, o.Underlay) && f.Direct.Equal(&o.Direct) &&
		f.AddressProtocol == o.AddressProtocol && f.AcceptRA == o.AcceptRA && f.Assumed == o.Assumed
}

// Underlay is a device that holds an underlay address.
type Underlay struct {
	Device string
	MTU    uint32       // bytes
	Prefix netip.Prefix // the address with its length; a full-length one tells nothing of the link
}

// Direct is what the kernel would do with a packet to a peer.
type Direct struct {
	OK     bool
	Reason string // for people: "route 10.0.0.0/24 scope link dev eth0"
}
