package spec

import (
	"fmt"
	"net/netip"
	"strings"
)

// Derived is a value that the file doesn't state, with the reason for it.
type Derived struct {
	Path   string // nodes.vm1.overlay.mac
	Value  string
	Reason string // one clause: "sha256 of classic/vm1/1"
}

// Made says which values of a thing were derived. That is all that is kept of how a
// topology came about: of thousands of nodes, the reasons of one are ever asked for.
type Made uint8

// What is derived of bridges and overlay devices, of the overlay device, of interfaces,
// and of namespaces.
const (
	madeMAC Made = 1 << iota
	madeDevice
	madeAddresses
	madeBridge
	madeHost
	madeRoute
)

// Derived returns what the file doesn't state of the node, in the order of the document,
// behind what it doesn't state of all nodes.
func (t *Topology) Derived(n *Node) []Derived {
	x := &explainer{topology: t, node: n, out: append([]Derived(nil), t.Defaults...)}
	for i := range n.Bridges {
		if b := &n.Bridges[i]; b.Made&madeMAC != 0 {
			x.note("bridges."+b.Name+".mac", b.MAC.String(), macReason(bridgeSeed(nil, t, n, b)))
		}
	}
	x.overlay()
	for i := range n.Namespaces {
		x.namespace(&n.Namespaces[i])
	}
	return x.out
}

// explainer finds the reasons of a node's derived values again.
type explainer struct {
	topology *Topology
	node     *Node
	out      []Derived
}

func (x *explainer) note(path, value, reason string) {
	x.out = append(x.out, Derived{"nodes." + x.node.Name + "." + path, value, reason})
}

func (x *explainer) overlay() {
	o, b := &x.node.Overlay, x.topology.Backend
	if o.Made&madeDevice != 0 {
		reason := "the default"
		if b.Type == VXLAN {
			reason = fmt.Sprintf("vxlan and the VNI %d", b.VNI)
		}
		x.note("overlay.device", o.Device, reason)
	}
	if o.Made&madeMAC != 0 {
		x.note("overlay.mac", o.MAC.String(), macReason(overlaySeed(nil, x.topology, x.node)))
	}
	if o.Made&madeAddresses == 0 {
		return
	}
	for _, a := range o.Addresses {
		for subnet := range x.node.Subnets(family(a)) {
			x.note("overlay.address", a.String(), fmt.Sprintf("the network address of %s, the node's first subnet", subnet))
			break
		}
	}
}

func (x *explainer) namespace(ns *Namespace) {
	for i := range ns.Interfaces {
		x.iface(ns, &ns.Interfaces[i])
	}
	for _, r := range ns.Routes {
		if r.Made&madeRoute == 0 {
			continue
		}
		for _, i := range ns.Interfaces {
			if i.Name == r.Dev {
				x.note(fmt.Sprintf("namespaces.%s.routes.default.ipv%d", ns.Name, family(r.To)), r.Via.String(), "the address of the bridge "+i.Bridge)
			}
		}
	}
}

func (x *explainer) iface(ns *Namespace, i *Interface) {
	path := "namespaces." + ns.Name + ".interfaces." + i.Name
	if i.Made&madeBridge != 0 {
		a, subnet := x.holder(i)
		x.note(path+".bridge", i.Bridge, fmt.Sprintf("its subnet %s holds %s", subnet.Masked(), a))
	}
	if i.Made&madeHost == 0 {
		return
	}
	reason := "veth- and the namespace's name"
	switch {
	case !strings.HasSuffix(i.Host, i.Name) && !strings.HasSuffix(i.Host, ns.Name):
		reason = fmt.Sprintf("veth- and the first digits of the SHA-256 of %q, as the kernel does not take the full name", ns.Name+"/"+i.Name)
	case i.Name != "eth0":
		reason += " and the interface's"
	}
	x.note(path+".host", i.Host, reason)
}

// holder returns the first address of the interface, and the subnet that holds it of the
// bridge that the interface is on.
func (x *explainer) holder(i *Interface) (netip.Addr, netip.Prefix) {
	for _, a := range i.Addresses {
		for _, b := range x.node.Bridges {
			for _, p := range b.Addresses {
				if p.Masked().Contains(a.Addr()) {
					return a.Addr(), p
				}
			}
		}
	}
	return netip.Addr{}, netip.Prefix{}
}

func family(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 4
	}
	return 6
}
