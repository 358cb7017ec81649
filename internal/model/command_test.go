package model_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func some[T comparable](v T) model.Opt[T] { return model.Some(v) }

// Each kind's iproute2 spelling, for each operation.
func TestCommands(t *testing.T) {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	mac := model.MAC{2, 0, 0, 0, 0, 9}
	alias := some("netplan-overlay:classic/vm1")
	bridge := model.Link{Name: "br1", Type: some("bridge"), Up: some(true), MTU: some[uint32](1500), MAC: some(mac), Group: some[uint32](157), Alias: alias}
	veth := model.Link{
		Name: "veth1", Type: some("veth"), Up: some(true), MTU: some[uint32](1450), Master: some("br1"),
		Group: some[uint32](157), Alias: alias, Peer: some(model.EndRef{Netns: "web", Name: "eth0"}),
	}
	end := model.Link{Netns: "web", Name: "eth0", Type: some("veth"), Up: some(true), MTU: some[uint32](1450), Alias: alias, Peer: some(model.EndRef{Name: "veth1"})}
	vxlan := model.Link{
		Name: "vxlan1", Type: some("vxlan"), Up: some(true), MTU: some[uint32](1450), Group: some[uint32](157),
		VXLAN: model.VXLAN{
			VNI: some[uint32](1), Port: some[uint16](4789), Local: some(addr("192.0.2.1")), Dev: some("eth0"), Learning: some(false),
			TTL: some[uint8](0), Ageing: some[uint32](300), UDPCsum: some(true),
		},
	}
	ipip := model.Link{Name: "ipip1", Type: some("ipip"), Up: some(true), IPIP: model.IPIP{Local: some(addr("192.0.2.1")), Remote: some(netip.Addr{})}}
	route := model.Route{
		Dst: prefix("10.2.0.0/24"), Table: model.TableMain, Type: some("unicast"), Via: some(addr("10.2.0.0")), Dev: some("vxlan1"),
		OnLink: some(true), Scope: some(model.ScopeGlobal), Protocol: some[uint8](157),
	}
	route6 := route
	route6.Dst, route6.Via, route6.Metric, route6.Scope = prefix("fd42:2::/64"), some(addr("fd42:2::")), 1024, model.Opt[uint8]{}
	inside := model.Route{Netns: "web", Dst: prefix("::/0"), Metric: 100, Dev: some("eth0"), Src: some(addr("fd42::2")), Protocol: some[uint8](157)}
	plain := model.Route{Dst: prefix("10.3.0.0/24"), Dev: some("ipip1"), Scope: some(model.ScopeLink), Protocol: some[uint8](157)}
	address := model.Address{Link: "br1", Prefix: prefix("10.1.0.1/24"), Protocol: some[uint8](157)}
	neighbour := model.Neighbour{Link: "vxlan1", IP: addr("10.2.0.0"), MAC: some(mac), State: some(model.NeighbourPermanent), Protocol: some[uint8](157)}
	fdb := model.FDBEntry{Link: "vxlan1", MAC: mac, Dst: some(addr("192.0.2.2")), State: some(model.FDBPermanent)}
	sysctl := model.Sysctl{Name: "net.ipv4.ip_forward", Value: some("1"), Saved: some("0")}

	create := func(o model.Object) model.Step { return model.Step{Op: model.OpCreate, After: o} }
	remove := func(o model.Object) model.Step { return model.Step{Op: model.OpDelete, Before: o} }
	change := func(before, after model.Object) model.Step {
		return model.Step{Op: model.OpUpdate, Before: before, After: after}
	}
	for _, tc := range []struct {
		name string
		step model.Step
		want []string
	}{
		{"netns", create(model.Netns{Name: "web", Alias: alias, LoUp: some(true)}), []string{
			"ip netns add web", "ip -n web link set dev lo alias netplan-overlay:classic/vm1 up",
		}},
		{"bare netns", create(model.Netns{Name: "web"}), []string{"ip netns add web"}},
		{"netns down", change(model.Netns{Name: "web", Alias: alias, LoUp: some(true)}, model.Netns{Name: "web", Alias: alias, LoUp: some(false)}), []string{
			"ip -n web link set dev lo down",
		}},
		{"no netns", remove(model.Netns{Name: "web"}), []string{"ip netns delete web"}},

		{"sysctl", create(sysctl), []string{"sysctl -q -w net.ipv4.ip_forward=1"}},
		{"sysctl inside", change(model.Sysctl{}, model.Sysctl{Netns: "web", Name: "net.ipv4.ping_group_range", Value: some("0 1")}), []string{
			"ip netns exec web sysctl -q -w net.ipv4.ping_group_range=0 1",
		}},
		{"sysctl given back", remove(sysctl), []string{"sysctl -q -w net.ipv4.ip_forward=0"}},
		{"sysctl forgotten", remove(model.Sysctl{Name: "net.ipv4.ip_forward", Value: some("1")}), nil},
		{"sysctl of a=b.c", create(model.Sysctl{Name: "net.ipv6.conf.a=b/c.accept_ra", Value: some("2")}), []string{
			`sh -c printf '%s\n' "$1" >"$0" /proc/sys/net/ipv6/conf/a=b.c/accept_ra 2`,
		}},

		{"bridge", create(bridge), []string{
			"ip link add name br1 group 157 mtu 1501 address 02:00:00:00:00:09 type bridge",
			"ip link set dev br1 mtu 1500 alias netplan-overlay:classic/vm1 up",
		}},
		{"veth", create(veth), []string{
			"ip link add name veth1 numtxqueues 1 numrxqueues 1 group 157 mtu 1450 type veth peer name eth0 netns web numtxqueues 1 numrxqueues 1 group 157 mtu 1450",
			"ip link set dev veth1 alias netplan-overlay:classic/vm1 master br1 up",
		}},
		{"second end", create(end), []string{"ip -n web link set dev eth0 mtu 1450 alias netplan-overlay:classic/vm1 up"}},
		{"vxlan", create(vxlan), []string{
			"ip link add name vxlan1 group 157 mtu 1450 type vxlan id 1 local 192.0.2.1 dev eth0 dstport 4789 nolearning ttl 0 ageing 300 udpcsum",
			"ip link set dev vxlan1 up",
		}},
		{"vxlan's end", change(vxlan, with(vxlan, func(l *model.Link) {
			l.VXLAN.Local, l.VXLAN.Dev, l.VXLAN.Learning = some(addr("192.0.2.9")), some("eth1"), some(true)
		})), []string{
			"ip link set dev vxlan1 type vxlan local 192.0.2.9 dev eth1 learning", "ip link set dev vxlan1 mtu 1450",
		}},
		{"ipip", create(ipip), []string{"ip link add name ipip1 type ipip mode ipip local 192.0.2.1 remote any", "ip link set dev ipip1 up"}},
		{"ipip to one", change(ipip, with(ipip, func(l *model.Link) { l.IPIP.Dev, l.IPIP.PMTUDisc = some("eth0"), some(false) })), []string{
			"ip link set dev ipip1 type ipip mode ipip local 192.0.2.1 remote any dev eth0 nopmtudisc",
		}},
		{"link", change(veth, with(veth, func(l *model.Link) { l.Up, l.Master, l.MTU = some(false), some(""), some[uint32](1400) })), []string{
			"ip link set dev veth1 mtu 1400 nomaster down",
		}},
		{"stp", change(bridge, with(bridge, func(l *model.Link) { l.Bridge.STP = some(true) })), []string{
			"ip link set dev br1 type bridge stp_state 1", "ip link set dev br1 mtu 1500",
		}},
		{"a bridge taken over keeps its MAC", change(with(bridge, func(l *model.Link) { l.Alias = some("") }), bridge), []string{
			"ip link set dev br1 address 02:00:00:00:00:09 alias netplan-overlay:classic/vm1",
		}},
		{"another name", change(bridge, with(bridge, func(l *model.Link) { l.Name = "br2" })), []string{"ip link set dev br1 name br2"}},
		{"no link", remove(end), []string{"ip -n web link delete dev eth0"}},

		{"address", create(address), []string{"ip address add 10.1.0.1/24 dev br1 [proto 157]"}},
		{"IPv6 address", create(model.Address{Netns: "web", Link: "eth0", Prefix: prefix("fd42::2/64"), Scope: some(model.ScopeLink)}), []string{
			"ip -n web address add fd42::2/64 dev eth0 scope link nodad",
		}},
		{"address adopted", change(model.Address{}, address), []string{"ip address change 10.1.0.1/24 dev br1 [proto 157]"}},
		{"no address", remove(address), []string{"{net.ipv4.conf.br1.promote_secondaries=1} ip address delete 10.1.0.1/24 dev br1"}},
		{"no single address", remove(model.Address{Link: "br1", Prefix: prefix("10.1.0.1/32")}), []string{"ip address delete 10.1.0.1/32 dev br1"}},

		{"neighbour", create(neighbour), []string{"ip neighbour replace 10.2.0.0 lladdr 02:00:00:00:00:09 dev vxlan1 nud permanent protocol 157"}},
		{"neighbour given back", change(neighbour, model.Neighbour{Link: "vxlan1", IP: addr("10.2.0.0"), MAC: some(mac), Protocol: some[uint8](0)}), []string{
			"ip neighbour delete 10.2.0.0 dev vxlan1", "ip neighbour replace 10.2.0.0 lladdr 02:00:00:00:00:09 dev vxlan1 nud permanent protocol 0",
		}},
		{"no neighbour", remove(neighbour), []string{"ip neighbour delete 10.2.0.0 dev vxlan1"}},

		{"fdb", create(fdb), []string{"bridge fdb replace 02:00:00:00:00:09 dev vxlan1 dst 192.0.2.2 self permanent"}},
		{"one fdb of many", create(model.FDBEntry{Netns: "web", Link: "vxlan1", Dst: fdb.Dst}), []string{
			"bridge -n web fdb append 00:00:00:00:00:00 dev vxlan1 dst 192.0.2.2 self permanent",
		}},
		{"no fdb", remove(fdb), []string{"bridge fdb delete 02:00:00:00:00:09 dev vxlan1 dst 192.0.2.2 self"}},

		{"route", create(route), []string{"ip route add 10.2.0.0/24 via 10.2.0.0 dev vxlan1 proto 157 onlink"}},
		{"device route", create(plain), []string{"ip route add 10.3.0.0/24 dev ipip1 proto 157"}},
		{"route elsewhere", change(plain, route), []string{"ip route change 10.2.0.0/24 via 10.2.0.0 dev vxlan1 proto 157 onlink"}},
		{"route of another family", create(with4in6(plain)), []string{"ip route add 10.3.0.0/24 via inet6 fe80::1 dev ipip1 proto 157 scope link"}},
		{"blackhole", create(model.Route{Dst: prefix("10.9.0.0/16"), Type: some("blackhole")}), []string{"ip route add blackhole 10.9.0.0/16 proto 4"}},
		{"IPv6 route", create(route6), []string{
			"ip -6 route add fd42:2::/64 via fd42:2:: dev vxlan1 proto 157 onlink",
			"| ip -6 route add fd42:2::/128 dev vxlan1 proto 157",
			"| ip -6 route add fd42:2::/64 via fd42:2:: dev vxlan1 proto 157 onlink",
			"| ip -6 route delete fd42:2::/128 dev vxlan1 metric 1024 proto 157",
		}},
		{"default inside", create(inside), []string{"ip -n web -6 route add default dev eth0 metric 100 proto 157 src fd42::2"}},
		{"no route", remove(route), []string{"ip route delete 10.2.0.0/24 via 10.2.0.0 dev vxlan1 proto 157"}},
		{"no IPv6 route", remove(route6), []string{"ip -6 route delete fd42:2::/64 via fd42:2:: dev vxlan1 metric 1024 proto 157"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, told(model.Commands(tc.step))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func with(l model.Link, f func(*model.Link)) model.Link {
	f(&l)
	return l
}

func with4in6(r model.Route) model.Route {
	r.Via = some(netip.MustParseAddr("fe80::1"))
	return r
}

// told writes commands, a line each.
func told(cmds []model.Command) []string {
	var l []string
	for _, c := range cmds {
		s := strings.Join(c.Args(), " ")
		if c.Mark != nil {
			s += " [" + strings.Join(c.Mark, " ") + "]"
		}
		if c.Hold != (model.Sysctl{}) {
			s = "{" + c.Hold.Name + "=" + c.Hold.Value.Value() + "} " + s
		}
		l = append(l, s)
		for _, s := range told(c.Or) {
			l = append(l, "| "+s)
		}
	}
	return l
}
