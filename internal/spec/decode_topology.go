package spec

import (
	"fmt"
	"net/netip"
)

// APIVersion is what every file begins with.
const APIVersion = "netplan-overlay/v1"

// Bounds of values (linux/if_link.h, drivers/net/vxlan): an IPv4 link needs 68 bytes
// (RFC 791), a device takes 65,535.
const (
	minMTU, maxMTU = 68, 65535
	maxVNI         = 1<<24 - 1
	maxPort        = 65535
)

// topology reads the merged tree.
func (d *decoder) topology(n node) *rawTopology {
	t := &rawTopology{at: n}
	if !d.fields(n,
		field{"apiVersion", d.apiVersion},
		field{"name", func(n node) { t.name = d.str(n, "the topology's name") }},
		field{"backend", func(n node) { t.backend = d.backend(n) }},
		field{"mtu", func(n node) { t.mtu = d.mtu(n) }},
		field{"probe", func(n node) { t.probe = d.probe(n) }},
		field{"defaults", func(n node) { t.defaults = d.defaults(n) }},
		field{"nodes", func(n node) {
			t.nodes = n
			d.each(n, "nodes", func(node, node) { t.count++ })
		}},
	) {
		return nil
	}
	for _, must := range []struct{ key, hint string }{
		{"apiVersion", "the file begins with: apiVersion: " + APIVersion},
		{"name", "give the topology a name: it becomes part of the mark on everything that is made"},
		{"backend", "say how packets cross the underlay: backend: vxlan, ipip or host-gw"},
		{"nodes", "list the hosts under nodes:"},
	} {
		if !n.get(must.key).given() {
			d.errorf(codeMissing, n, must.hint, "%s is missing", must.key)
		}
	}
	if nodes := n.get("nodes"); nodes.given() && nodes.empty() {
		d.noNodes(nodes)
	}
	return t
}

// noNodes refuses a topology without nodes. Where that may be meant, it has to be
// written out: a file that was cut off behind "nodes:" has none, either.
func (d *decoder) noNodes(n node) {
	switch {
	case d.mayBeEmpty && !n.null():
	case d.mayBeEmpty:
		d.errorf(codeNoNodes, n, "if none are meant, write nodes: {}", "there are no nodes")
	default:
		d.errorf(codeNoNodes, n, "to remove from a host what the topology has made there, run destroy, or apply --allow-empty", "there are no nodes")
	}
}

func (d *decoder) apiVersion(n node) { d.oneOf(n, "a version that this program reads", APIVersion) }

func (d *decoder) mtu(n node) value[uint32] { return d.number(n, "an MTU", minMTU, maxMTU) }

// backend is a name, or a map with its type and options.
func (d *decoder) backend(n node) rawBackend {
	b := rawBackend{at: n}
	kind := func(n node) { b.kind = d.oneOf(n, "a backend", HostGW, IPIP, VXLAN) }
	if n.shape() == scalar {
		kind(n)
		return b
	}
	ok := d.fields(n,
		field{"type", kind},
		field{"vni", func(n node) { b.vni = d.number(n, "a VNI", 1, maxVNI) }},
		field{"port", func(n node) { b.port = d.number(n, "a UDP port", 1, maxPort) }},
		field{"directRouting", func(n node) { b.direct = d.flag(n) }},
		field{"mode", func(n node) { b.mode = d.oneOf(n, "a mode", Multipoint, PerPeer) }},
		field{"routeMetrics", func(n node) { b.metric = d.oneOf(n, "a choice of metrics", Auto, Plain, Spread) }},
	)
	if ok && !n.get("type").given() {
		d.errorf(codeMissing, n, "type: vxlan, ipip or host-gw", "the backend has no type")
	}
	return b
}

