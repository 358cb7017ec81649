package model

import (
	"fmt"
	"net/netip"
)

// The link types that the tool makes, in the kernel's words (IFLA_INFO_KIND).
const (
	TypeBridge = "bridge"
	TypeVeth   = "veth"
	TypeVXLAN  = "vxlan"
	TypeIPIP   = "ipip"
)

// Link is a network device. A link with nothing specified but its name stands for
// a foreign one that must exist, such as the underlay.
type Link struct {
	Netns  string      `json:"netns,omitempty"`
	Name   string      `json:"name"`
	Type   Opt[string] `json:"type,omitzero"` // "" for a device that is not virtual
	Up     Opt[bool]   `json:"up,omitzero"`   // administratively
	MTU    Opt[uint32] `json:"mtu,omitzero"`  // bytes
	MAC    Opt[MAC]    `json:"mac,omitzero"`
	Master Opt[string] `json:"master,omitzero"` // the bridge that it is a port of; "" for none
	Group  Opt[uint32] `json:"group,omitzero"`  // the mark that creation sets
	Alias  Opt[string] `json:"alias,omitzero"`  // the mark that says whose it is

	Bridge Bridge      `json:"bridge,omitzero"`
	VXLAN  VXLAN       `json:"vxlan,omitzero"`
	IPIP   IPIP        `json:"ipip,omitzero"`
	Peer   Opt[EndRef] `json:"peer,omitzero"` // the other end of a veth

	// Lower is observed only: the link that a VLAN, a macvlan or the like is made of, and goes
	// with. Those types the tool does not make.
	Lower Opt[EndRef] `json:"lower,omitzero"`
}

// StandsOn says whether links of a type are made of another one, which may be in another
// namespace, and go when that goes (NETDEV_UNREGISTER in vlan_device_event,
// net/8021q/vlan.c; macvlan_device_event; ipvlan_device_event; macsec_notify). Of vxlan
// devices, VXLAN tells that.
func StandsOn(linkType string) bool {
	switch linkType {
	case "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec":
		return true
	}
	return false
}

// Bridge is what only a bridge has.
type Bridge struct {
	STP Opt[bool] `json:"stp,omitzero"`
}

// VXLAN is what only a vxlan device has (RFC 7348; drivers/net/vxlan).
type VXLAN struct {
	VNI      Opt[uint32]     `json:"vni,omitzero"`
	Port     Opt[uint16]     `json:"port,omitzero"`     // UDP destination port
	Local    Opt[netip.Addr] `json:"local,omitzero"`    // the VTEP's underlay address; invalid for none
	Dev      Opt[string]     `json:"dev,omitzero"`      // the underlay device; "" for none
	Learning Opt[bool]       `json:"learning,omitzero"` // learn FDB entries from received packets
	TTL      Opt[uint8]      `json:"ttl,omitzero"`      // 0: inherit or the default
	Ageing   Opt[uint32]     `json:"ageing,omitzero"`   // seconds, of learnt entries
	UDPCsum  Opt[bool]       `json:"udpcsum,omitzero"`
}

// IPIP is what only an ipip tunnel has (net/ipv4/ipip.c).
type IPIP struct {
	Local    Opt[netip.Addr] `json:"local,omitzero"`  // invalid for any
	Remote   Opt[netip.Addr] `json:"remote,omitzero"` // invalid for any: a multipoint tunnel
	Dev      Opt[string]     `json:"dev,omitzero"`    // the underlay device; "" for none
	TTL      Opt[uint8]      `json:"ttl,omitzero"`    // 0: inherit
	PMTUDisc Opt[bool]       `json:"pmtudisc,omitzero"`
}

// UnknownNetns stands for a namespace that the observer does not know: one without a
// name, or one that is gone.
const UnknownNetns = "?"

// EndRef names another link, such as the other end of a veth.
type EndRef struct {
	Netns string `json:"netns,omitempty"`
	Name  string `json:"name"`
}

// String returns "name" or "netns/name".
func (e EndRef) String() string {
	if e.Netns == "" {
		return e.Name
	}
	return e.Netns + "/" + e.Name
}

