package lab

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// defaultMTU is that of the underlay where the file gives none.
const defaultMTU = 1500

// segment is a link of the underlay: a bridge, with the nodes that share a subnet.
// Where there are several subnets of a family, the sandbox itself is the router.
type segment struct {
	bridge  string
	nodes   []*spec.Node
	subnets []netip.Prefix
	routers map[netip.Prefix]netip.Addr // the router's address in each subnet
}

// underlay returns the steps that make the hosts and what joins them.
func underlay(t *spec.Topology) ([]model.Step, error) {
	mtu := t.MTU
	if mtu == 0 {
		mtu = defaultMTU
	}
	segments := segmentsOf(t)
	b := &builder{mtu: mtu, routed: needsRouter(segments), ipv6: hasIPv6(t)}
	b.settleAtOnce("")
	if b.routed {
		b.forward()
	}
	for i, s := range segments {
		if err := s.findRouters(t); b.routed && err != nil {
			return nil, err
		}
		s.bridge = fmt.Sprintf("net%d", i+1)
		b.segment(s)
	}
	return b.steps, nil
}

// segmentsOf puts nodes that share a subnet of either family onto one link.
func segmentsOf(t *spec.Topology) []*segment {
	lengths := map[int]int{4: lengthFor(t, 4, 24), 6: lengthFor(t, 6, 64)}
	bySubnet := map[netip.Prefix]*segment{}
	var l []*segment
	for i := range t.Nodes {
		n := &t.Nodes[i]
		var home *segment
		for _, a := range n.Addresses {
			s := bySubnet[subnetOf(a, lengths)]
			switch {
			case home == nil:
				home = s
			case s != nil && s != home:
				home.join(s, bySubnet)
				l = slices.DeleteFunc(l, func(x *segment) bool { return x == s })
			}
		}
		if home == nil {
			home = &segment{}
			l = append(l, home)
		}
		home.nodes = append(home.nodes, n)
		for _, a := range n.Addresses {
			p := subnetOf(a, lengths)
			if bySubnet[p] == nil {
				home.subnets = append(home.subnets, p)
			}
			bySubnet[p] = home
		}
	}
	return l
}

// needsRouter says whether there are several subnets of a family, on one link or on
// more.
func needsRouter(segments []*segment) bool {
	subnets := map[int]int{}
	for _, s := range segments {
		for _, p := range s.subnets {
			subnets[model.Family(p.Addr())]++
		}
	}
	return subnets[4] > 1 || subnets[6] > 1
}

// lengthFor returns the length of the underlay's subnets: the usual one, or a shorter
// one where a node's address would be the subnet's own or its broadcast address.
func lengthFor(t *spec.Topology, family, usual int) int {
	bits := usual
	for i := range t.Nodes {
		a := t.Nodes[i].Address(family)
		for bits > 8 && a.IsValid() {
			p := netip.PrefixFrom(a, bits).Masked()
			if a != p.Addr() && p.Contains(a.Next()) {
				break
			}
			bits--
		}
	}
	return bits
}

func subnetOf(a netip.Addr, lengths map[int]int) netip.Prefix {
	return netip.PrefixFrom(a, lengths[model.Family(a)]).Masked()
}

// join takes over the nodes and subnets of another segment.
func (s *segment) join(o *segment, bySubnet map[netip.Prefix]*segment) {
	s.nodes = append(s.nodes, o.nodes...)
	s.subnets = append(s.subnets, o.subnets...)
	for _, p := range o.subnets {
		bySubnet[p] = s
	}
}

// findRouters takes the last address of each subnet that no node has, nor any overlay
// subnet, which may lie within.
func (s *segment) findRouters(t *spec.Topology) error {
	s.routers = map[netip.Prefix]netip.Addr{}
	for _, p := range s.subnets {
		a := lastOf(p).Prev() // the last one is the broadcast address
		for end, ok := taken(t, a); ok && p.Contains(end); end, ok = taken(t, a) {
			a = end.Prev()
		}
		if !p.Contains(a) || a == p.Addr() {
			return fmt.Errorf("lab: the underlay subnet %s has no address left for a router", p)
		}
		s.routers[p] = a
	}
	return nil
}

