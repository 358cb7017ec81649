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
	s.lines(`link add name a type bridge
link add name b type bridge
link set a up
link set b up
address add 10.1.0.1/24 dev a
address add 10.2.0.1/24 dev b
address add fd01::1/64 dev a nodad
address add fd02::1/64 dev b nodad
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
	for _, link := range []string{"a", "b", "lo", "nix"} {
		want, got := map[model.Key]model.Route{}, map[model.Key]model.Route{}
		for _, r := range all {
			if r.Dev.Value() == link || r.NextHops.Value() != "" && (link == "a" || link == "b") {
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
