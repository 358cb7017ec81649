package render

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func TestNaturally(t *testing.T) {
	want := []string{"", "10.0.2.1", "10.0.10.1", "n", "n1", "n01", "n2", "n2a", "n10", "n10b", "n99999999999999999999998", "n99999999999999999999999", "rack-a", "rack-b"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, naturally)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sorted (-want +got):\n%s", d)
	}
}

func TestFolded(t *testing.T) {
	first := func(s string) string { return s[:1] }
	many := func(c string, n int) []string {
		var l []string
		for i := range n {
			l = append(l, c+strconv.Itoa(i))
		}
		return l
	}
	for _, tt := range []struct {
		name  string
		items []string
		want  string
	}{
		{"none", nil, ""},
		{"as many as there may be", many("a", 20), strings.Join(many("a", 20), " ")},
		{"one more", many("a", 21), strings.Join(many("a", 20), " ") + " ...1"},
		{"classes apart", append(many("a", 30), many("b", 3)...), strings.Join(many("a", 20), " ") + " ...10 b0 b1 b2"},
		{"few of many classes", append(many("a", 15), many("b", 15)...), strings.Join(append(many("a", 15), many("b", 15)...), " ")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var l []string
			for _, f := range folded(tt.items, first) {
				if f.hidden > 0 {
					l = append(l, fmt.Sprintf("...%d", f.hidden))
					continue
				}
				l = append(l, f.item)
			}
			if d := cmp.Diff(tt.want, strings.Join(l, " ")); d != "" {
				t.Errorf("folded (-want +got):\n%s", d)
			}
		})
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"br0":                   "br0",
		"a b":                   "a b",
		"Zürich":                "Zürich",
		"\x1b[31mred":           `\x1b[31mred`,
		"two\nlines":            `two\nlines`,
		"\xff":                  `\xff`,
		`say "x"` + "\x00":      `say "x"\x00`,
		"right\u202eto-left":    `right\u202eto-left`,
		`back\slash`:            `back\slash`,
		`back\slash` + "\u0007": `back\\slash\a`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %s, want %s", in, got, want)
		}
	}
}

