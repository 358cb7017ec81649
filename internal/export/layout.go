package export

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// write writes the file. Long, each place has a line of its own, so that what is wrong
// at a line can be told from what is beside it.
func (t *topology) write(long bool) *writer {
	w := &writer{flow: !long}
	for _, i := range []*item{
		text("apiVersion", spec.APIVersion), text("name", t.name), t.backend.item(),
	} {
		w.item(i, "", nil)
	}
	nodes := &item{key: "nodes", shape: mapping, block: true}
	for _, n := range t.nodes {
		nodes.add(t.node(n))
	}
	w.item(nodes, "", nil)
	return w
}

func (b backend) item() *item {
	i := &item{key: "backend", shape: mapping}
	i.add(text("type", b.kind), number("vni", b.vni), number("port", b.port), text("mode", b.mode))
	if b.direct {
		i.add(flag("directRouting", true))
	}
	if len(i.kids) == 1 {
		return text("backend", b.kind)
	}
	return i
}

func (t *topology) node(n *node) *item {
	i := &item{key: n.name, shape: mapping, block: true}
	if n.seen == nil {
		i.part = &part{"", "the peer " + n.addresses[0].String(), func() { t.remove(n) }}
	}
	i.add(several("address", n.addresses), text("interface", n.iface), n.overlayItem(), n.bridgesItem(), n.namespacesItem())
	return i
}

func (t *topology) remove(n *node) {
	t.nodes = slices.DeleteFunc(t.nodes, func(o *node) bool { return o == n })
}

func (n *node) overlayItem() *item {
	o := &n.overlay
	i := &item{key: "overlay", shape: mapping}
	i.add(text("device", o.device))
	if !o.mac.IsZero() {
		i.add(text("mac", o.mac.String()))
	}
	if a := several("address", o.addresses); a != nil {
		if n.seen != nil {
			a.part = &part{n.name, "the addresses of the overlay device", func() { o.addresses = nil }}
		}
		i.add(a)
	}
	i.add(number("mtu", o.mtu))
	return i.orNothing()
}

func (i *item) orNothing() *item {
	if len(i.kids) == 0 {
		return nil
	}
	return i
}

func (n *node) bridgesItem() *item {
	i := &item{key: "bridges", shape: mapping}
	for _, b := range n.bridges {
		i.add(n.bridgeItem(b))
	}
	return i.orNothing()
}

// bridgeItem is a bridge, in the short form where it has nothing but addresses. Of a
// peer's bridge, a single address can't be left out: nothing would be left of the peer.
func (n *node) bridgeItem(b *bridge) *item {
	addresses := several("addresses", b.addresses)
	n.apart(addresses, &b.addresses, b.name)
	i := &item{key: b.name, shape: mapping}
	i.add(addresses, number("mtu", b.mtu))
	if !b.mac.IsZero() {
		i.add(text("mac", b.mac.String()))
	}
	if b.local {
		i.add(flag("overlay", false))
	}
	i = i.orShort(addresses)
	if n.seen != nil {
		i.part = &part{n.name, fmt.Sprintf("bridge %s", b.name), func() { n.removeBridge(b) }}
	}
	return i
}

// apart lets each address of a list be left out by itself.
func (n *node) apart(addresses *item, l *[]netip.Prefix, on string) {
	if addresses == nil {
		return
	}
	for k, a := range addresses.kids {
		p := (*l)[k]
		a.part = &part{n.name, fmt.Sprintf("address %s on %s", p, on), func() {
			*l = slices.DeleteFunc(slices.Clone(*l), func(o netip.Prefix) bool { return o == p })
		}}
	}
}

// orShort is the map, or its addresses alone if it has nothing else.
func (i *item) orShort(addresses *item) *item {
	if len(i.kids) != 1 || i.kids[0] != addresses {
		return i
	}
	short := *addresses
	short.key = i.key
	return &short
}