// defaults are read like the things that they are for.
func (d *decoder) defaults(n node) (r rawDefaults) {
	d.fields(n,
		field{"node", func(n node) {
			d.fields(n,
				field{"interface", func(n node) { r.node.iface = d.str(n, "an interface") }},
				field{"overlay", func(n node) { r.node.overlay = d.overlayDefaults(n) }},
			)
		}},
		field{"bridge", func(n node) {
			d.fields(n,
				field{"mtu", func(n node) { r.bridge.mtu = d.mtu(n) }},
				field{"overlay", func(n node) { r.bridge.overlay = d.flag(n) }},
			)
		}},
		field{"namespace", func(n node) {
			d.fields(n,
				field{"mtu", func(n node) { r.mtu = d.mtu(n) }},
				field{"sysctls", func(n node) { r.namespace.sysctls = d.sysctls(n) }},
			)
		}},
	)
	return r
}

func (d *decoder) overlayDefaults(n node) rawOverlay {
	if n.null() {
		return rawOverlay{}
	}
	o := rawOverlay{at: n}
	d.fields(n,
		field{"device", func(n node) { o.device = d.str(n, "a device's name") }},
		field{"mtu", func(n node) { o.mtu = d.mtu(n) }},
	)
	return o
}

// node reads a node; it is there until the next one is.
func (d *decoder) node(key, n node) *rawNode {
	r := d.shelves.clear()
	r.at, r.key, r.name = n, key, key.text()
	ok := d.fields(n,
		field{"address", func(n node) { r.addresses = several(d, n, "an IP address", &d.shelves.hosts, d.ip) }},
		field{"interface", func(n node) { r.iface = d.str(n, "an interface") }},
		field{"overlay", func(n node) { r.overlay = d.overlay(n) }},
		field{"bridges", func(n node) {
			d.each(n, "bridges", func(k, v node) { r.bridges = append(r.bridges, d.bridge(k, v)) })
		}},
		field{"namespaces", func(n node) {
			d.each(n, "namespaces", func(k, v node) { r.namespaces = append(r.namespaces, d.namespace(k, v)) })
		}},
		field{"probe", func(n node) { r.probe = d.flag(n) }},
	)
	if a := n.get("address"); ok && (!a.given() || a.empty()) {
		d.errorf(codeMissing, key, "address: its IP address on the network that the hosts share", "the node has no address")
	}
	return r
}

func (d *decoder) overlay(n node) rawOverlay {
	if n.null() {
		return rawOverlay{}
	}
	o := rawOverlay{at: n}
	d.fields(n,
		field{"device", func(n node) { o.device = d.str(n, "a device's name") }},
		field{"mac", func(n node) { o.mac = d.mac(n) }},
		field{"address", func(n node) {
			o.addresses = several(d, n, "an address", &d.shelves.prefixes, func(n node) value[netip.Prefix] { return d.prefix(n, true) })
		}},
		field{"mtu", func(n node) { o.mtu = d.mtu(n) }},
	)
	return o
}

// bridge is an address, a list of them, or a map.
func (d *decoder) bridge(key, n node) rawBridge {
	before := len(d.problems)
	b := d.bridgeParts(key, n)
	b.broken = len(d.problems) > before
	return b
}

func (d *decoder) bridgeParts(key, n node) rawBridge {
	b := rawBridge{at: n, key: key, name: key.text()}
	if n.shape() != mapping {
		b.addresses = d.prefixes(n)
		return b
	}
	d.fields(n,
		field{"addresses", func(n node) { b.addresses = d.prefixes(n) }},
		field{"mtu", func(n node) { b.mtu = d.mtu(n) }},
		field{"mac", func(n node) { b.mac = d.mac(n) }},
		field{"overlay", func(n node) { b.overlay = d.flag(n) }},
	)
	return b
}

