package model

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Kind is the type of an object. The order of the constants is the order in
// which objects of different kinds are printed, and made: an FDB entry comes before
// the neighbour that sends packets to it, and a route last.
type Kind uint8

// The kinds. KindLink covers every network device: bridge, veth, vxlan, ipip.
const (
	KindNetns Kind = iota + 1
	KindSysctl
	KindLink
	KindAddress
	KindFDB
	KindNeighbour
	KindRoute
)

// Kinds lists every kind in printing order.
func Kinds() []Kind {
	return []Kind{KindNetns, KindSysctl, KindLink, KindAddress, KindFDB, KindNeighbour, KindRoute}
}

// String returns the word for the kind that users, JSON and iproute2 share.
func (k Kind) String() string {
	switch k {
	case KindNetns:
		return "netns"
	case KindSysctl:
		return "sysctl"
	case KindLink:
		return "link"
	case KindAddress:
		return "address"
	case KindNeighbour:
		return "neighbour"
	case KindFDB:
		return "fdb"
	case KindRoute:
		return "route"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Bears says whether other objects stand on those of the kind: they may go, or come, with
// a namespace, a link or an address.
func (k Kind) Bears() bool { return k == KindNetns || k == KindLink || k == KindAddress }

// Leads says whether objects of the kind lead packets, to peers most of all: there may be
// very many of them, and nothing stands on them.
func (k Kind) Leads() bool { return k == KindRoute || k == KindNeighbour || k == KindFDB }

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// TableMain is RT_TABLE_MAIN, the routing table that the tool works in.
const TableMain = 254

// Key identifies an object within a host: equal keys are the same object. It is
// made by the constructors below and nowhere else.
type Key struct {
	Kind   Kind
	Netns  string       // the network namespace's name; "" is the host's own
	Name   string       // of a netns, link or sysctl; else the link that the object is on
	Prefix netip.Prefix // an address with its length, a route's destination, a neighbour's address
	MAC    MAC          // of an FDB entry
	Table  uint32       // of a route
	Metric uint32       // of a route
}

// NetnsKey identifies a named network namespace.
func NetnsKey(name string) Key { return Key{Kind: KindNetns, Name: name} }

// SysctlKey identifies a sysctl by its name below /proc/sys, with dots.
func SysctlKey(netns, name string) Key { return Key{Kind: KindSysctl, Netns: netns, Name: name} }

// LinkKey identifies a network device.
func LinkKey(netns, name string) Key { return Key{Kind: KindLink, Netns: netns, Name: name} }

// AddressKey identifies an address on a link; the length is part of it, as in
// the kernel.
func AddressKey(netns, link string, p netip.Prefix) Key {
	return Key{Kind: KindAddress, Netns: netns, Name: link, Prefix: p}
}

// NeighbourKey identifies an entry of the ARP or ND table.
func NeighbourKey(netns, link string, ip netip.Addr) Key {
	return Key{Kind: KindNeighbour, Netns: netns, Name: link, Prefix: netip.PrefixFrom(ip, ip.BitLen())}
}

// FDBKey identifies a forwarding entry of a vxlan device. A unicast MAC has one
// row, whose destination is an attribute; the all-zero MAC may have many, so that
// there dst belongs to the key (vxlan_fdb_append, drivers/net/vxlan).
func FDBKey(netns, link string, mac MAC, dst netip.Addr) Key {
	k := Key{Kind: KindFDB, Netns: netns, Name: link, MAC: mac}
	if mac.IsZero() && dst.IsValid() {
		k.Prefix = netip.PrefixFrom(dst, dst.BitLen())
	}
	return k
}

// RouteKey identifies a route: the kernel keeps one for each table, destination
// and metric (and TOS, which is always 0 here). dst must be masked.
func RouteKey(netns string, table uint32, dst netip.Prefix, metric uint32) Key {
	return Key{Kind: KindRoute, Netns: netns, Prefix: dst, Table: table, Metric: metric}
}

// Compare orders keys: by kind, namespace, name, prefix, MAC, table, metric. It looks
// no further than it must: plans of large fleets spend their time here.
func (k Key) Compare(o Key) int {
	if c := cmp.Compare(k.Kind, o.Kind); c != 0 {
		return c
	}
	if c := strings.Compare(k.Netns, o.Netns); c != 0 {
		return c
	}
	if c := strings.Compare(k.Name, o.Name); c != 0 {
		return c
	}
	if c := k.Prefix.Addr().Compare(o.Prefix.Addr()); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(k.Prefix.Bits(), o.Prefix.Bits()),
		slices.Compare(k.MAC[:], o.MAC[:]),
		cmp.Compare(k.Table, o.Table),
		cmp.Compare(k.Metric, o.Metric),
	)
}

// Label names the object within its kind and namespace, as people would:
// "br245", "172.245.0.1/24 on br245", "default".
func (k Key) Label() string {
	switch k.Kind {
	case KindAddress:
		return k.Prefix.String() + " on " + k.Name
	case KindNeighbour:
		return k.Prefix.Addr().String() + " on " + k.Name
	case KindFDB:
		if k.Prefix.IsValid() {
			return k.MAC.String() + " dst " + k.Prefix.Addr().String() + " on " + k.Name
		}
		return k.MAC.String() + " on " + k.Name
	case KindRoute:
		s := PrefixString(k.Prefix)
		if k.Metric != 0 && !(k.Metric == DefaultMetric6 && k.Prefix.Addr().Is6()) {
			s += fmt.Sprintf(" metric %d", k.Metric)
		}
		if k.Table != TableMain {
			s += fmt.Sprintf(" table %d", k.Table)
		}
		return s
	}
	return k.Name
}

// String names the object with its kind, and its namespace where it isn't the
// host's own: "route default in netns ns245".
func (k Key) String() string {
	s := k.Kind.String() + " " + k.Label()
	if k.Netns != "" {
		s += " in netns " + k.Netns
	}
	return s
}

// PrefixString writes a destination as iproute2 does: "default" for the whole of
// a family, an address without length where the length is full.
func PrefixString(p netip.Prefix) string {
	switch {
	case !p.IsValid():
		return "invalid"
	case p.Bits() == 0 && p.Addr().Is6():
		return "default (IPv6)"
	case p.Bits() == 0:
		return "default"
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}
