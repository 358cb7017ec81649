package reconcile

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// TestPointable says when a look at a few objects is enough behind a run.
func TestPointable(t *testing.T) {
	res := &Result{Observed: &model.State{}}
	for i := range 120 {
		res.Observed.Put(model.Entry{Object: model.Route{Dst: netip.MustParsePrefix(fmt.Sprintf("10.1.%d.0/24", i)), Table: model.TableMain}})
	}
	peer := netip.MustParseAddr("192.0.2.7")
	res.facts.Direct = model.DirectsOf(map[netip.Addr]model.Direct{peer: {OK: true}})
	route := func(dst string) model.Key { return model.RouteKey("", model.TableMain, netip.MustParsePrefix(dst), 0) }
	for _, tc := range []struct {
		name string
		keys []model.Key
		want bool
	}{
		{"nothing", nil, false},
		{"a route", []model.Key{route("10.1.7.0/24")}, true},
		{"two of 120", []model.Key{route("10.1.7.0/24"), route("10.1.8.0/24")}, true},
		{"three of 120", []model.Key{route("10.1.7.0/24"), route("10.1.8.0/24"), route("10.1.9.0/24")}, false},
		{"a neighbour and an FDB entry", []model.Key{
			model.NeighbourKey("", "vxlan1", netip.MustParseAddr("10.1.7.0")), {Kind: model.KindFDB, Name: "vxlan1", MAC: model.MAC{2}},
		}, true},
		{"a link", []model.Key{model.LinkKey("", "br0")}, false},
		{"a route and an address", []model.Key{route("10.1.7.0/24"), model.AddressKey("", "br0", netip.MustParsePrefix("10.1.7.1/24"))}, false},
		{"a route that leads to a peer", []model.Key{route("192.0.2.0/24")}, false},
		{"such a one in a namespace", []model.Key{model.RouteKey("web", model.TableMain, netip.MustParsePrefix("192.0.2.0/24"), 0)}, true},
	} {
		if got := pointable(tc.keys, res); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
	if l := keysOf(make([]model.Step, mostPointed+1)); l != nil {
		t.Errorf("many steps have the keys %v", l)
	}
}
