package kernel

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// The routes out of a link are those of all that lead out of it, in either family.
func TestEachRouteOn(t *testing.T) {
	s := newSim(t)
	s.lines(`link add brl type bridge
link add brr type bridge
link set brl up
link set brr up
address add 10.1.0.1/24 dev brl
address add 10.2.0.1/24 dev brr
address add fd01::1/64 dev brl nodad
address add fd02::1/64 dev brr nodad
route add 10.8.0.0/16 via 10.1.0.9
route add 10.8.0.0/16 via 10.2.0.9 metric 7
route add 10.9.0.0/16 nexthop via 10.1.0.9 nexthop via 10.2.0.9
route add blackhole 10.10.0.0/16
-6 route add fd09::/64 via fd01::9 proto 157
-6 route add fd0a::/64 via fd02::9`)
	all, err := s.Routes(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"brl", "brr", "lo", "nix"} {
		want, got := map[model.Key]model.Route{}, map[model.Key]model.Route{}
		for _, r := range all {
			if r.Dev.Value() == link || r.NextHops.Value() != "" && (link == "brl" || link == "brr") {
				want[r.Key()] = r
			}
		}
		if err := s.EachRouteOn(t.Context(), "", link, func(r model.Route) { got[r.Key()] = r }); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(texts(want), texts(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", link, d)
		}
	}
}

func texts(l map[model.Key]model.Route) map[string]string {
	m := map[string]string{}
	for k, r := range l {
		m[k.String()] = fmt.Sprint(r)
	}
	return m
}
