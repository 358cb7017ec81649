package model_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func TestRenamedLinks(t *testing.T) {
	r := model.Route{Dst: netip.MustParsePrefix("10.9.0.0/16"), NextHops: model.Some("nexthop dev dev weight 1 nexthop via 10.0.0.1 dev nexthop weight 2")}
	for _, tc := range []struct{ from, to, want string }{
		{"dev", "br0", "nexthop dev br0 weight 1 nexthop via 10.0.0.1 dev nexthop weight 2"},
		{"nexthop", "br0", "nexthop dev dev weight 1 nexthop via 10.0.0.1 dev br0 weight 2"},
		{"weight", "br0", r.NextHops.Value()},
	} {
		if got := model.Renamed(r, "", tc.from, tc.to).(model.Route).NextHops.Value(); got != tc.want {
			t.Errorf("%s renamed %s: %q, want %q", tc.from, tc.to, got, tc.want)
		}
	}
	above := model.Link{Netns: "a", Name: "v7", Lower: model.Some(model.EndRef{Name: "br0"})}
	if got := model.Renamed(above, "", "br0", "br1").(model.Link).Lower; got != model.Some(model.EndRef{Name: "br1"}) {
		t.Errorf("it stands on %s", got.Value())
	}
}

// A route leads out of each link that one of its next hops does, and needs it.
func TestOutOf(t *testing.T) {
	for _, tc := range []struct {
		dev, hops string
		want      []string
	}{
		{"", "", []string{""}},
		{"eth0", "", []string{"eth0"}},
		{"eth0", "nhid 5", []string{"eth0"}},
		{"", "nhid 5", nil},
		{"", "nexthop via 10.0.0.1 dev eth0 weight 1 nexthop dev br0 weight 2", []string{"eth0", "br0"}},
	} {
		r := model.Route{Netns: "a", Dst: netip.MustParsePrefix("10.9.0.0/16"), Dev: model.Some(tc.dev), NextHops: model.Some(tc.hops)}
		var got []string
		if r.OutOf(func(link string) bool { got = append(got, link); return false }) {
			t.Errorf("%q %q: none was it, and one was", tc.dev, tc.hops)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q %q: %q, want %q", tc.dev, tc.hops, got, tc.want)
		}
		for _, link := range tc.want {
			if !r.OutOf(func(l string) bool { return l == link }) {
				t.Errorf("%q %q does not lead out of %s", tc.dev, tc.hops, link)
			}
			need := func(n model.Need) bool { return n.Key == model.LinkKey("a", link) && !n.Order }
			if link != "" && !slices.ContainsFunc(r.Needs(), need) {
				t.Errorf("%q %q does not need %s", tc.dev, tc.hops, link)
			}
		}
	}
}
