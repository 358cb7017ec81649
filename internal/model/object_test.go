package model_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func addr(s string) model.Opt[netip.Addr] { return model.Some(netip.MustParseAddr(s)) }

// whole are objects with every attribute set, one or more a kind.
func whole() []model.Object {
	on, mac := model.Some(true), model.Some(model.MAC{2, 0, 0, 0, 0, 1})
	link := model.Link{
		Name: "l", Up: on, MTU: model.Some[uint32](1450), MAC: mac, Master: model.Some("br"),
		Group: model.Some(model.MarkGroup), Alias: model.Some("a"),
	}
	bridge, veth, vxlan, ipip := link, link, link, link
	bridge.Type, bridge.Bridge.STP = model.Some(model.TypeBridge), on
	veth.Type, veth.Peer = model.Some(model.TypeVeth), model.Some(model.EndRef{Netns: "ns", Name: "eth0"})
	vxlan.Type = model.Some(model.TypeVXLAN)
	vxlan.VXLAN = model.VXLAN{
		VNI: model.Some[uint32](1), Port: model.Some[uint16](8472), Local: addr("10.0.0.1"), Dev: model.Some("eth0"),
		Learning: on, TTL: model.Some[uint8](1), Ageing: model.Some[uint32](300), UDPCsum: on,
	}
	ipip.Type = model.Some(model.TypeIPIP)
	ipip.IPIP = model.IPIP{Local: addr("10.0.0.1"), Remote: addr("10.0.0.2"), Dev: model.Some("eth0"), TTL: model.Some[uint8](1), PMTUDisc: on}
	return []model.Object{
		model.Netns{Name: "ns", Alias: model.Some("a"), LoUp: on},
		model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some("1"), Saved: model.Some("0")},
		bridge, veth, vxlan, ipip,
		model.Address{Link: "l", Prefix: netip.MustParsePrefix("10.1.0.1/24"), Scope: model.Some[uint8](0), Protocol: model.Some(model.MarkProtocol)},
		model.FDBEntry{Link: "l", MAC: model.MAC{2}, Dst: addr("10.0.0.2"), State: model.Some(model.FDBPermanent)},
		model.Neighbour{Link: "l", IP: netip.MustParseAddr("10.2.0.0"), MAC: mac, State: model.Some(model.NeighbourPermanent), Protocol: model.Some(model.MarkProtocol)},
		model.Route{
			Dst: netip.MustParsePrefix("10.2.0.0/24"), Table: model.TableMain, Type: model.Some("unicast"), Via: addr("10.2.0.0"), Dev: model.Some("l"),
			OnLink: on, Scope: model.Some[uint8](0), Src: addr("10.1.0.1"), NextHops: model.Some(""), Protocol: model.Some(model.MarkProtocol),
		},
	}
}

// bare returns the object with nothing but what its key needs.
func bare(o model.Object) model.Object {
	switch o := o.(type) {
	case model.Netns:
		return model.Netns{Name: o.Name}
	case model.Sysctl:
		return model.Sysctl{Name: o.Name}
	case model.Link:
		return model.Link{Name: o.Name}
	case model.Address:
		return model.Address{Link: o.Link, Prefix: o.Prefix}
	case model.FDBEntry:
		return model.FDBEntry{Link: o.Link, MAC: o.MAC}
	case model.Neighbour:
		return model.Neighbour{Link: o.Link, IP: o.IP}
	case model.Route:
		return model.Route{Dst: o.Dst, Table: o.Table}
	}
	return nil
}

// An object with holes equals a whole one once it is filled from that, and before
// that it has no attributes and wants no change.
func TestFill(t *testing.T) {
	for _, o := range whole() {
		empty := bare(o)
		if got := empty.Fill(o); got != o {
			t.Errorf("%T: filled %+v, want %+v", o, got, o)
		}
		if got := o.Fill(empty); got != o {
			t.Errorf("%T: filling changed what was specified: %+v, want %+v", o, got, o)
		}
		if got := empty.Attrs(); len(got) > 0 {
			t.Errorf("%T: attributes of an object with nothing specified: %v", o, got)
		}
		if changes, impact, flushes := model.DiffAttrs(empty, o); len(changes) > 0 || impact != model.ImpactNone || flushes {
			t.Errorf("%T: changes %v", o, changes)
		}
		if empty.Key() != o.Key() {
			t.Errorf("%T: the key depends on attributes: %v, %v", o, empty.Key(), o.Key())
		}
	}
}

