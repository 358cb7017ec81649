package diff_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// The host of these tests: eth0 is the underlay, and its default route leads to
// 10.9.0.1 on eth1, over which somebody is logged in from 203.0.113.5. There are a
// bridge and a vxlan device of ours.
var (
	gatewayIP = netip.MustParseAddr("10.9.0.1")
	clientIP  = netip.MustParseAddr("203.0.113.5")
	ownIP     = netip.MustParseAddr("10.9.0.5")
)

// path is a route of the main table.
func path(dst, dev string, via netip.Addr) model.Path {
	p := netip.MustParsePrefix(dst)
	return model.Path{Type: "unicast", Dst: p, Table: model.TableMain, Metric: model.Metric(p, 0), Hops: []model.Hop{{Dev: dev, Via: via}}}
}

// byDefault is the management by a default route out of a device.
func byDefault(dev string) model.Management {
	way := path("0.0.0.0/0", dev, gatewayIP)
	local := netip.Addr{}
	if dev == "eth1" {
		local = ownIP
	}
	return model.Management{Ways: []model.Way{
		{For: "the default route", Path: way},
		{For: "the SSH connection", To: clientIP, Local: local, Path: way},
		{For: "the default route", To: gatewayIP, Path: path("10.9.0.0/24", dev, netip.Addr{})},
	}}
}

// over is the management by way of our own overlay.
func over() model.Management {
	return model.Management{Ways: []model.Way{
		{For: "the SSH connection", To: netip.MustParseAddr("172.246.0.2"), Local: netip.MustParseAddr("172.245.0.1"),
			Path: path("172.246.0.0/24", "vxlan1", netip.MustParseAddr("172.246.0.0"))},
		{For: "the SSH connection", To: netip.MustParseAddr("192.168.32.246"), Path: path("192.168.32.0/24", "eth0", netip.Addr{})},
	}}
}

// with changes a management.
func with(m model.Management, f func(*model.Management)) model.Management {
	f(&m)
	return m
}

func link(name, kind string) model.Link {
	return model.Link{Name: name, Type: model.Some(kind), Up: model.Some(true), Group: model.Some(model.MarkGroup)}
}

func port(l model.Link, master string) model.Link {
	l.Master = model.Some(master)
	return l
}

func toInside(l model.Link, netns string) model.Link {
	l.Peer = model.Some(model.EndRef{Netns: netns, Name: "eth0"})
	return l
}

func address(link, prefix string) model.Address {
	return model.Address{Link: link, Prefix: netip.MustParsePrefix(prefix)}
}

func within(a model.Address, netns string) model.Address {
	a.Netns = netns
	return a
}

func withMetric(r model.Route, m uint32) model.Route {
	r.Metric = m
	return r
}

func sysctl(name, value string) model.Sysctl {
	return model.Sysctl{Name: name, Value: model.Some(value)}
}

func create(o model.Object) model.Step { return model.Step{Op: model.OpCreate, After: o} }

func alter(before, after model.Object) model.Step {
	return model.Step{Op: model.OpUpdate, Before: before, After: after}
}

// managed is the host, with more that is there; all links are ours.
func managed(more ...model.Object) *model.State {
	s := &model.State{}
	for _, o := range append([]model.Object{
		model.Link{Name: "eth0"}, model.Link{Name: "eth1"}, link("br245", model.TypeBridge), link("vxlan1", model.TypeVXLAN),
		address("eth0", "192.168.32.245/24"), address("eth1", "10.9.0.5/24"), address("br245", "172.245.0.1/24"),
		model.Neighbour{Link: "vxlan1", IP: netip.MustParseAddr("172.246.0.0"), MAC: model.Some(mac("02:00:00:00:01:46"))},
	}, more...) {
		e := model.Entry{Object: o}
		if l, ok := o.(model.Link); ok && l.Group.IsSet() {
			e.Owner = model.OwnerOurs
		}
		s.Put(e)
	}
	return s
}