// taken says whether an address is a node's or within a subnet of any bridge, and
// where that begins.
func taken(t *spec.Topology, a netip.Addr) (begin netip.Addr, ok bool) {
	for i := range t.Nodes {
		n := &t.Nodes[i]
		if slices.Contains(n.Addresses, a) {
			return a, true
		}
		for _, b := range n.Bridges {
			for _, p := range b.Addresses {
				if p.Contains(a) {
					return p.Masked().Addr(), true
				}
			}
		}
	}
	return a, false
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b) // as long as before
	return a
}

// builder collects the steps.
type builder struct {
	mtu    uint32
	routed bool
	ipv6   bool
	ports  int
	steps  []model.Step
}

func (b *builder) create(o model.Object) {
	b.steps = append(b.steps, model.Step{Op: model.OpCreate, After: o})
}

// hasIPv6 says whether the topology needs any.
func hasIPv6(t *spec.Topology) bool {
	return slices.ContainsFunc(t.Nodes, func(n spec.Node) bool { return n.Address(6).IsValid() || n.HasSubnets(6) })
}

// settleAtOnce spares the links of a namespace duplicate address detection: for its one
// or two seconds a router asks for no neighbours (ndisc_solicit, net/ipv6/ndisc.c).
func (b *builder) settleAtOnce(netns string) {
	if b.ipv6 {
		b.create(model.Sysctl{Netns: netns, Name: "net.ipv6.conf.default.accept_dad", Value: model.Some("0")})
	}
}

// forward makes the sandbox a router.
func (b *builder) forward() {
	b.create(model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some("1")})
	if b.ipv6 {
		b.create(model.Sysctl{Name: "net.ipv6.conf.all.forwarding", Value: model.Some("1")})
	}
}

func (b *builder) link(netns, name, kind string) model.Link {
	return model.Link{Netns: netns, Name: name, Type: model.Some(kind), MTU: model.Some(b.mtu), Up: model.Some(true)}
}

func (b *builder) segment(s *segment) {
	b.create(b.link("", s.bridge, model.TypeBridge))
	if b.routed {
		for _, p := range s.subnets {
			b.create(model.Address{Link: s.bridge, Prefix: netip.PrefixFrom(s.routers[p], p.Bits())})
		}
	}
	for _, n := range s.nodes {
		b.host(s, n)
	}
}

// host makes a node's namespace with its underlay device.
func (b *builder) host(s *segment, n *spec.Node) {
	device := n.Interface
	if device == "" {
		device = "eth0"
	}
	b.ports++
	port := b.link("", fmt.Sprintf("port%d", b.ports), model.TypeVeth)
	port.Peer = model.Some(model.EndRef{Netns: n.Name, Name: device})
	port.Master = model.Some(s.bridge)
	end := b.link(n.Name, device, model.TypeVeth)
	end.Peer = model.Some(model.EndRef{Name: port.Name})
	b.create(model.Netns{Name: n.Name, LoUp: model.Some(true)})
	b.settleAtOnce(n.Name)
	b.create(port)
	b.create(end)
	for _, a := range n.Addresses {
		i := slices.IndexFunc(s.subnets, func(p netip.Prefix) bool { return p.Contains(a) })
		p := s.subnets[i]
		b.create(model.Address{Netns: n.Name, Link: device, Prefix: netip.PrefixFrom(a, p.Bits())})
		if b.routed {
			whole := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
			if a.Is6() {
				whole = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
			}
			b.create(model.Route{Netns: n.Name, Dst: whole, Table: model.TableMain, Via: model.Some(s.routers[p]), Dev: model.Some(device)})
		}
	}
}
