package model_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func TestKeyString(t *testing.T) {
	p := netip.MustParsePrefix
	mac := model.MAC{2, 0, 0, 0, 0, 1}
	for _, tc := range []struct {
		key  model.Key
		want string
	}{
		{model.NetnsKey("ns"), "netns ns"},
		{model.SysctlKey("ns", "net.ipv4.ip_forward"), "sysctl net.ipv4.ip_forward in netns ns"},
		{model.LinkKey("", "br0"), "link br0"},
		{model.AddressKey("ns", "eth0", p("10.0.0.1/24")), "address 10.0.0.1/24 on eth0 in netns ns"},
		{model.NeighbourKey("", "vxlan1", netip.MustParseAddr("10.0.0.1")), "neighbour 10.0.0.1 on vxlan1"},
		{model.FDBKey("", "vxlan1", mac, netip.MustParseAddr("10.0.0.1")), "fdb 02:00:00:00:00:01 on vxlan1"},
		{model.FDBKey("", "vxlan1", model.MAC{}, netip.MustParseAddr("10.0.0.1")), "fdb 00:00:00:00:00:00 dst 10.0.0.1 on vxlan1"},
		{model.RouteKey("", model.TableMain, p("0.0.0.0/0"), 0), "route default"},
		{model.RouteKey("ns", model.TableMain, p("::/0"), 1024), "route default (IPv6) in netns ns"},
		{model.RouteKey("", model.TableMain, p("10.0.0.0/24"), 50), "route 10.0.0.0/24 metric 50"},
		{model.RouteKey("", model.TableMain, p("fd00::/64"), 0), "route fd00::/64"},
		{model.RouteKey("", 100, p("10.0.0.1/32"), 0), "route 10.0.0.1 table 100"},
	} {
		if got := tc.key.String(); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.key, got, tc.want)
		}
	}
}

// A unicast MAC has one row of an FDB, the all-zero one many.
func TestFDBKey(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	if model.FDBKey("", "v", model.MAC{2}, a) != model.FDBKey("", "v", model.MAC{2}, b) {
		t.Error("the destination of a unicast MAC is part of its key")
	}
	if model.FDBKey("", "v", model.MAC{}, a) == model.FDBKey("", "v", model.MAC{}, b) {
		t.Error("the destination of the zero MAC is not part of its key")
	}
}

// Compare is a total order that agrees with ==, kind by kind.
func TestKeyCompare(t *testing.T) {
	var keys []model.Key
	for _, o := range whole() {
		keys = append(keys, o.Key())
	}
	keys = append(keys, model.LinkKey("ns", "a"), model.RouteKey("", model.TableMain, netip.MustParsePrefix("10.2.0.0/16"), 0),
		model.RouteKey("", model.TableMain, netip.MustParsePrefix("10.2.0.0/24"), 1))
	for _, a := range keys {
		for _, b := range keys {
			if c := a.Compare(b); (c == 0) != (a == b) || c != -b.Compare(a) {
				t.Errorf("%s, %s: %d, and the other way round %d", a, b, c, b.Compare(a))
			}
		}
	}
	slices.SortFunc(keys, model.Key.Compare)
	if !slices.IsSortedFunc(keys, func(a, b model.Key) int { return int(a.Kind) - int(b.Kind) }) {
		t.Errorf("not by kind: %v", keys)
	}
}

func TestMetric(t *testing.T) {
	for _, tc := range []struct {
		dst     string
		in, out uint32
	}{{"10.0.0.0/8", 0, 0}, {"10.0.0.0/8", 7, 7}, {"fd00::/8", 0, 1024}, {"fd00::/8", 7, 7}} {
		if got := model.Metric(netip.MustParsePrefix(tc.dst), tc.in); got != tc.out {
			t.Errorf("%s metric %d: %d, want %d", tc.dst, tc.in, got, tc.out)
		}
	}
}

// Every kind has a word.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range model.Kinds() {
		if s := k.String(); s == "" || s[0] == 'k' || seen[s] {
			t.Errorf("kind %d is called %q", k, s)
		} else {
			seen[s] = true
		}
	}
	for _, o := range whole() {
		if !slices.Contains(model.Kinds(), o.Key().Kind) {
			t.Errorf("%s is of no listed kind", o.Key())
		}
	}
}