func addrOf(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefixOf(s string) netip.Prefix { return netip.MustParsePrefix(s) }

var mac = model.MAC{2, 0, 0, 0, 0, 9}

// Each kind reads as in iproute2, and its removal is a command that works.
func TestPhraseAndRemoval(t *testing.T) {
	for _, tt := range []struct {
		name    string
		object  model.Object
		phrase  string
		removal string
	}{
		{"netns", model.Netns{Name: "web", LoUp: model.Some(true)}, "lo up", "ip netns delete web"},
		{"netns in quotes", model.Netns{Name: "it's"}, "", `ip netns delete 'it'\''s'`},
		{"sysctl", model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some("1")}, "= 1", ""},
		{"physical link", model.Link{Name: "eth0", Type: model.Some(""), MTU: model.Some[uint32](1500), Up: model.Some(false)}, "mtu 1500, down", "ip link delete eth0"},
		{
			"bridge", model.Link{Netns: "web", Name: "br0", Type: model.Some("bridge"), Bridge: model.Bridge{STP: model.Some(false)}, MAC: model.Some(mac), Up: model.Some(true)},
			"type bridge stp off, address 02:00:00:00:00:09, up", "ip -n web link delete br0",
		},
		{
			"veth", model.Link{Name: "v", Type: model.Some("veth"), Peer: model.Some(model.EndRef{Netns: "web", Name: "eth0"}), Master: model.Some("br0")},
			"type veth peer eth0 netns web, master br0", "ip link delete v",
		},
		{
			"vxlan", model.Link{Name: "vx", Type: model.Some("vxlan"), VXLAN: model.VXLAN{
				VNI: model.Some[uint32](7), Port: model.Some[uint16](4789), Local: model.Some(addrOf("10.0.0.1")), Dev: model.Some("eth0"),
				Learning: model.Some(true), TTL: model.Some[uint8](9), Ageing: model.Some[uint32](300), UDPCsum: model.Some(false),
			}},
			"type vxlan id 7 local 10.0.0.1 dev eth0 dstport 4789 learning ttl 9 ageing 300 noudpcsum", "ip link delete vx",
		},
		{
			"ipip to all", model.Link{Name: "ip0", Type: model.Some("ipip"), IPIP: model.IPIP{Local: model.Some(addrOf("10.0.0.1")), Remote: model.Some(netip.Addr{}), PMTUDisc: model.Some(false)}},
			"type ipip local 10.0.0.1 remote any nopmtudisc", "ip link delete ip0",
		},
		{
			"ipip to one", model.Link{Name: "ip1", Type: model.Some("ipip"), IPIP: model.IPIP{Local: model.Some(addrOf("10.0.0.1")), Remote: model.Some(addrOf("10.0.0.2")), TTL: model.Some[uint8](64)}},
			"type ipip local 10.0.0.1 remote 10.0.0.2 ttl 64", "ip link delete ip1",
		},
		{"address", model.Address{Link: "br0", Prefix: prefixOf("10.0.0.1/24")}, "", "ip address delete 10.0.0.1/24 dev br0"},
		{"address of a scope", model.Address{Netns: "web", Link: "eth0", Prefix: prefixOf("fd00::1/64"), Scope: model.Some[uint8](254)}, "scope host", "ip -n web address delete fd00::1/64 dev eth0"},
		{
			"neighbour", model.Neighbour{Link: "vx", IP: addrOf("10.0.0.2"), MAC: model.Some(mac), State: model.Some(model.NeighbourPermanent)},
			"lladdr 02:00:00:00:00:09", "ip neighbour delete 10.0.0.2 dev vx",
		},
		{"stale neighbour", model.Neighbour{Link: "vx", IP: addrOf("10.0.0.2"), State: model.Some[uint16](4)}, "nud stale", "ip neighbour delete 10.0.0.2 dev vx"},
		{
			"fdb", model.FDBEntry{Link: "vx", MAC: mac, Dst: model.Some(addrOf("192.0.2.1")), State: model.Some(model.FDBPermanent)},
			"dst 192.0.2.1", "bridge fdb delete 02:00:00:00:00:09 dev vx dst 192.0.2.1",
		},
		{"fdb default", model.FDBEntry{Netns: "web", Link: "vx", Dst: model.Some(addrOf("192.0.2.1"))}, "", "bridge -n web fdb delete 00:00:00:00:00:00 dev vx dst 192.0.2.1"},
		{
			"route", model.Route{Dst: prefixOf("10.1.0.0/24"), Table: model.TableMain, Type: model.Some("unicast"), Via: model.Some(addrOf("10.0.0.2")), Dev: model.Some("vx"), OnLink: model.Some(true), Scope: model.Some[uint8](0)},
			"via 10.0.0.2 dev vx onlink", "ip route delete 10.1.0.0/24",
		},
		{
			"default route", model.Route{Netns: "web", Dst: prefixOf("0.0.0.0/0"), Table: model.TableMain, Metric: 50, Type: model.Some("unicast"), Via: model.Some(addrOf("fe80::1")), Dev: model.Some("eth0"), Src: model.Some(addrOf("10.0.0.1"))},
			"via inet6 fe80::1 dev eth0 src 10.0.0.1", "ip -n web route delete default metric 50",
		},
		{
			"IPv6 route", model.Route{Dst: prefixOf("::/0"), Table: model.TableMain, Metric: 1024, Type: model.Some("blackhole")},
			"type blackhole", "ip -6 route delete default",
		},
		{
			"route on the link", model.Route{Dst: prefixOf("10.1.0.0/24"), Table: model.TableMain, Type: model.Some("unicast"), Dev: model.Some("vx"), Scope: model.Some(model.ScopeLink), NextHops: model.Some("")},
			"dev vx scope link", "ip route delete 10.1.0.0/24",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff([2]string{tt.phrase, tt.removal}, [2]string{phrase(tt.object), removal(tt.object)}); d != "" {
				t.Errorf("phrase and removal (-want +got):\n%s", d)
			}
		})
	}
}

func TestAttrWord(t *testing.T) {
	for _, tt := range []struct {
		kind              model.Kind
		name, value, want string
	}{
		{model.KindNeighbour, "state", "128", "permanent"},
		{model.KindFDB, "state", "192", "noarp|permanent"},
		{model.KindNeighbour, "state", "0", "none"},
		{model.KindNeighbour, "state", "256", "0x100"},
		{model.KindRoute, "scope", "253", "link"},
		{model.KindAddress, "scope", "7", "7"},
		{model.KindRoute, "protocol", "3", "boot"},
		{model.KindRoute, "protocol", "157", "157"},
		{model.KindNeighbour, "protocol", "3", "3"},
		{model.KindLink, "mtu", "128", "128"},
		{model.KindLink, "master", "", "none"},
	} {
		if got := valueText(tt.kind, tt.name, tt.value); got != tt.want {
			t.Errorf("%s %s %q reads %q, want %q", tt.kind, tt.name, tt.value, got, tt.want)
		}
	}
}

