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
	slabs
	raw *rawTopology
	out *Topology

	vxlanDevice string // the derived name
	veths       vethNames
	seed        []byte // for what a MAC is derived from
	kept        slabs  // as they were before the namespaces of the last node
}

// newDeriver derives all but the nodes.
func (d *decoder) newDeriver(raw *rawTopology) *deriver {
	x := &deriver{decoder: d, raw: raw, out: &Topology{Name: raw.name.v, MTU: raw.mtu.v}}
	x.out.Backend = x.backend()
	x.out.Probe = x.probe()
	x.backendNotes()
	x.probeNotes()
	x.vxlanDevice = fmt.Sprintf("vxlan%d", x.out.Backend.VNI)
	x.out.Nodes = slices.Grow([]Node(nil), raw.count)
	return x
}

// sort puts the nodes in order.
func (x *deriver) sort() {
	byName := func(a, b Node) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(x.out.Nodes, byName) {
		slices.SortFunc(x.out.Nodes, byName)
	}
}

func (x *deriver) backend() Backend {
	r := x.raw.backend
	b := Backend{Type: r.kind.v, DirectRouting: r.direct.v, Family: 4}
	if r.at.given() {
		b.Pos = r.at.pos()
	}
	switch b.Type {
	case VXLAN:
		b.VNI = r.vni.or(value[uint32]{v: defaultVNI}).v
		b.Port = uint16(r.port.or(value[uint32]{v: defaultPort}).v)
	case IPIP:
		b.Mode = r.mode.or(value[string]{v: Multipoint}).v
	}
	return b
}

// nodeDeriver derives what is in one node.
type nodeDeriver struct {
	*deriver
	raw *rawNode
	out *Node
}

// derive adds a node, and sorts the parts of what it was read from.
func (x *deriver) derive(r *rawNode) *Node {
	x.out.Nodes = append(x.out.Nodes, Node{
		Name: r.name, Interface: r.iface.or(x.raw.defaults.node.iface).v, Unprobed: r.probe.given() && !r.probe.v, Pos: r.key.pos(),
	})
	n := &x.out.Nodes[len(x.out.Nodes)-1]
	n.Addresses = x.slabs.hosts.list(len(r.addresses))
	for _, a := range r.addresses {
		n.Addresses = append(n.Addresses, a.v)
	}
	if x.out.Backend.Type == VXLAN && !n.Address(4).IsValid() {
		x.out.Backend.Family = 6
	}
	y := &nodeDeriver{deriver: x, raw: r, out: n}
	slices.SortFunc(r.bridges, func(a, b rawBridge) int { return cmp.Compare(a.name, b.name) })
	slices.SortFunc(r.namespaces, func(a, b rawNamespace) int { return cmp.Compare(a.name, b.name) })
	n.Bridges = x.slabs.bridges.list(len(r.bridges))
	for i := range r.bridges {
		n.Bridges = append(n.Bridges, y.bridge(&r.bridges[i]))
	}
	y.overlay()
	if x.whole != nil {
		x.kept = x.slabs
	}
	n.Namespaces = x.slabs.namespaces.list(len(r.namespaces))
	for i := range r.namespaces {
		n.Namespaces = append(n.Namespaces, y.namespace(&r.namespaces[i]))
	}
	return n
}

func (x *deriver) note(path, value, reason string) {
	x.out.Defaults = append(x.out.Defaults, Derived{Path: path, Value: value, Reason: reason})
}

// backendNotes note what the backend leaves out.
func (x *deriver) backendNotes() {
	b, r := x.out.Backend, x.raw.backend
	switch b.Type {
	case VXLAN:
		if !r.vni.given() {
			x.note("backend.vni", "1", "the default")
		}
		if !r.port.given() {
			x.note("backend.port", strconv.Itoa(defaultPort), "the default, as Linux has it")
		}
	case IPIP:
		if !r.mode.given() {
			x.note("backend.mode", Multipoint, "the default: one device for all peers")
		}
	}
}

