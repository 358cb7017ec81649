package kernel

import (
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// A look-up finds just what a list of everything has, and nothing where that has
// nothing.
func TestLook(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	s.lines(`link add br7 type bridge
link set br7 up
link set vx0 up
address add 10.7.0.1/24 dev br7
address add fd07::1/64 dev br7 nodad
route add 10.8.0.0/16 via 10.7.0.9
route add 10.8.0.0/16 via 10.7.0.9 metric 7
route add 10.8.3.0/24 via 10.7.0.9 proto 157 src 10.7.0.1
route add 10.9.0.0/24 via 10.7.0.9 dev br7 onlink proto 157
route add default via 10.7.0.9
route add unreachable 10.99.0.0/16
-6 route add fd09::/64 via fd07::9 proto 157
-6 route add default via fd07::9 metric 5
neighbour add 10.7.0.9 lladdr 02:00:00:00:01:01 dev br7 protocol 157
neighbour add 10.7.0.10 lladdr 02:00:00:00:01:02 nud reachable dev br7
neighbour add fd07::9 lladdr 02:00:00:00:01:01 dev br7`)
	for _, c := range []string{
		"02:00:00:00:01:01 dev vx0 dst 192.0.2.11 self permanent", "02:00:00:00:01:02 dev vx0 dst 192.0.2.12 self dynamic",
		"00:00:00:00:00:00 dev vx0 dst 192.0.2.11 self permanent", "00:00:00:00:00:00 dev vx0 dst 192.0.2.12 self permanent",
	} {
		s.run("", append([]string{"bridge", "fdb", "append"}, strings.Fields(c)...)...)
	}
	all := map[model.Key]model.Object{}
	routes, err := s.Routes(t.Context(), "")
	neighbours, err2 := s.Neighbours(t.Context(), "", "br7")
	rows, err3 := s.FDB(t.Context(), "", "vx0")
	if err != nil || err2 != nil || err3 != nil {
		t.Fatal(err, err2, err3)
	}
	note(all, routes)
	note(all, neighbours)
	note(all, rows)
	m := mac("02:00:00:00:01:09")
	for _, k := range []model.Key{ // what is not there, but much like what is
		model.RouteKey("", model.TableMain, prefix("10.8.0.0/16"), 9), model.RouteKey("", model.TableMain, prefix("10.8.4.0/24"), 0),
		model.RouteKey("", model.TableMain, prefix("10.0.0.0/8"), 0), model.RouteKey("", model.TableMain, prefix("10.8.3.0/25"), 0),
		model.RouteKey("", model.TableMain, prefix("fd09::/48"), 1024), model.RouteKey("", model.TableMain, prefix("::/0"), 6),
		model.NeighbourKey("", "br7", addr("10.7.0.8")), model.NeighbourKey("", "br7", addr("10.7.0.10")), model.NeighbourKey("", "nix", addr("10.7.0.9")),
		model.FDBKey("", "vx0", m, addr("192.0.2.1")), model.FDBKey("", "vx0", mac("02:00:00:00:01:02"), addr("192.0.2.12")),
		model.FDBKey("", "vx0", model.MAC{}, addr("192.0.2.19")), model.FDBKey("nix", "vx0", m, addr("192.0.2.1")),
	} {
		all[k] = nil
	}
	if len(all) < 30 {
		t.Fatalf("only %d keys to look for", len(all))
	}
	for k, want := range all {
		got, err := s.Look(t.Context(), k)
		if err != nil {
			t.Errorf("%s: %v", k, err)
		}
		if got != want {
			t.Errorf("%s: looked up %+v, listed %+v", k, got, want)
		}
	}
}

func note[T model.Object](all map[model.Key]model.Object, l []T) {
	for _, o := range l {
		all[o.Key()] = o
	}
}
