package desired

import (
	"fmt"

	"github.com/netplan-overlay/netplan-overlay/internal/desired/backend"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// link returns a device of ours that is up.
func (x *expander) link(netns, name, kind string, mtu uint32) model.Link {
	return model.Link{
		Netns: netns, Name: name, Type: model.Some(kind), Up: model.Some(true), MTU: model.Some(mtu),
		Group: model.Some(model.MarkGroup), Alias: model.Some(x.id.Alias()),
	}
}

// bridge emits a bridge with its addresses. Its MAC is always set: the kernel would
// let it change with every port that comes or goes.
func (x *expander) bridge(b *spec.Bridge) {
	intent := "bridge " + b.Name
	l := x.link("", b.Name, model.TypeBridge, x.bridgeMTU(b, true))
	l.MAC = model.Some(b.MAC)
	x.emit(l, intent, b.Pos)
	for _, a := range b.Addresses {
		x.emit(model.Address{Link: b.Name, Prefix: a, Protocol: backend.AddressMark(x.facts)}, intent, b.Pos)
	}
}

// bridgeMTU returns the bridge's MTU: what fits into the overlay, or into the
// underlay if the bridge takes no part in the overlay.
func (x *expander) bridgeMTU(b *spec.Bridge, note bool) uint32 {
	mtu, reason := b.MTU, ""
	switch {
	case mtu != 0:
	case b.Overlay:
		mtu, reason = x.overlayMTU, "the overlay's MTU"
	default:
		mtu, reason = x.underlayMTU, "the underlay's MTU, as the bridge is not part of the overlay"
	}
	if note && reason != "" {
		x.noteNode("bridges."+b.Name+".mtu", number(mtu), reason)
	}
	return mtu
}

// namespace emits a namespace with all that is in it.
func (x *expander) namespace(n *spec.Namespace) {
	intent := "namespace " + n.Name
	x.emit(model.Netns{Name: n.Name, Alias: model.Some(x.id.Alias()), LoUp: model.Some(true)}, intent, n.Pos)
	for i := range n.Interfaces {
		x.veth(n, &n.Interfaces[i], intent)
	}
	for _, r := range n.Routes {
		x.emit(namespaceRoute(n.Name, r), intent, r.Pos)
	}
	for _, s := range n.Sysctls {
		x.emit(model.Sysctl{Netns: n.Name, Name: s.Name, Value: model.Some(s.Value)}, intent, s.Pos)
	}
}

func namespaceRoute(netns string, r spec.Route) model.Route {
	o := backend.Route(netns, r.To, r.Via, r.Dev)
	o.Metric = model.Metric(r.To, r.Metric)
	return o
}

// veth emits both ends of the pair that joins a namespace to its bridge.
func (x *expander) veth(n *spec.Namespace, i *spec.Interface, intent string) {
	mtu := x.interfaceMTU(n, i)
	out := x.link("", i.Host, model.TypeVeth, mtu)
	out.Peer = model.Some(model.EndRef{Netns: n.Name, Name: i.Name})
	out.Master = model.Some(i.Bridge)
	x.emit(out, intent, i.Pos)

	in := x.link(n.Name, i.Name, model.TypeVeth, mtu)
	in.Peer = model.Some(model.EndRef{Name: i.Host})
	if !i.MAC.IsZero() {
		in.MAC = model.Some(i.MAC)
	}
	x.emit(in, intent, i.Pos)
	for _, a := range i.Addresses {
		x.emit(model.Address{Netns: n.Name, Link: i.Name, Prefix: a, Protocol: backend.AddressMark(x.facts)}, intent, i.Pos)
	}
}

// interfaceMTU returns the MTU of both ends: the bridge's, if the file gives none.
func (x *expander) interfaceMTU(n *spec.Namespace, i *spec.Interface) uint32 {
	for j := range x.node.Bridges {
		b := &x.node.Bridges[j]
		if b.Name != i.Bridge {
			continue
		}
		mtu := x.bridgeMTU(b, false)
		if i.MTU == 0 {
			x.noteNode(fmt.Sprintf("namespaces.%s.interfaces.%s.mtu", n.Name, i.Name), number(mtu), "the MTU of "+b.Name)
			return mtu
		}
		if i.MTU > mtu {
			x.warn(i.Pos, "namespace %s: mtu %d of %s is more than its bridge %s has (%d): larger packets are dropped there", n.Name, i.MTU, i.Name, b.Name, mtu)
		}
	}
	return i.MTU
}
