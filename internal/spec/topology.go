package spec

import (
	"iter"
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Topology is a validated topology: every value that follows from the file alone
// is filled in, whether it was written there or derived. What depends on the host
// (the underlay device, its MTU, which peers are on the link) is left at its zero
// value, which then says "as the host has it".
type Topology struct {
	Name    string
	Backend Backend
	MTU     uint32 // of the underlay, bytes; 0: what the underlay device has
	Probe   Probe
	Nodes   []Node // by name
	// Defaults are the values of backend and probe that the file doesn't state.
	Defaults []Derived
	Files    []string
	Digest   string // SHA-256 of the files' texts, in hexadecimal
	Sources  []Source
}

// The backends.
const (
	HostGW = "host-gw"
	IPIP   = "ipip"
	VXLAN  = "vxlan"
)

// The modes of the ipip backend.
const (
	Multipoint = "multipoint" // one device for all peers, onlink routes
	PerPeer    = "per-peer"   // a point-to-point tunnel for each peer
)

// What metrics IPv4 routes to peers have that lead out of one device.
const (
	Auto   = "auto"   // those that they have on the host; of new ones, as the number of subnets asks
	Plain  = "plain"  // none
	Spread = "spread" // model.SpreadMetric
)

// Backend is how overlay packets cross the underlay.
type Backend struct {
	Type          string // HostGW, IPIP or VXLAN
	VNI           uint32 // vxlan
	Port          uint16 // vxlan, UDP
	DirectRouting bool   // vxlan and ipip: plain routes to peers on the same link
	Mode          string // ipip: Multipoint or PerPeer
	RouteMetrics  string // Auto, Plain or Spread: of IPv4 routes to peers out of one device
	Spread        bool   // they are spread, unless RouteMetrics is Auto and the host has others
	Family        int    // vxlan: 4 or 6, of the underlay addresses that carry it: 4 if every node has one, else 6
	Pos           Pos
}

// Node is one host.
type Node struct {
	Name       string
	Addresses  []netip.Addr // on the underlay: at most one IPv4 and one IPv6
	Interface  string       // the underlay device; "": the one that holds Addresses
	Overlay    Overlay
	Bridges    []Bridge    // by name
	Namespaces []Namespace // by name
	Unprobed   bool        // nobody probes the node, and it probes nobody
	Brief      bool        // the namespaces are left out: see Options
	Pos        Pos
}

// Address returns the node's underlay address of the family (4 or 6), or the
// invalid Addr.
func (n *Node) Address(family int) netip.Addr {
	for _, a := range n.Addresses {
		if a.Is4() == (family == 4) {
			return a
		}
	}
	return netip.Addr{}
}

// Subnets returns the masked prefixes of the family (4 or 6) that peers reach
// through the node: those of its bridges that take part in the overlay, in order
// of bridge name and then of the file.
func (n *Node) Subnets(family int) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for i := range n.Bridges {
			if !n.Bridges[i].Overlay {
				continue
			}
			for _, p := range n.Bridges[i].Addresses {
				if p.Addr().Is4() == (family == 4) && !yield(p.Masked()) {
					return
				}
			}
		}
	}
}

// HasSubnets says whether peers reach any subnet of the family (4 or 6) through the
// node.
func (n *Node) HasSubnets(family int) bool {
	for range n.Subnets(family) {
		return true
	}
	return false
}

// Overlay is the node's vxlan or ipip device. With IPIP in mode PerPeer, Device
// is "" unless the file has only two nodes and names it; the others are named
// after their peer.
type Overlay struct {
	Device    string
	MAC       model.MAC      // vxlan: the VTEP's
	Addresses []netip.Prefix // the VTEP's, at most one a family
	MTU       uint32         // 0: from the underlay's
	Explicit  bool           // Addresses stand in the file
	Made      Made
	Pos       Pos
}

// Address returns the overlay device's address of the family (4 or 6), or the
// invalid Prefix.
func (o *Overlay) Address(family int) netip.Prefix {
	for _, p := range o.Addresses {
		if p.Addr().Is4() == (family == 4) {
			return p
		}
	}
	return netip.Prefix{}
}

// Bridge is a bridge of a node.
type Bridge struct {
	Name      string
	Addresses []netip.Prefix // not masked: the bridge's own addresses with the subnet's length
	MTU       uint32         // 0: from the underlay's
	MAC       model.MAC
	Overlay   bool // peers get routes to its subnets
	Made      Made
	Pos       Pos
}

// Namespace is a network namespace of a node.
type Namespace struct {
	Name       string
	Interfaces []Interface // by name
	Routes     []Route     // with the derived default routes
	Sysctls    []Sysctl    // by name
	Pos        Pos
}

// Interface is a veth end inside a namespace.
type Interface struct {
	Name      string
	Bridge    string // the bridge that the other end is a port of
	Addresses []netip.Prefix
	MAC       model.MAC // zero: the kernel's choice
	Host      string    // the name of the other end, on the host
	MTU       uint32    // 0: the bridge's
	Made      Made
	Pos       Pos
}

// Route is a route inside a namespace.
type Route struct {
	To     netip.Prefix // masked
	Via    netip.Addr   // invalid: none
	Dev    string       // never "": derived from Via where the file doesn't say
	Metric uint32       // 0: the kernel's default
	Made   Made
	Pos    Pos
}

// Sysctl is a kernel parameter of a namespace.
type Sysctl struct {
	Name  string
	Value string
	Pos   Pos
}

// Pos is a place in a file; the zero Pos is nowhere.
type Pos struct {
	File         string
	Line, Column int // from 1
}