// All that == compares is an attribute, too: else an object could differ for ever
// without a change.
func TestAttrsAreComplete(t *testing.T) {
	want := map[string][]string{
		"netns ns":                   {"lo up", "alias"},
		"sysctl net.ipv4.ip_forward": {"value"},
		"link l bridge":              {"type", "stp", "mtu", "mac", "master", "up", "group", "alias"},
		"link l veth":                {"type", "peer", "mtu", "mac", "master", "up", "group", "alias"},
		"link l vxlan":               {"type", "vni", "port", "local", "dev", "learning", "ttl", "ageing", "udpcsum", "mtu", "mac", "master", "up", "group", "alias"},
		"link l ipip":                {"type", "local", "mode", "remote", "dev", "ttl", "pmtudisc", "mtu", "mac", "master", "up", "group", "alias"},
		"address 10.1.0.1/24 on l":   {"scope", "protocol"},
		"fdb 02:00:00:00:00:00 on l": {"dst", "state"},
		"neighbour 10.2.0.0 on l":    {"mac", "state", "protocol"},
		"route 10.2.0.0/24":          {"type", "via", "dev", "onlink", "scope", "src", "nexthops", "protocol"},
	}
	for _, o := range whole() {
		name := o.Key().String()
		if l, ok := o.(model.Link); ok {
			name += " " + l.Type.Value()
		}
		var got []string
		for _, a := range o.Attrs() {
			got = append(got, a.Name)
		}
		slices.Sort(got)
		slices.Sort(want[name])
		if d := cmp.Diff(want[name], got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestDiffAttrs(t *testing.T) {
	vxlan := func(local string) model.Link {
		return model.Link{Name: "v", Type: model.Some(model.TypeVXLAN), VXLAN: model.VXLAN{Local: addr(local)}}
	}
	ipip := func(remote netip.Addr) model.Link {
		return model.Link{Name: "t", Type: model.Some(model.TypeIPIP), IPIP: model.IPIP{Remote: model.Some(remote)}}
	}
	for _, tc := range []struct {
		name      string
		want, got model.Object
		changes   []model.AttrChange
		impact    model.Impact
		flushes   bool
	}{
		{"same", vxlan("10.0.0.1"), vxlan("10.0.0.1"), nil, model.ImpactNone, false},
		{"changeable", vxlan("10.0.0.1"), vxlan("10.0.0.2"), []model.AttrChange{{Name: "local", Before: "10.0.0.2", After: "10.0.0.1"}}, model.ImpactBrief, false},
		{"of another class", vxlan("2001:db8::1"), vxlan("10.0.0.2"), []model.AttrChange{{Name: "local", Before: "10.0.0.2", After: "2001:db8::1", Fixed: true}}, model.ImpactBrief, false},
		{"new", vxlan("2001:db8::1"), model.Link{Name: "v", Type: model.Some(model.TypeVXLAN)}, []model.AttrChange{{Name: "local", After: "2001:db8::1"}}, model.ImpactBrief, false},
		{"fixed", model.Link{Type: model.Some("bridge")}, model.Link{Type: model.Some("vxlan")}, []model.AttrChange{{Name: "type", Before: "vxlan", After: "bridge", Fixed: true}}, model.ImpactNone, false},
		{"MAC", model.Link{MAC: model.Some(model.MAC{2})}, model.Link{MAC: model.Some(model.MAC{4})}, []model.AttrChange{{Name: "mac", Before: "04:00:00:00:00:00", After: "02:00:00:00:00:00"}}, model.ImpactDisruptive, true},
		{"mark", model.Route{Protocol: model.Some[uint8](157)}, model.Route{Protocol: model.Some[uint8](4)}, []model.AttrChange{{Name: "protocol", Before: "4", After: "157", Mark: true}}, model.ImpactNone, false},
		{"one end to another", ipip(netip.MustParseAddr("10.0.0.2")), ipip(netip.MustParseAddr("10.0.0.3")), []model.AttrChange{{Name: "remote", Before: "10.0.0.3", After: "10.0.0.2"}}, model.ImpactDisruptive, false},
		{"one end to any", ipip(netip.Addr{}), ipip(netip.MustParseAddr("10.0.0.3")), []model.AttrChange{
			{Name: "mode", Before: "point-to-point", After: "multipoint", Fixed: true}, {Name: "remote", Before: "10.0.0.3", After: "any"},
		}, model.ImpactDisruptive, false},
		{"no gateway any more", model.Route{Via: model.Some(netip.Addr{})}, model.Route{Via: addr("10.0.0.1")}, []model.AttrChange{{Name: "via", Before: "10.0.0.1"}}, model.ImpactBrief, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			changes, impact, flushes := model.DiffAttrs(tc.want, tc.got)
			if d := cmp.Diff(tc.changes, changes); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			if impact != tc.impact || flushes != tc.flushes {
				t.Errorf("impact %s, flushes %v; want %s, %v", impact, flushes, tc.impact, tc.flushes)
			}
		})
	}
}

func TestNeeds(t *testing.T) {
	must := func(k model.Key) model.Need { return model.Need{Key: k} }
	first := func(k model.Key) model.Need { return model.Need{Key: k, Order: true} }
	outer := model.Link{Name: "v", Peer: model.Some(model.EndRef{Netns: "ns", Name: "eth0"}), Master: model.Some("br")}
	for _, tc := range []struct {
		name string
		o    model.Object
		want []model.Need
	}{
		{"netns", model.Netns{Name: "ns"}, nil},
		{"bridge", model.Link{Name: "br"}, nil},
		{"first end", outer, []model.Need{first(model.LinkKey("", "br")), first(model.NetnsKey("ns"))}},
		{"second end", model.Link{Netns: "ns", Name: "eth0", Peer: model.Some(model.EndRef{Name: "v"})}, []model.Need{must(model.NetnsKey("ns")), must(model.LinkKey("", "v"))}},
		{"end elsewhere", model.Link{Name: "v", Peer: model.Some(model.EndRef{Netns: "?", Name: "?"})}, nil},
		{"vxlan", model.Link{Name: "v", VXLAN: model.VXLAN{Dev: model.Some("eth0")}}, []model.Need{must(model.LinkKey("", "eth0"))}},
		{"vxlan without device", model.Link{Name: "v", VXLAN: model.VXLAN{Dev: model.Some("")}}, nil},
		{"address", model.Address{Netns: "ns", Link: "eth0"}, []model.Need{must(model.LinkKey("ns", "eth0"))}},
		{"blackhole", model.Route{Dev: model.Some("")}, nil},
		{"route", model.Route{Dev: model.Some("v")}, []model.Need{must(model.LinkKey("", "v"))}},
		{"sysctl of a namespace", model.Sysctl{Netns: "ns", Name: "net.ipv4.ip_forward"}, []model.Need{must(model.NetnsKey("ns"))}},
		{"sysctl of a device", model.Sysctl{Name: "net.ipv6.conf.eth0/1.accept_ra"}, []model.Need{must(model.LinkKey("", "eth0.1"))}},
		{"sysctl of all devices", model.Sysctl{Name: "net.ipv6.conf.all.forwarding"}, nil},
	} {
		if d := cmp.Diff(tc.want, tc.o.Needs(), cmp.Comparer(func(a, b model.Key) bool { return a == b })); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestClaim(t *testing.T) {
	vxlan := func(vni uint32, port uint16, local string) model.Link {
		return model.Link{Type: model.Some(model.TypeVXLAN), VXLAN: model.VXLAN{VNI: model.Some(vni), Port: model.Some(port), Local: addr(local)}}
	}
	ipip := func(local, remote model.Opt[netip.Addr]) model.Link {
		return model.Link{Type: model.Some(model.TypeIPIP), IPIP: model.IPIP{Local: local, Remote: remote}}
	}
	anyEnd := model.Some(netip.Addr{})
	elsewhere := vxlan(1, 8472, "10.0.0.1")
	elsewhere.Netns = "ns"
	for _, tc := range []struct {
		name string
		a, b model.Object
		same bool
	}{
		{"VNI and port", vxlan(1, 8472, "10.0.0.1"), vxlan(1, 8472, "10.0.0.2"), true},
		{"another port", vxlan(1, 8472, "10.0.0.1"), vxlan(1, 4789, "10.0.0.1"), false},
		{"another VNI", vxlan(1, 8472, "10.0.0.1"), vxlan(2, 8472, "10.0.0.1"), false},
		{"twins of both families", vxlan(1, 8472, "10.0.0.1"), vxlan(1, 8472, "2001:db8::1"), false},
		{"another namespace", vxlan(1, 8472, "10.0.0.1"), elsewhere, false},
		{"tunnel ends", ipip(addr("10.0.0.1"), anyEnd), ipip(addr("10.0.0.1"), anyEnd), true},
		{"another far end", ipip(addr("10.0.0.1"), anyEnd), ipip(addr("10.0.0.1"), addr("10.0.0.2")), false},
	} {
		if got := model.ClaimOf(tc.a) == model.ClaimOf(tc.b); got != tc.same {
			t.Errorf("%s: the same is %v, want %v", tc.name, got, tc.same)
		}
	}
	for _, o := range []model.Object{model.Link{Type: model.Some(model.TypeBridge)}, model.Route{}} {
		if c := model.ClaimOf(o); c != (model.Claim{}) {
			t.Errorf("%T claims %v", o, c)
		}
	}
}