// Deletions are told with what they were part of.
func TestWithIntents(t *testing.T) {
	vtep, far := "10.1.0.0", "192.0.2.1"
	route := model.Route{Dst: prefixOf("10.1.0.0/24"), Table: model.TableMain, Via: model.Some(addrOf(vtep)), Dev: model.Some("vx")}
	neighbour := model.Neighbour{Link: "vx", IP: addrOf(vtep), MAC: model.Some(mac)}
	fdb := model.FDBEntry{Link: "vx", MAC: mac, Dst: model.Some(addrOf(far))}
	direct := model.Route{Dst: prefixOf("10.1.0.0/24"), Table: model.TableMain, Via: model.Some(addrOf(far)), Dev: model.Some("eth0")}
	device := model.Link{Name: "vx", Type: model.Some("vxlan")}
	tunnel := model.Link{Name: "tun1", Type: model.Some("ipip"), IPIP: model.IPIP{Remote: model.Some(addrOf(far))}}
	tunnelAddress := model.Address{Link: "tun1", Prefix: prefixOf("10.255.0.1/30")}
	tunnelRoute := model.Route{Dst: prefixOf("10.1.0.0/24"), Table: model.TableMain, Via: model.Some(addrOf("10.255.0.2")), Dev: model.Some("tun1")}
	lone := model.Address{Link: "br0", Prefix: prefixOf("10.9.0.1/24")}
	del := func(o model.Object) diff.Change { return diff.Change{Action: diff.Delete, Before: o} }

	for _, tt := range []struct {
		name    string
		changes []diff.Change
		want    []string
	}{
		{"a vxlan peer", []diff.Change{del(route), del(neighbour), del(fdb)}, []string{"peer 192.0.2.1", "peer 192.0.2.1", "peer 192.0.2.1"}},
		{"in another order", []diff.Change{del(fdb), del(route), del(neighbour)}, []string{"peer 192.0.2.1", "peer 192.0.2.1", "peer 192.0.2.1"}},
		{"a route alone", []diff.Change{del(route)}, []string{"peer 10.1.0.0"}},
		{"a host-gw peer", []diff.Change{del(direct)}, []string{"peer 192.0.2.1"}},
		{"with its device", []diff.Change{del(device), del(model.Address{Link: "vx", Prefix: prefixOf("10.0.0.0/32")}), del(route)}, []string{"overlay vx", "overlay vx", "peer 10.1.0.0"}},
		{"a tunnel to one peer", []diff.Change{del(tunnelRoute), del(tunnelAddress), del(tunnel)}, []string{"peer 192.0.2.1", "peer 192.0.2.1", "peer 192.0.2.1"}},
		{
			"a peer that has a name now", []diff.Change{{Action: diff.Update, Before: route, After: direct, Intent: "peer vm2"}, del(neighbour), del(fdb)},
			[]string{"peer vm2", "peer vm2", "peer vm2"},
		},
		{
			"known by the FDB entry alone", []diff.Change{{Action: diff.Create, After: direct, Intent: "peer vm2"}, del(neighbour), del(fdb)},
			[]string{"peer vm2", "peer vm2", "peer vm2"},
		},
		{
			"a namespace", []diff.Change{
				del(model.Link{Name: "v", Type: model.Some("veth"), Peer: model.Some(model.EndRef{Netns: "web", Name: "eth0"})}),
				del(model.Route{Netns: "web", Dst: prefixOf("0.0.0.0/0"), Table: model.TableMain, Via: model.Some(addrOf(far))}), del(model.Netns{Name: "web"}), del(direct),
			},
			[]string{"namespace web", "namespace web", "namespace web", "peer 192.0.2.1"},
		},
		{
			"a bridge and the host", []diff.Change{del(model.Link{Name: "br0", Type: model.Some("bridge")}), del(lone), del(model.Sysctl{Name: "net.ipv4.ip_forward"})},
			[]string{"bridge br0", "bridge br0", "host"},
		},
		{"of nothing known", []diff.Change{del(lone)}, []string{""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.changes)
			var got []string
			for _, c := range withIntents(tt.changes) {
				got = append(got, c.Intent)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("intents (-want +got):\n%s", d)
			}
			for i := range before {
				if before[i].Intent != tt.changes[i].Intent {
					t.Errorf("change %d of the plan itself was changed", i)
				}
			}
		})
	}
}

func TestReason(t *testing.T) {
	link := model.Link{Name: "a"}
	cause := model.LinkKey("", "vx")
	mtu := model.AttrChange{Name: "mtu"}
	vni := model.AttrChange{Name: "vni", Fixed: true}
	mark := model.AttrChange{Name: "alias", Mark: true}
	for _, tt := range []struct {
		want string
		c    diff.Change
	}{
		{"not there", diff.Change{Action: diff.Create, After: link}},
		{"mtu differs", diff.Change{Action: diff.Update, After: link, Attrs: []model.AttrChange{mtu, mark}}},
		{"the mark is incomplete", diff.Change{Action: diff.Update, After: link, Attrs: []model.AttrChange{mark}}},
		{"vni cannot change in place", diff.Change{Action: diff.Replace, After: link, Attrs: []model.AttrChange{vni, mtu}}},
		{"no longer asked for", diff.Change{Action: diff.Delete, Before: link}},
		{"taken over as it is", diff.Change{Action: diff.Adopt, After: link, Attrs: []model.AttrChange{mark}}},
		{"taken over; mtu differs", diff.Change{Action: diff.Adopt, After: link, Attrs: []model.AttrChange{mtu, mark}}},
		{"lost with link vx", diff.Change{Action: diff.Replace, After: link, Cause: &cause}},
		{"goes with link vx", diff.Change{Action: diff.Delete, Before: link, Cause: &cause, Implied: true}},
		{"comes with link vx", diff.Change{Action: diff.Create, After: link, Cause: &cause, Implied: true}},
		{"makes room for link vx", diff.Change{Action: diff.Delete, Before: link, Cause: &cause}},
		{"changes with link vx", diff.Change{Action: diff.Update, After: link, Cause: &cause}},
	} {
		if got := reason(&tt.c); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.c.Action, got, tt.want)
		}
	}
}
