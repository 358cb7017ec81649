package apply_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// self is the node whose host is changed.
const self = "n1"

var identity = model.Identity{Topology: "random", Node: self}

// generator makes random topologies. Names and addresses come from small pools, so
// that two topologies of one generator have much in common, and fight over the rest.
type generator struct{ *rand.Rand }

// chance is true in one of n cases.
func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g generator, l ...T) T { return l[g.IntN(len(l))] }

// backends are what the topologies choose from.
var backends = []spec.Backend{
	{Type: spec.HostGW},
	{Type: spec.VXLAN, VNI: 1, Port: 8472, Family: 4},
	{Type: spec.VXLAN, VNI: 1, Port: 8472, Family: 4, DirectRouting: true},
	{Type: spec.VXLAN, VNI: 1, Port: 8472, Family: 6},
	{Type: spec.VXLAN, VNI: 2, Port: 4789, Family: 4},
	{Type: spec.IPIP, Mode: spec.Multipoint},
	{Type: spec.IPIP, Mode: spec.Multipoint, DirectRouting: true},
	{Type: spec.IPIP, Mode: spec.PerPeer},
}

// metrics returns the topology with routes to peers that have metrics, or not, or may have.
func (g generator) metrics(t *spec.Topology) *spec.Topology {
	out := *t
	b := &out.Backend
	b.RouteMetrics = pick(g, spec.Auto, spec.Auto, spec.Plain, spec.Spread)
	b.Spread = b.RouteMetrics == spec.Spread || b.RouteMetrics == spec.Auto && g.chance(2)
	return &out
}

// topology makes a topology of two to four nodes, as validation would accept it.
func (g generator) topology(b spec.Backend) *spec.Topology {
	t := &spec.Topology{Name: identity.Topology, Backend: b}
	subnets := g.Perm(16)
	second := g.chance(4) // the node is on the second underlay device
	for i := range 2 + g.IntN(3) {
		n := spec.Node{Name: fmt.Sprintf("n%d", i+1), Pos: spec.Pos{File: "t.yaml", Line: i + 1, Column: 1}}
		if second && i == 0 {
			n.Interface = "eth1"
		}
		n.Addresses = g.underlay(i, second, b.Type == spec.HostGW)
		for _, name := range g.names(g.IntN(3)+min(i, 1), "br0", "br1", "br2", "x0") {
			n.Bridges = append(n.Bridges, g.bridge(name, subnets[0]))
			subnets = subnets[1:]
		}
		g.overlay(&n, b)
		g.namespaces(&n)
		t.Nodes = append(t.Nodes, n)
	}
	return t
}

// underlay gives the ith node its addresses, on the link of the first or not.
func (g generator) underlay(i int, second, onLink bool) []netip.Addr {
	third := 0
	if second {
		third = 1
	}
	if i > 0 && !onLink && g.chance(3) {
		third = 7
	}
	return []netip.Addr{
		netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", third, 11+i)),
		netip.MustParseAddr(fmt.Sprintf("2001:db8:%d::%d", third, 11+i)),
	}
}

// names picks n of the names, in order.
func (g generator) names(n int, pool ...string) []string {
	g.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	l := pool[:min(n, len(pool))]
	slices.Sort(l)
	return l
}

func (g generator) bridge(name string, subnet int) spec.Bridge {
	b := spec.Bridge{Name: name, MAC: model.MAC{2, 0, 0, 0, byte(g.IntN(2)), name[len(name)-1]}, Overlay: !g.chance(4)}
	host := pick(g, 1, 1, 254)
	b.Addresses = append(b.Addresses, netip.MustParsePrefix(fmt.Sprintf("10.42.%d.%d/24", subnet, host)))
	if g.chance(3) {
		b.Addresses = append(b.Addresses, netip.MustParsePrefix(fmt.Sprintf("fd42:0:0:%d::%d/64", subnet, host)))
	}
	if g.chance(4) {
		b.MTU = 1400
	}
	return b
}