var (
	eth1     = model.Link{Name: "eth1"}
	br9      = link("br9", model.TypeBridge)
	tunnel   = model.Link{Name: "tunl0", Type: model.Some(model.TypeIPIP), IPIP: model.IPIP{Remote: model.Some(netip.Addr{})}}
	forward6 = "net.ipv6.conf.all.forwarding"
	acceptRA = "net.ipv6.conf.eth1.accept_ra"
)

// advertised is the management by a default route that a router advertised.
func advertised(acceptRA string) model.Management {
	m := model.Management{Ways: []model.Way{{For: "the IPv6 default route", Path: path("::/0", "eth1", netip.MustParseAddr("fe80::1"))}}}
	m.Ways[0].Protocol = model.RouteProtocolRA
	m.AcceptRA, m.Forwarding6 = map[string]string{"eth1": acceptRA}, "0"
	return m
}

// What the steps do to what carries the management connection: first what touches it,
// by whatever the tool can do at all, then what does not.
func TestTouches(t *testing.T) {
	for _, tc := range []struct {
		name  string
		m     model.Management
		there []model.Object
		steps []model.Step
		want  []string // "ACTION OBJECT: WHY"
	}{
		// Links.
		{"deletes the device", byDefault("eth1"), nil, []model.Step{remove(eth1)},
			[]string{"delete link eth1: eth1 carries the default route and the SSH connection"}},
		{"changes the device", byDefault("eth1"), nil, []model.Step{alter(eth1, port(eth1, "br245"))},
			[]string{"update link eth1: eth1 carries the default route and the SSH connection"}},
		{"deletes the bridge that the device is a port of", byDefault("br9"), []model.Object{br9, port(eth1, "br9")}, []model.Step{
			{Op: model.OpDelete, Before: br9, Along: &model.Along{Released: []model.Object{port(eth1, "br9")}}},
		}, []string{
			"delete link br9: br9 carries the default route and the SSH connection",
			"update link eth1: eth1 is a port of br9, which carries the default route and the SSH connection (goes with link br9)",
		}},
		{"gives the device another name", byDefault("br9"), []model.Object{br9}, []model.Step{alter(br9, link("br10", model.TypeBridge))},
			[]string{"update link br10: br9 carries the default route and the SSH connection"}},
		{"changes a port of the bridge", byDefault("br9"), []model.Object{br9, port(eth1, "br9")}, []model.Step{alter(port(eth1, "br9"), eth1)},
			[]string{"update link eth1: eth1 is a port of br9, which carries the default route and the SSH connection"}},
		{"deletes what the device stands on", with(byDefault("mv9"), func(m *model.Management) { m.Lower = map[string]string{"mv9": "br9"} }),
			[]model.Object{br9, model.Link{Name: "mv9"}, port(eth1, "br9")}, []model.Step{remove(br9), alter(port(eth1, "br9"), eth1)}, []string{
				"delete link br9: br9 is below mv9, which carries the default route and the SSH connection",
				"update link eth1: eth1 is a port of br9, which is below mv9, which carries the default route and the SSH connection",
			}},
		{"changes the master", byDefault("eth1"), []model.Object{link("vrf9", "vrf"), port(eth1, "vrf9"), port(model.Link{Name: "eth7"}, "vrf9")},
			[]model.Step{remove(link("vrf9", "vrf")), alter(port(model.Link{Name: "eth7"}, "vrf9"), model.Link{Name: "eth7"})},
			[]string{"delete link vrf9: vrf9 is the master of eth1, which carries the default route and the SSH connection"}},
		{"takes the device along", byDefault("vx9"), []model.Object{link("vx9", model.TypeVXLAN)},
			[]model.Step{{Op: model.OpDelete, Before: link("br245", model.TypeBridge), Along: &model.Along{Lost: []model.Object{link("vx9", model.TypeVXLAN)}}}},
			[]string{"delete link vx9: vx9 carries the default route and the SSH connection (goes with link br245)"}},
		{"makes a tunnel that takes another one's packets", byDefault("tunl0"), []model.Object{tunnel},
			[]model.Step{create(model.Link{Name: "ipip-overlay", Type: model.Some(model.TypeIPIP)})},
			[]string{"create link ipip-overlay: it could take over packets that tunl0 receives, which carries the default route"}},

		// Addresses.
		{"deletes an address of the device", byDefault("eth1"), nil, []model.Step{remove(address("eth1", "10.9.0.6/24"))},
			[]string{"delete address 10.9.0.6/24 on eth1: eth1 carries the default route and the SSH connection"}},
		{"deletes the connection's own address elsewhere", with(byDefault("eth1"), func(m *model.Management) { m.Ways[1].Local = netip.MustParseAddr("172.245.0.1") }), nil,
			[]model.Step{{Op: model.OpDelete, Before: link("br245", model.TypeBridge), Along: &model.Along{Lost: []model.Object{address("br245", "172.245.0.1/24")}}}},
			[]string{
				"delete link br245: br245 carries the SSH connection",
				"delete address 172.245.0.1/24 on br245: 172.245.0.1 is this host's end of the SSH connection (goes with link br245)",
			}},
		{"adds a subnet that has the client", byDefault("eth1"), nil, []model.Step{create(address("br245", "203.0.113.1/24"))},
			[]string{"create address 203.0.113.1/24 on br245: packets to 203.0.113.5 would no longer leave by eth1, which carries the SSH connection"}},
		{"adds a subnet that has the gateway", byDefault("eth1"), nil, []model.Step{create(address("br245", "10.9.0.9/24"))},
			[]string{"create address 10.9.0.9/24 on br245: packets to 10.9.0.1 would no longer leave by eth1, which carries the default route"}},
		{"adds a subnet on the device itself that has the client", byDefault("eth1"), nil, []model.Step{create(address("eth1", "203.0.113.1/24"))},
			[]string{"create address 203.0.113.1/24 on eth1: packets to 203.0.113.5 would no longer leave by eth1, which carries the SSH connection"}},
		{"sets a link up again whose subnet has the client", byDefault("eth1"), []model.Object{address("br245", "203.0.113.1/24")},
			[]model.Step{alter(model.Link{Name: "br245", Up: model.Some(false)}, model.Link{Name: "br245", Up: model.Some(true)})},
			[]string{"update link br245: packets to 203.0.113.5 would no longer leave by eth1, which carries the SSH connection"}},
		{"takes the client's address", byDefault("eth1"), nil, []model.Step{create(address("br245", "203.0.113.5/32"))},
			[]string{"create address 203.0.113.5/32 on br245: packets to 203.0.113.5 would no longer leave this host, and they carry the SSH connection"}},
		{"takes the gateway's address", byDefault("eth1"), nil, []model.Step{create(address("vxlan1", "10.9.0.1/32"))},
			[]string{"create address 10.9.0.1/32 on vxlan1: packets to 10.9.0.1 would no longer leave this host, and they carry the default route"}},
		{"has the client as broadcast address", with(byDefault("eth1"), func(m *model.Management) { m.Ways[1].Path = path("203.0.113.5/32", "eth1", gatewayIP) }), nil,
			[]model.Step{create(address("br245", "203.0.113.4/31")), create(address("br245", "203.0.113.2/29")), create(address("br245", "203.0.113.3/30"))}, nil},
		{"has the client as broadcast address indeed", with(byDefault("eth1"), func(m *model.Management) {
			m.Ways[1].To = netip.MustParseAddr("203.0.113.7")
			m.Ways[1].Path = path("203.0.113.7/32", "eth1", gatewayIP)
		}), nil, []model.Step{create(address("br245", "203.0.113.2/29"))},
			[]string{"create address 203.0.113.2/29 on br245: packets to 203.0.113.7 would no longer leave this host, and they carry the SSH connection"}},

		// Routes.
		{"deletes the default route", byDefault("eth1"), nil, []model.Step{remove(route("0.0.0.0/0", "10.9.0.1", "eth1"))},
			[]string{"delete route default: it is the default route, and carries the SSH connection"}},
		{"takes the default route along", byDefault("eth1"), nil, []model.Step{{Op: model.OpDelete, Before: address("br245", "172.245.0.1/24"), Along: &model.Along{Lost: []model.Object{route("0.0.0.0/0", "10.9.0.1", "eth1")}}}},
			[]string{"delete route default: it is the default route, and carries the SSH connection (goes with address 172.245.0.1/24 on br245)"}},
		{"would take the default route along if taken back", byDefault("eth1"), nil, []model.Step{{Op: model.OpCreate, After: address("eth1", "10.7.0.1/24"), Along: &model.Along{Restore: []model.Object{route("0.0.0.0/0", "10.9.0.1", "eth1")}}}},
			[]string{"delete route default: it is the default route, and carries the SSH connection (goes with address 10.7.0.1/24 on eth1)"}},
		{"leads the default route elsewhere", byDefault("eth1"), nil, []model.Step{alter(route("0.0.0.0/0", "10.9.0.1", "eth1"), route("0.0.0.0/0", "172.246.0.1", "vxlan1"))},
			[]string{"update route default: it is the default route, and carries the SSH connection"}},
		{"changes the connected route", byDefault("eth1"), nil, []model.Step{alter(route("10.9.0.0/24", "", "eth1"), route("10.9.0.0/24", "172.246.0.1", "vxlan1"))},
			[]string{"update route 10.9.0.0/24: it carries the default route"}},
		{"adds a default route of another metric", byDefault("eth1"), nil, []model.Step{create(withMetric(route("0.0.0.0/0", "172.246.0.1", "vxlan1"), 50))},
			[]string{"create route default metric 50: it would take packets away from the default route, which leads out of eth1"}},
		{"adds half a default route", byDefault("eth1"), nil, []model.Step{create(route("128.0.0.0/1", "172.246.0.1", "vxlan1"))},
			[]string{"create route 128.0.0.0/1: it would take packets away from the default route, which leads out of eth1"}},
		{"adds a route to the client", byDefault("eth1"), nil, []model.Step{create(route("203.0.113.0/24", "172.246.0.1", "vxlan1"))},
			[]string{"create route 203.0.113.0/24: packets to 203.0.113.5 would no longer leave by eth1, which carries the SSH connection"}},
		{"adds a route to the client that goes before", with(byDefault("eth1"), func(m *model.Management) {
			m.Ways[1].Path = path("203.0.113.0/24", "eth1", gatewayIP)
			m.Ways[1].Metric = 100
		}), nil, []model.Step{create(route("203.0.113.0/24", "172.246.0.1", "vxlan1"))},
			[]string{"create route 203.0.113.0/24: packets to 203.0.113.5 would no longer leave by eth1, which carries the SSH connection"}},
		{"adds a route to a client of another table", with(byDefault("eth1"), func(m *model.Management) { m.Ways[1].Table = 51820 }), nil,
			[]model.Step{create(route("203.0.113.0/24", "172.246.0.1", "vxlan1"))},
			[]string{"create route 203.0.113.0/24: packets to 203.0.113.5 would no longer leave by eth1, which carries the SSH connection"}},

		// Through the overlay itself.
		{"deletes the overlay's device", over(), nil, []model.Step{remove(link("vxlan1", model.TypeVXLAN))}, []string{"delete link vxlan1: vxlan1 carries the SSH connection"}},
		{"deletes the route to the client's node", over(), nil, []model.Step{remove(route("172.246.0.0/24", "172.246.0.0", "vxlan1"))}, []string{"delete route 172.246.0.0/24: it carries the SSH connection"}},
		{"deletes its neighbour", over(), nil, []model.Step{remove(model.Neighbour{Link: "vxlan1", IP: netip.MustParseAddr("172.246.0.0")})},
			[]string{"delete neighbour 172.246.0.0 on vxlan1: 172.246.0.0 is the next hop of the SSH connection"}},
		{"deletes its FDB entry", over(), nil, []model.Step{remove(model.FDBEntry{Link: "vxlan1", MAC: mac("02:00:00:00:01:46")})},
			[]string{"delete fdb 02:00:00:00:01:46 on vxlan1: 172.246.0.0 is the next hop of the SSH connection"}},
		{"leads the outer packets elsewhere", over(), nil, []model.Step{create(route("192.168.32.246/32", "10.7.0.1", "br245"))},
			[]string{"create route 192.168.32.246: packets to 192.168.32.246 would no longer leave by eth0, which carries the SSH connection"}},
		{"changes the underlay", over(), nil, []model.Step{remove(address("eth0", "192.168.32.245/24"))},
			[]string{"delete address 192.168.32.245/24 on eth0: eth0 carries the SSH connection"}},

		// By a gateway in a namespace of the host.
		{"deletes the gateway's namespace", byDefault("br245"), inside("10.9.0.1/24"), []model.Step{remove(model.Netns{Name: "fw"})},
			[]string{"delete netns fw: the namespace has 10.9.0.1, the next hop of the default route"}},
		{"changes something inside", byDefault("br245"), inside("10.9.0.1/24"), []model.Step{remove(within(address("eth0", "10.9.0.1/24"), "fw")), remove(toInside(link("vfw", model.TypeVeth), "fw"))},
			[]string{
				"delete address 10.9.0.1/24 on eth0 in netns fw: the namespace has 10.9.0.1, the next hop of the default route",
				"delete link vfw: the namespace has 10.9.0.1, the next hop of the default route",
			}},

		// Sysctls.
		{"forwards and forgets the advertised route", advertised("1"), nil, []model.Step{alter(sysctl(forward6, "0"), sysctl(forward6, "1"))},
			[]string{"update sysctl net.ipv6.conf.all.forwarding: the kernel would remove the IPv6 default route, which was learnt from a router advertisement on eth1; set net.ipv6.conf.eth1.accept_ra to 2 first"}},
		{"lets the advertised route expire", with(advertised("2"), func(m *model.Management) { m.Forwarding6 = "1" }), nil, []model.Step{alter(sysctl(acceptRA, "2"), sysctl(acceptRA, "1"))},
			[]string{"update sysctl net.ipv6.conf.eth1.accept_ra: the IPv6 default route would expire: a host that forwards hears router advertisements on eth1 only with 2"}},
		{"switches IPv6 off", byDefault("eth1"), nil, []model.Step{alter(sysctl("net.ipv6.conf.eth1.disable_ipv6", "0"), sysctl("net.ipv6.conf.eth1.disable_ipv6", "1"))},
			[]string{"update sysctl net.ipv6.conf.eth1.disable_ipv6: eth1 carries the default route and the SSH connection"}},

		// What touches nothing.
		{"no management", model.Management{}, nil, []model.Step{remove(eth1)}, nil},
		{"a vxlan device over it", byDefault("eth0"), nil, []model.Step{create(model.Link{Name: "vx9", Type: model.Some(model.TypeVXLAN), VXLAN: model.VXLAN{Dev: model.Some("eth0")}})}, nil},
		{"an ipip device beside it", byDefault("eth1"), nil, []model.Step{create(model.Link{Name: "ipip-overlay", Type: model.Some(model.TypeIPIP)})}, nil},
		{"a route through it to a peer's subnet", byDefault("eth0"), nil, []model.Step{create(route("172.246.0.0/24", "192.168.32.246", "eth0")), remove(route("172.246.0.0/24", "192.168.32.246", "eth0"))}, nil},
		{"another peer's route, neighbour and FDB entry", over(), nil, []model.Step{
			remove(route("172.247.0.0/24", "172.247.0.0", "vxlan1")),
			remove(model.Neighbour{Link: "vxlan1", IP: netip.MustParseAddr("172.247.0.0")}), remove(model.FDBEntry{Link: "vxlan1", MAC: mac("02:00:00:00:01:47")}),
		}, nil},
		{"a wider route", byDefault("eth1"), nil, []model.Step{create(route("10.0.0.0/8", "172.246.0.1", "vxlan1"))}, nil},
		{"a route to the client of a higher metric", with(byDefault("eth1"), func(m *model.Management) { m.Ways[1].Path = path("203.0.113.0/24", "eth1", gatewayIP) }), nil,
			[]model.Step{create(withMetric(route("203.0.113.0/24", "172.246.0.1", "vxlan1"), 10))}, nil},
		{"a route to the client by the same way", byDefault("eth1"), nil, []model.Step{create(route("203.0.113.0/24", "10.9.0.1", "eth1"))}, nil},
		{"a route of a namespace", byDefault("eth1"), nil, []model.Step{create(func() model.Route { r := route("0.0.0.0/0", "172.245.0.1", "eth0"); r.Netns = "ns245"; return r }())}, nil},
		{"another port of the bridge", byDefault("br9"), []model.Object{br9, port(eth1, "br9"), port(toInside(link("v1", model.TypeVeth), "ns1"), "br9")},
			[]model.Step{create(port(link("v2", model.TypeVeth), "br9")), remove(port(toInside(link("v1", model.TypeVeth), "ns1"), "br9"))}, nil},
		{"another subnet on the device", byDefault("eth1"), nil, []model.Step{create(address("eth1", "10.7.0.1/24"))}, nil},
		{"the same subnet on the device", byDefault("eth1"), nil, []model.Step{create(address("eth1", "10.9.0.6/24"))}, nil},
		{"forwarding of IPv4", byDefault("eth1"), nil, []model.Step{alter(sysctl("net.ipv4.ip_forward", "0"), sysctl("net.ipv4.ip_forward", "1"))}, nil},
		{"forwarding, and who listens is not the kernel", advertised("0"), nil, []model.Step{alter(sysctl(forward6, "0"), sysctl(forward6, "1"))}, nil},
		{"forwarding after it was made safe", advertised("1"), nil, []model.Step{alter(sysctl(acceptRA, "1"), sysctl(acceptRA, "2")), alter(sysctl(forward6, "0"), sysctl(forward6, "1"))}, nil},
		{"both given back", with(advertised("2"), func(m *model.Management) { m.Forwarding6 = "1" }), nil, []model.Step{
			remove(model.Sysctl{Name: forward6, Value: model.Some("1"), Saved: model.Some("0")}), remove(model.Sysctl{Name: acceptRA, Value: model.Some("2"), Saved: model.Some("1")}),
		}, nil},
		{"the sysctl of another device", byDefault("eth1"), nil, []model.Step{alter(sysctl("net.ipv4.conf.eth0.rp_filter", "1"), sysctl("net.ipv4.conf.eth0.rp_filter", "0"))}, nil},
		{"a namespace that is not the gateway's", byDefault("br245"), inside("10.9.0.7/24"), []model.Step{remove(model.Netns{Name: "fw"}), remove(toInside(link("vfw", model.TypeVeth), "fw"))}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := &diff.Plan{Steps: tc.steps}
			for _, s := range tc.steps {
				p.Changes = append(p.Changes, diff.Change{Action: map[model.Op]diff.Action{
					model.OpCreate: diff.Create, model.OpUpdate: diff.Update, model.OpDelete: diff.Delete,
				}[s.Op], Before: s.Before, After: s.After})
			}
			var got []string
			for _, x := range diff.Touches(p, managed(tc.there...), tc.m) {
				s := x.Action.String() + " " + x.Object.Key().String() + ": " + x.Why
				if x.Cause != (model.Key{}) {
					s += " (goes with " + x.Cause.String() + ")"
				}
				got = append(got, s)
			}
			same(t, "touched", tc.want, got)
		})
	}
}

// inside is a namespace fw with an address, behind a port of br245.
func inside(prefix string) []model.Object {
	in := link("eth0", model.TypeVeth)
	in.Netns, in.Peer = "fw", model.Some(model.EndRef{Name: "vfw"})
	return []model.Object{model.Netns{Name: "fw"}, in, within(address("eth0", prefix), "fw"), port(toInside(link("vfw", model.TypeVeth), "fw"), "br245")}
}

// Every kind has an opinion: one that is new needs to be thought about, here and in
// docs/safety.md.
func TestTouchesKnowsEveryKind(t *testing.T) {
	want := []model.Kind{model.KindNetns, model.KindSysctl, model.KindLink, model.KindAddress, model.KindFDB, model.KindNeighbour, model.KindRoute}
	if !slices.Equal(want, model.Kinds()) {
		t.Errorf("the kinds are %v, and %v are thought about", model.Kinds(), want)
	}
}