// Key implements Object.
func (l Link) Key() Key { return LinkKey(l.Netns, l.Name) }

// Primary says whether the link is made by a request of its own. The second end of
// a veth is not: it is born with the first one, and only set up afterwards. The
// first end is the one in the host's own namespace, or else the one that sorts first.
func (l Link) Primary() bool {
	p, ok := l.Peer.Get()
	if !ok {
		return true
	}
	if l.Netns != p.Netns {
		return l.Netns < p.Netns
	}
	return l.Name < p.Name
}

// Needs implements Object.
func (l Link) Needs() []Need {
	var needs []Need
	if l.Netns != "" {
		needs = append(needs, Need{Key: NetnsKey(l.Netns)})
	}
	if m := l.Master.Value(); m != "" {
		needs = append(needs, Need{Key: LinkKey(l.Netns, m), Order: true})
	}
	if d := l.VXLAN.Dev.Value(); d != "" {
		needs = append(needs, Need{Key: LinkKey(l.Netns, d)})
	}
	if d := l.IPIP.Dev.Value(); d != "" {
		needs = append(needs, Need{Key: LinkKey(l.Netns, d)})
	}
	if low, ok := l.Lower.Get(); ok {
		needs = append(needs, Need{Key: LinkKey(low.Netns, low.Name)})
	}
	if p, ok := l.Peer.Get(); ok {
		switch {
		case !l.Primary():
			needs = append(needs, Need{Key: LinkKey(p.Netns, p.Name)})
		case p.Netns != "" && p.Netns != UnknownNetns && p.Netns != l.Netns:
			// The kernel would take the end down with its peer's namespace, but
			// asynchronously: the plan removes it first, in a step of its own.
			needs = append(needs, Need{Key: NetnsKey(p.Netns), Order: true})
		}
	}
	return needs
}

// Attrs implements Object. What changelink refuses is fixed (vxlan_nl2conf in
// drivers/net/vxlan, ipip_changelink in net/ipv4/ipip.c).
func (l Link) Attrs() []Attr {
	var s attrs
	add(&s, Attr{Name: "type", Fixed: true}, l.Type)
	add(&s, Attr{Name: "peer", Fixed: true}, l.Peer)
	add(&s, Attr{Name: "vni", Fixed: true}, l.VXLAN.VNI)
	add(&s, Attr{Name: "port", Fixed: true}, l.VXLAN.Port)
	add(&s, Attr{Name: "local", Impact: ImpactBrief, Class: family(l.VXLAN.Local)}, l.VXLAN.Local)
	add(&s, Attr{Name: "dev", Impact: ImpactBrief}, l.VXLAN.Dev)
	add(&s, Attr{Name: "learning"}, l.VXLAN.Learning)
	add(&s, Attr{Name: "ttl"}, l.VXLAN.TTL)
	add(&s, Attr{Name: "ageing"}, l.VXLAN.Ageing)
	add(&s, Attr{Name: "udpcsum", Fixed: true}, l.VXLAN.UDPCsum)
	add(&s, Attr{Name: "local", Impact: ImpactDisruptive}, l.IPIP.Local) // peers send to the old one
	l.addRemote(&s)
	add(&s, Attr{Name: "dev", Impact: ImpactBrief}, l.IPIP.Dev)
	add(&s, Attr{Name: "ttl"}, l.IPIP.TTL)
	add(&s, Attr{Name: "pmtudisc"}, l.IPIP.PMTUDisc)
	add(&s, Attr{Name: "stp", Impact: ImpactDisruptive}, l.Bridge.STP) // ports listen and learn for 30 s
	add(&s, Attr{Name: "mac", Impact: macImpact(l.Type.Value()), Flushes: true}, l.MAC)
	add(&s, Attr{Name: "mtu", Impact: ImpactBrief}, l.MTU)
	add(&s, Attr{Name: "master", Impact: ImpactBrief}, l.Master)
	add(&s, Attr{Name: "up", Impact: upImpact(l.Up)}, l.Up)
	add(&s, Attr{Name: "group", Mark: true}, l.Group)
	add(&s, Attr{Name: "alias", Mark: true}, l.Alias)
	return s
}

