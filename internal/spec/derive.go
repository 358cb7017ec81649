package spec

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// The defaults of the vxlan backend. 8472 is what Linux and flannel take; the port
// that IANA assigned is 4789.
const (
	defaultVNI  = 1
	defaultPort = 8472
)

// deriver fills in what the file leaves to be derived. It depends on names and values
// only, never on the order of nodes.
type deriver struct {
	*decoder
	raw *rawTopology
	out *Topology

	spreadReason string // why metrics are spread, if the file doesn't say so
}

func (d *decoder) derive(raw *rawTopology) *Topology {
	x := &deriver{decoder: d, raw: raw, out: &Topology{Name: raw.name.v, MTU: raw.mtu.v}}
	x.out.Backend = x.backend()
	x.out.Probe = x.probe()
	slices.SortFunc(raw.nodes, func(a, b *rawNode) int { return cmp.Compare(a.name, b.name) })
	for _, n := range raw.nodes {
		x.out.Nodes = append(x.out.Nodes, x.node(n))
	}
	return x.out
}

func (x *deriver) backend() Backend {
	r := x.raw.backend
	b := Backend{Type: r.kind.v, DirectRouting: r.direct.v, Family: 4}
	if r.at != nil {
		b.Pos = r.at.pos
	}
	switch b.Type {
	case VXLAN:
		b.VNI = r.vni.or(value[uint32]{v: defaultVNI}).v
		b.Port = uint16(r.port.or(value[uint32]{v: defaultPort}).v)
		for _, n := range x.raw.nodes {
			if !slices.ContainsFunc(n.addresses, func(a value[netip.Addr]) bool { return a.v.Is4() }) {
				b.Family = 6
			}
		}
	case IPIP:
		b.Mode = r.mode.or(value[string]{v: Multipoint}).v
	}
	x.routeMetrics(&b)
	return b
}

// nodeDeriver derives what is in one node.
type nodeDeriver struct {
	*deriver
	raw *rawNode
	out *Node
}

func (x *deriver) node(r *rawNode) Node {
	n := Node{Name: r.name, Interface: r.iface.or(x.raw.defaults.node.iface).v, Unprobed: r.probe.given() && !r.probe.v, Pos: r.key.pos}
	for _, a := range r.addresses {
		n.Addresses = append(n.Addresses, a.v)
	}
	y := &nodeDeriver{deriver: x, raw: r, out: &n}
	slices.SortFunc(r.bridges, func(a, b *rawBridge) int { return cmp.Compare(a.name, b.name) })
	slices.SortFunc(r.namespaces, func(a, b *rawNamespace) int { return cmp.Compare(a.name, b.name) })
	y.backendNotes()
	y.probeNotes()
	for _, b := range r.bridges {
		n.Bridges = append(n.Bridges, y.bridge(b))
	}
	y.overlay()
	for _, ns := range r.namespaces {
		n.Namespaces = append(n.Namespaces, y.namespace(ns))
	}
	return n
}

func (y *nodeDeriver) note(path, value, reason string) {
	y.out.Derived = append(y.out.Derived, Derived{Path: path, Value: value, Reason: reason})
}

func (y *nodeDeriver) noteNode(path, value, reason string) {
	y.note("nodes."+y.raw.name+"."+path, value, reason)
}

// backendNotes note what the backend leaves out, once for each node: a node's
// expansion is read alone.
func (y *nodeDeriver) backendNotes() {
	b, r := y.deriver.out.Backend, y.deriver.raw.backend
	switch b.Type {
	case VXLAN:
		if !r.vni.given() {
			y.note("backend.vni", "1", "the default")
		}
		if !r.port.given() {
			y.note("backend.port", strconv.Itoa(defaultPort), "the default, as Linux has it")
		}
	case IPIP:
		if !r.mode.given() {
			y.note("backend.mode", Multipoint, "the default: one device for all peers")
		}
	}
	if y.spreadReason != "" {
		y.note("backend.routeMetrics", Spread, y.spreadReason)
	}
}