func (g generator) overlay(n *spec.Node, b spec.Backend) {
	o := &n.Overlay
	if b.Type == spec.HostGW {
		return
	}
	o.MAC = model.MAC{2, 0, 0, 1, byte(g.IntN(2)), n.Name[1]}
	if b.Mode == spec.PerPeer {
		if g.chance(3) {
			o.Addresses = []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("172.30.0.%s/24", n.Name[1:]))}
		}
		return
	}
	o.Device = pick(g, "over0", "over0", "x0", "x1")
	if slices.ContainsFunc(n.Bridges, func(b spec.Bridge) bool { return b.Name == o.Device }) {
		o.Device = "over0"
	}
	for _, family := range []int{4, 6} {
		if l := slices.Collect(n.Subnets(family)); len(l) > 0 && (family == 4 || b.Type == spec.VXLAN) {
			o.Addresses = append(o.Addresses, netip.PrefixFrom(l[0].Addr(), l[0].Addr().BitLen()))
		}
	}
}

func (g generator) namespaces(n *spec.Node) {
	if len(n.Bridges) == 0 {
		return
	}
	hosts := g.names(6, "v0", "v1", "v2", "v3", "v4", "v5", "x2")
	g.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	for i, name := range g.names(g.IntN(4), "ns0", "ns1", "ns2", "v0") {
		ns := spec.Namespace{Name: name}
		for j := range 1 + g.IntN(2) {
			b := pick(g, n.Bridges...)
			x := spec.Interface{Name: fmt.Sprintf("eth%d", j), Bridge: b.Name, Host: hosts[0]}
			if g.chance(3) {
				x.MAC = model.MAC{2, 0, 0, 2, byte(i), byte(j)}
			}
			hosts = hosts[1:]
			for _, a := range b.Addresses {
				x.Addresses = append(x.Addresses, netip.PrefixFrom(offset(a.Masked().Addr(), 10*(i+1)+j), a.Bits()))
				if j == 0 {
					ns.Routes = append(ns.Routes, spec.Route{To: whole(a), Via: a.Addr(), Dev: x.Name})
				}
			}
			ns.Interfaces = append(ns.Interfaces, x)
		}
		g.sysctls(&ns)
		n.Namespaces = append(n.Namespaces, ns)
	}
}

func (g generator) sysctls(ns *spec.Namespace) {
	for _, s := range g.names(g.IntN(3), "net.ipv4.conf.eth0.rp_filter", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding") {
		ns.Sysctls = append(ns.Sysctls, spec.Sysctl{Name: s, Value: pick(g, "0", "1")})
	}
}

// offset returns the address n further, within the last byte.
func offset(a netip.Addr, n int) netip.Addr {
	b := a.AsSlice()
	b[len(b)-1] += byte(n)
	a, _ = netip.AddrFromSlice(b)
	return a
}

// whole returns the default destination of the prefix's family.
func whole(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// facts are those of the host that newHost makes; plain says that addresses carry no
// mark there.
func facts(t *spec.Topology, plain bool) model.Facts {
	node := &t.Nodes[0]
	device := node.Interface
	if device == "" {
		device = "eth0"
	}
	f := model.Facts{
		Underlay: map[int]model.Underlay{}, AddressProtocol: !plain, AcceptRA: "1",
	}
	for _, family := range []int{4, 6} {
		bits := map[int]int{4: 24, 6: 64}[family]
		f.Underlay[family] = model.Underlay{Device: device, MTU: 1500, Prefix: netip.PrefixFrom(node.Address(family), bits)}
	}
	direct := map[netip.Addr]model.Direct{}
	for _, p := range desired.Peers(t, node) {
		family := 4
		if p.Is6() {
			family = 6
		}
		direct[p] = model.Direct{OK: f.Underlay[family].Prefix.Contains(p)}
	}
	f.Direct = model.DirectsOf(direct)
	return f
}