// family is the class of a vxlan device's own address: "New local address family
// does not match old" (vxlan_nl2conf). A device without one is an IPv4 one.
func family(local Opt[netip.Addr]) string {
	if local.Value().Is6() {
		return "ipv6"
	}
	return "ipv4"
}

// addRemote adds an ipip tunnel's far end. It can change, but not between one end
// and any (EINVAL), which the fixed attribute "mode" tells apart.
func (l Link) addRemote(s *attrs) {
	r, ok := l.IPIP.Remote.Get()
	if !ok {
		return
	}
	mode, remote := "multipoint", "any"
	if r.IsValid() {
		mode, remote = "point-to-point", r.String()
	}
	*s = append(*s,
		Attr{Name: "mode", Value: mode, Fixed: true},
		Attr{Name: "remote", Value: remote, Impact: ImpactDisruptive})
}

// macImpact is the impact of changing the MAC of a link of some type. The end of a veth
// is soon found again, as it sends something. A bridge's namespaces keep sending IPv6
// packets to the old one until their neighbour entries expire, and an overlay device's
// peers until they are changed, too.
func macImpact(linkType string) Impact {
	if linkType == TypeVeth {
		return ImpactBrief
	}
	return ImpactDisruptive
}

// upImpact is the impact of setting a link up, through which nothing flows as it is
// down, or of setting it down.
func upImpact(up Opt[bool]) Impact {
	if up.Value() {
		return ImpactNone
	}
	return ImpactDisruptive
}

// Fill implements Object.
func (l Link) Fill(from Object) Object {
	f := from.(Link)
	l.Type = l.Type.Fill(f.Type)
	l.Up = l.Up.Fill(f.Up)
	l.MTU = l.MTU.Fill(f.MTU)
	l.MAC = l.MAC.Fill(f.MAC)
	l.Master = l.Master.Fill(f.Master)
	l.Group = l.Group.Fill(f.Group)
	l.Alias = l.Alias.Fill(f.Alias)
	l.Peer = l.Peer.Fill(f.Peer)
	l.Lower = l.Lower.Fill(f.Lower)
	l.Bridge.STP = l.Bridge.STP.Fill(f.Bridge.STP)
	l.VXLAN = l.VXLAN.fill(f.VXLAN)
	l.IPIP = l.IPIP.fill(f.IPIP)
	return l
}

func (v VXLAN) fill(f VXLAN) VXLAN {
	v.VNI = v.VNI.Fill(f.VNI)
	v.Port = v.Port.Fill(f.Port)
	v.Local = v.Local.Fill(f.Local)
	v.Dev = v.Dev.Fill(f.Dev)
	v.Learning = v.Learning.Fill(f.Learning)
	v.TTL = v.TTL.Fill(f.TTL)
	v.Ageing = v.Ageing.Fill(f.Ageing)
	v.UDPCsum = v.UDPCsum.Fill(f.UDPCsum)
	return v
}

func (i IPIP) fill(f IPIP) IPIP {
	i.Local = i.Local.Fill(f.Local)
	i.Remote = i.Remote.Fill(f.Remote)
	i.Dev = i.Dev.Fill(f.Dev)
	i.TTL = i.TTL.Fill(f.TTL)
	i.PMTUDisc = i.PMTUDisc.Fill(f.PMTUDisc)
	return i
}

// claim names what the kernel lets only one device of a namespace have: a VNI on
// a port (v4 and v6 apart), an ipip tunnel's pair of ends.
func (l Link) claim() Claim {
	switch l.Type.Value() {
	case TypeVXLAN:
		return Claim{l.Netns, fmt.Sprintf("vxlan vni %d port %d over %s", l.VXLAN.VNI.Value(), l.VXLAN.Port.Value(), family(l.VXLAN.Local))}
	case TypeIPIP:
		return Claim{l.Netns, fmt.Sprintf("ipip local %s remote %s", anyAddr(l.IPIP.Local), anyAddr(l.IPIP.Remote))}
	}
	return Claim{}
}

func anyAddr(o Opt[netip.Addr]) string {
	if a := o.Value(); a.IsValid() {
		return a.String()
	}
	return "any"
}