func (y *nodeDeriver) bridge(r *rawBridge) Bridge {
	defaults := &y.deriver.raw.defaults.bridge
	b := Bridge{Name: r.name, MTU: r.mtu.or(defaults.mtu).v, MAC: r.mac.v, Overlay: true, Pos: r.key.pos()}
	if v := r.overlay.or(defaults.overlay); v.given() {
		b.Overlay = v.v
	}
	b.Addresses = y.slabs.addresses(r.addresses)
	if !r.mac.given() {
		y.seed = bridgeSeed(y.seed[:0], y.deriver.out, y.out, &b)
		b.MAC, b.Made = deriveMAC(y.seed), madeMAC
	}
	return b
}

// bridgeSeed appends what a bridge's MAC is derived from: its lowest address, which the
// namespaces know it by, so that a bridge that is renamed keeps the MAC that stands beside
// that in their neighbour tables. Without an address, it is its name.
func bridgeSeed(seed []byte, t *Topology, n *Node, b *Bridge) []byte {
	seed = append(append(append(append(seed, t.Name...), '/'), n.Name...), "/bridge/"...)
	if len(b.Addresses) == 0 {
		return append(seed, b.Name...)
	}
	least := b.Addresses[0].Addr()
	for _, a := range b.Addresses[1:] {
		if a.Addr().Less(least) {
			least = a.Addr()
		}
	}
	return least.AppendTo(seed)
}

// overlaySeed appends what the MAC of a node's overlay device is derived from.
func overlaySeed(seed []byte, t *Topology, n *Node) []byte {
	seed = append(append(append(append(seed, t.Name...), '/'), n.Name...), '/')
	return strconv.AppendUint(seed, uint64(t.Backend.VNI), 10)
}

// overlay derives the overlay device of the node.
func (y *nodeDeriver) overlay() {
	b, r, o := &y.deriver.out.Backend, &y.raw.overlay, &y.out.Overlay
	o.Pos = y.raw.key.pos()
	if r.at.given() {
		o.Pos = r.at.pos()
	}
	if b.Type == HostGW || b.Type == "" {
		return
	}
	defaults := &y.deriver.raw.defaults.node.overlay
	o.MTU = r.mtu.or(defaults.mtu).v
	o.Device = r.device.or(defaults.device).v
	y.overlayDevice()
	if b.Type == VXLAN {
		o.MAC = r.mac.v
		if !r.mac.given() {
			y.seed = overlaySeed(y.seed[:0], y.deriver.out, y.out)
			o.MAC = deriveMAC(y.seed)
			o.Made |= madeMAC
		}
	}
	o.Addresses, o.Explicit = y.slabs.addresses(r.addresses), len(r.addresses) > 0
	if !o.Explicit && b.Mode != PerPeer {
		y.overlayAddresses()
	}
}

func (y *nodeDeriver) overlayDevice() {
	b, o := &y.deriver.out.Backend, &y.out.Overlay
	switch {
	case o.Device != "":
	case b.Type == VXLAN:
		o.Device, o.Made = y.vxlanDevice, madeDevice
	case b.Mode != PerPeer:
		o.Device, o.Made = "ipip-overlay", madeDevice
	}
}

// overlayAddresses gives the device the network address of the node's first subnet,
// as flannel does: a host has no other use for it.
func (y *nodeDeriver) overlayAddresses() {
	o := &y.out.Overlay
	for _, family := range [...]int{4, 6} {
		if family == 6 && y.deriver.out.Backend.Type == IPIP {
			continue
		}
		for subnet := range y.out.Subnets(family) {
			a := subnet.Addr()
			if other := y.addressOfNamespace(a); other.given() {
				y.errorf(codeOverlayTaken, other, "give overlay.address", "the overlay device would take %s, too: it has the network address of %s, the node's first subnet", a, subnet)
			}
			if o.Addresses == nil {
				o.Addresses = y.slabs.prefixes.list(1)
			}
			o.Addresses = append(o.Addresses, netip.PrefixFrom(a, a.BitLen()))
			o.Made |= madeAddresses
			break
		}
	}
}

// addressOfNamespace returns where a namespace of the node is given an address. A
// subnet of two addresses (RFC 3021) has no network address to spare.
func (y *nodeDeriver) addressOfNamespace(a netip.Addr) node {
	for _, ns := range y.raw.namespaces {
		for _, i := range ns.interfaces {
			for _, p := range i.addresses {
				if p.v.Addr() == a && (hasNoEnds(p.v) || p.v.Masked().Addr() != a) { // else told already
					return p.at
				}
			}
		}
	}
	return node{}
}