func (y *nodeDeriver) bridge(r *rawBridge) Bridge {
	defaults := y.deriver.raw.defaults.bridge
	b := Bridge{Name: r.name, MTU: r.mtu.or(defaults.mtu).v, MAC: r.mac.v, Overlay: true, Pos: r.key.pos}
	if v := r.overlay.or(defaults.overlay); v.given() {
		b.Overlay = v.v
	}
	for _, a := range r.addresses {
		b.Addresses = append(b.Addresses, a.v)
	}
	if !r.mac.given() {
		text := fmt.Sprintf("%s/%s/bridge/%s", y.deriver.out.Name, y.raw.name, gatewayOf(b))
		b.MAC = deriveMAC(text)
		y.noteNode("bridges."+r.name+".mac", b.MAC.String(), macReason(text))
	}
	return b
}

// gatewayOf returns what a bridge's MAC is derived from: its lowest address, which the
// namespaces know it by, so that a bridge that is renamed keeps the MAC that stands beside
// that in their neighbour tables. Without an address, it is its name.
func gatewayOf(b Bridge) string {
	if len(b.Addresses) == 0 {
		return b.Name
	}
	return slices.MinFunc(b.Addresses, func(a, c netip.Prefix) int { return a.Addr().Compare(c.Addr()) }).Addr().String()
}

// overlay derives the overlay device of the node.
func (y *nodeDeriver) overlay() {
	b, r, o := y.deriver.out.Backend, y.raw.overlay, &y.out.Overlay
	o.Pos = y.raw.key.pos
	if r.at != nil {
		o.Pos = r.at.pos
	}
	if b.Type == HostGW || b.Type == "" {
		return
	}
	defaults := y.deriver.raw.defaults.node.overlay
	o.MTU = r.mtu.or(defaults.mtu).v
	o.Device = r.device.or(defaults.device).v
	y.overlayDevice()
	if b.Type == VXLAN {
		o.MAC = r.mac.v
		if !r.mac.given() {
			text := fmt.Sprintf("%s/%s/%d", y.deriver.out.Name, y.raw.name, b.VNI)
			o.MAC = deriveMAC(text)
			y.noteNode("overlay.mac", o.MAC.String(), macReason(text))
		}
	}
	for _, a := range r.addresses {
		o.Addresses = append(o.Addresses, a.v)
		o.Explicit = true
	}
	if !o.Explicit && b.Mode != PerPeer {
		y.overlayAddresses()
	}
}

func (y *nodeDeriver) overlayDevice() {
	b, o := y.deriver.out.Backend, &y.out.Overlay
	switch {
	case o.Device != "":
	case b.Type == VXLAN:
		o.Device = fmt.Sprintf("vxlan%d", b.VNI)
		y.noteNode("overlay.device", o.Device, fmt.Sprintf("vxlan and the VNI %d", b.VNI))
	case b.Mode != PerPeer:
		o.Device = "ipip-overlay"
		y.noteNode("overlay.device", o.Device, "the default")
	}
}

// overlayAddresses gives the device the network address of the node's first subnet,
// as flannel does: a host has no other use for it.
func (y *nodeDeriver) overlayAddresses() {
	for _, family := range []int{4, 6} {
		subnets := y.out.Subnets(family)
		if len(subnets) == 0 || family == 6 && y.deriver.out.Backend.Type == IPIP {
			continue
		}
		a := subnets[0].Addr()
		p := netip.PrefixFrom(a, a.BitLen())
		if other := y.addressOfNamespace(a); other != nil {
			y.errorf(codeOverlayTaken, other, "give overlay.address", "the overlay device would take %s, too: it has the network address of %s, the node's first subnet", a, subnets[0])
		}
		y.out.Overlay.Addresses = append(y.out.Overlay.Addresses, p)
		y.noteNode("overlay.address", p.String(), fmt.Sprintf("the network address of %s, the node's first subnet", subnets[0]))
	}
}

// addressOfNamespace returns where a namespace of the node is given an address. A
// subnet of two addresses (RFC 3021) has no network address to spare.
func (y *nodeDeriver) addressOfNamespace(a netip.Addr) *node {
	for _, ns := range y.raw.namespaces {
		for _, i := range ns.interfaces {
			for _, p := range i.addresses {
				if p.v.Addr() == a && (hasNoEnds(p.v) || p.v.Masked().Addr() != a) { // else told already
					return p.at
				}
			}
		}
	}
	return nil
}