// removeBridge takes a bridge out, with the interfaces on it.
func (n *node) removeBridge(b *bridge) {
	n.bridges = slices.DeleteFunc(n.bridges, func(o *bridge) bool { return o == b })
	for _, ns := range n.namespaces {
		for _, i := range slices.Clone(ns.interfaces) {
			if i.bridge == b.name {
				ns.remove(i)
			}
		}
	}
	n.namespaces = slices.DeleteFunc(n.namespaces, func(ns *namespace) bool { return len(ns.interfaces) == 0 })
}

func (n *node) removeNamespace(ns *namespace) {
	n.namespaces = slices.DeleteFunc(n.namespaces, func(o *namespace) bool { return o == ns })
}

func (n *node) namespacesItem() *item {
	i := &item{key: "namespaces", shape: mapping}
	for _, ns := range n.namespaces {
		i.add(n.namespaceItem(ns))
	}
	return i.orNothing()
}

func (n *node) namespaceItem(ns *namespace) *item {
	interfaces := &item{key: "interfaces", shape: mapping}
	for _, i := range ns.interfaces {
		interfaces.add(n.interfaceItem(ns, i))
	}
	i := &item{key: ns.name, shape: mapping}
	i.add(interfaces.orNothing(), n.routesItem(ns), n.sysctlsItem(ns))
	if len(i.kids) == 1 && len(ns.interfaces) == 1 && ns.interfaces[0].name == "eth0" && interfaces.kids[0].shape != mapping {
		short := *interfaces.kids[0]
		short.key = ns.name
		i = &short
	}
	i.part = &part{n.name, fmt.Sprintf("netns %s", ns.name), func() { n.removeNamespace(ns) }}
	return i
}

func (n *node) interfaceItem(ns *namespace, f *iface) *item {
	addresses := several("addresses", f.addresses)
	n.apart(addresses, &f.addresses, f.name+" in netns "+ns.name)
	i := &item{key: f.name, shape: mapping}
	i.add(addresses, text("bridge", f.bridge), text("host", f.host), number("mtu", f.mtu))
	i = i.orShort(addresses)
	i.part = &part{n.name, fmt.Sprintf("link %s in netns %s", f.name, ns.name), func() {
		ns.remove(f)
		if len(ns.interfaces) == 0 {
			n.removeNamespace(ns)
		}
	}}
	return i
}

// remove takes an interface out, with the routes that lead out of it.
func (ns *namespace) remove(f *iface) {
	ns.interfaces = slices.DeleteFunc(ns.interfaces, func(o *iface) bool { return o == f })
	ns.routes = slices.DeleteFunc(ns.routes, func(r *route) bool { return r.dev == f.name })
	ns.noRoutes = ns.noRoutes || len(ns.routes) == 0
}

func (n *node) routesItem(ns *namespace) *item {
	i := &item{key: "routes", shape: list}
	if len(ns.routes) == 0 && ns.noRoutes {
		return i
	}
	for _, r := range ns.routes {
		to := r.to.String()
		if r.to.Bits() == 0 && r.via.IsValid() {
			to = "default"
		}
		m := &item{shape: mapping, part: &part{n.name, fmt.Sprintf("route %s in netns %s", r.to, ns.name), func() {
			ns.routes = slices.DeleteFunc(ns.routes, func(o *route) bool { return o == r })
			ns.noRoutes = ns.noRoutes || len(ns.routes) == 0
		}}}
		m.add(text("to", to))
		if r.via.IsValid() {
			m.add(text("via", r.via.String()))
		}
		m.add(text("dev", r.dev), number("metric", r.metric))
		i.add(m)
	}
	return i.orNothing()
}

func (n *node) sysctlsItem(ns *namespace) *item {
	i := &item{key: "sysctls", shape: mapping}
	for _, s := range ns.sysctls {
		v := text(s.Name, s.Value.Value())
		if v == nil {
			continue
		}
		v.plain = isDecimal(v.text)
		v.part = &part{n.name, fmt.Sprintf("sysctl %s in netns %s", s.Name, ns.name), func() {
			ns.sysctls = slices.DeleteFunc(ns.sysctls, func(o model.Sysctl) bool { return o == s })
		}}
		i.add(v)
	}
	return i.orNothing()
}