// namespace is the addresses of its eth0, or a map.
func (d *decoder) namespace(key, n node) rawNamespace {
	r := rawNamespace{at: n, key: key, name: key.text()}
	switch {
	case n.null():
		return r
	case n.shape() != mapping:
		r.interfaces = d.shelve(rawInterface{at: n, name: "eth0", addresses: d.prefixes(n)})
		return r
	}
	d.fields(n,
		field{"interfaces", func(n node) {
			from := len(d.shelves.interfaces)
			d.each(n, "interfaces", func(k, v node) { d.shelve(d.iface(k, v)) })
			r.interfaces = d.shelves.interfaces[from:]
		}},
		field{"routes", func(n node) { r.routes, r.noRoutes = d.routes(n), n.shape() == list && n.empty() }},
		field{"sysctls", func(n node) { r.sysctls = d.sysctls(n) }},
	)
	return r
}

// shelve puts an interface behind the others, and returns it as a list.
func (d *decoder) shelve(i rawInterface) []rawInterface {
	d.shelves.interfaces = append(d.shelves.interfaces, i)
	return d.shelves.interfaces[len(d.shelves.interfaces)-1:]
}

func (d *decoder) iface(key, n node) rawInterface {
	i := rawInterface{at: n, key: key, name: key.text()}
	if n.shape() != mapping {
		i.addresses = d.prefixes(n)
		return i
	}
	d.fields(n,
		field{"bridge", func(n node) { i.bridge = d.str(n, "a bridge") }},
		field{"addresses", func(n node) { i.addresses = d.prefixes(n) }},
		field{"mac", func(n node) { i.mac = d.mac(n) }},
		field{"host", func(n node) { i.host = d.str(n, "the name of the veth's end on the host") }},
		field{"mtu", func(n node) { i.mtu = d.mtu(n) }},
	)
	return i
}

func (d *decoder) routes(n node) (l []*rawRoute) {
	if n.null() {
		return nil
	}
	if n.shape() != list {
		d.errorf(codeWrongShape, n, "such as [{to: default, via: 10.0.0.1}]", "a list of routes is wanted here, not a %s", n.shape())
		return nil
	}
	for item := range n.items() {
		l = append(l, d.route(item))
	}
	return l
}

func (d *decoder) route(n node) *rawRoute {
	r := &rawRoute{at: n}
	before := len(d.problems)
	defer func() { r.broken = len(d.problems) > before }()
	ok := d.fields(n,
		field{"to", func(n node) {
			if n.shape() == scalar && n.text() == "default" {
				r.defaultFor = true
				return
			}
			r.to = d.destination(n)
		}},
		field{"via", func(n node) { r.via = d.ip(n) }},
		field{"dev", func(n node) { r.dev = d.str(n, "an interface") }},
		field{"metric", func(n node) { r.metric = d.number(n, "a metric", 0, 1<<32-1) }},
	)
	if ok && !n.get("to").given() {
		d.errorf(codeMissing, n, "to: default, or a subnet", "the route has no destination")
	}
	return r
}

// destination reads a subnet, in which no bit of a host may be set.
func (d *decoder) destination(n node) value[netip.Prefix] {
	s, ok := d.text(n, "a destination")
	if !ok {
		return value[netip.Prefix]{}
	}
	p, err := netip.ParsePrefix(s)
	if a, e := netip.ParseAddr(s); e == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil:
		d.errorf(codeNotDestination, n, "", "%q is neither \"default\" nor a subnet such as 10.0.0.0/8", s)
	case p != p.Masked():
		d.errorf(codeNotDestination, n, fmt.Sprintf("did you mean %s?", p.Masked()), "%s has bits beyond its length", s)
	case p.Addr().Is4In6():
		d.errorf(codeNotDestination, n, "", "%s is an IPv4 subnet in IPv6 notation", s)
	default:
		return value[netip.Prefix]{p, n}
	}
	return value[netip.Prefix]{}
}

func (d *decoder) sysctls(n node) (l []rawSysctl) {
	d.each(n, "sysctls", func(k, v node) {
		l = append(l, rawSysctl{key: k, name: k.text(), value: d.str(v, "the sysctl's value")})
	})
	return l
}
