package model

import (
	"net/netip"
	"strings"
)

// RouteProtocolRA is the protocol of routes that were learnt from router
// advertisements (RTPROT_RA, linux/rtnetlink.h).
const RouteProtocolRA uint8 = 9

// Session is an SSH connection by which somebody works on the host.
type Session struct {
	Client netip.Addr // the far end; a link-local one has its zone
	Local  netip.Addr // the host's own address of the connection; invalid: not known
}

// ParseSession reads SSH_CONNECTION (ssh(1)): the client's address and port, the
// server's address and port. ok is false for anything else.
func ParseSession(s string) (session Session, ok bool) {
	f := strings.Fields(s)
	if len(f) != 4 {
		return Session{}, false
	}
	client, err := netip.ParseAddr(f[0])
	if err != nil {
		return Session{}, false
	}
	local, err := netip.ParseAddr(f[2])
	return Session{Client: client.Unmap(), Local: local.Unmap()}, err == nil
}

// Hop is where a route sends packets.
type Hop struct {
	Dev string     `json:"dev"`
	Via netip.Addr `json:"via"` // the gateway; invalid: the destination is on the link
}

// Path is a route with all of its next hops, from any table.
type Path struct {
	Type     string       `json:"type"` // "unicast"...
	Dst      netip.Prefix `json:"dst"`  // masked
	Table    uint32       `json:"table"`
	Metric   uint32       `json:"metric"`
	Protocol uint8        `json:"protocol"`
	Hops     []Hop        `json:"hops"`
}

// Way is what packets of the management take.
type Way struct {
	For   string     `json:"for"`   // what it carries, for people: "the default route"
	To    netip.Addr `json:"to"`    // where the packets go; invalid: anywhere, by a default route
	Local netip.Addr `json:"local"` // the host's own address of the connection; invalid: any
	Path
}

// Next returns the address that a hop of the way sends packets to: the gateway, or where
// they go; invalid: not known.
func (w Way) Next(hop Hop) netip.Addr {
	if hop.Via.IsValid() {
		return hop.Via
	}
	return w.To
}

// Management is what carries the connections by which the host is managed. The zero
// value is nothing at all.
type Management struct {
	Ways []Way `json:"ways"`
	// Lower names, by link, the link of the host's own namespace that it stands on:
	// eth0 of a VLAN on eth0.
	Lower map[string]string `json:"lower"`
	// AcceptRA is net.ipv6.conf.DEVICE.accept_ra of the devices of default routes
	// that were learnt from router advertisements, and Forwarding6
	// net.ipv6.conf.all.forwarding; "" where not known.
	AcceptRA    map[string]string `json:"accept_ra"`
	Forwarding6 string            `json:"forwarding6"`
}
