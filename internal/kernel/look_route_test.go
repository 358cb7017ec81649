package kernel

import (
	"strings"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// A route is found, too, that the kernel passes over when it looks where a packet would go:
// out of a link without carrier, and by a gateway that does not answer.
func TestLookHiddenRoutes(t *testing.T) {
	s := newSim(t)
	s.lines(`link add br7 type bridge
link set br7 up
address add 10.7.0.1/24 dev br7
address add fd07::1/64 dev br7 nodad
link add dead type veth peer name far
link set dead up
route add default via 10.7.0.9
route add 10.8.0.0/16 dev dead proto 157
route add 10.8.3.0/24 dev dead proto 157 metric 5
route add 10.8.3.0/24 dev br7 metric 9
-6 route add default via fd07::9
-6 route add fd08::/64 dev dead proto 157
-6 route add fd09::/64 via fd07::7 proto 157
-6 neighbour add fd07::7 dev br7 nud failed`)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.run("", "ip", "route", "show", "10.8.0.0/16"), "linkdown"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the kernel does not notice that there is no carrier")
		}
	}
	keys := map[model.Key]bool{
		model.RouteKey("", model.TableMain, prefix("10.8.0.0/16"), 0):  true,
		model.RouteKey("", model.TableMain, prefix("10.8.3.0/24"), 5):  true,
		model.RouteKey("", model.TableMain, prefix("fd08::/64"), 1024): true,
		model.RouteKey("", model.TableMain, prefix("fd09::/64"), 1024): true,
		model.RouteKey("", model.TableMain, prefix("10.8.4.0/24"), 0):  false,
		model.RouteKey("", model.TableMain, prefix("fd0a::/64"), 1024): false,
	}
	for _, ignored := range []string{"0", "1"} {
		for _, name := range []string{"net.ipv4.conf.dead.ignore_routes_with_linkdown", "net.ipv6.conf.dead.ignore_routes_with_linkdown"} {
			if err := s.writeSysctl("", name, ignored); err != nil {
				t.Fatal(err)
			}
		}
		for k, want := range keys {
			got, err := s.Look(t.Context(), k)
			if err != nil || (got != nil) != want {
				t.Errorf("ignored %s: %s: %v, %v; there: %v", ignored, k, got, err, want)
			}
		}
	}
}

// Where no route leads to a destination, there is none with the key: the kernel need not
// list all for that, unless a rule may have kept it from looking.
func TestLookUnreachable(t *testing.T) {
	s := newSim(t)
	s.lines(`link add br7 type bridge
link set br7 up
address add 10.7.0.1/24 dev br7`)
	k := model.RouteKey("", model.TableMain, prefix("10.8.0.0/16"), 0)
	sure := func() bool {
		t.Helper()
		found, sure, err := s.askForRoutes(t.Context(), "", []model.Key{k}, 1)
		if err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
		return sure
	}
	if !sure() {
		t.Error("it is not taken for absent")
	}
	s.lines("rule add to 10.8.0.0/16 unreachable")
	if sure() {
		t.Error("a rule refuses its packets, and it is taken for absent")
	}
	s.lines("route add 10.8.0.0/16 dev br7")
	if got, err := s.Look(t.Context(), k); got == nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}
