package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// TestRoutes lists whatever is in the main table, whoever made it, and nothing else.
func TestRoutes(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands + `
link add p0 type veth peer name p1
link set p0 master u0 up
link set p1 up
route add 10.1.0.0/16 nexthop via 192.0.2.11 nexthop via 192.0.2.12 dev u0 weight 3
nexthop add id 5 via 192.0.2.13 dev u0
route add 10.2.0.0/16 nhid 5 proto bird
route add 10.3.0.0/16 dev u0 table 77
route add 10.4.0.0/16 via inet6 2001:db8::11 dev u0 proto static
route add unreachable 10.5.0.0/16
route add prohibit 10.6.0.0/16 metric 5
route add throw 10.7.0.0/16
route add 10.8.0.0/16 dev u0 tos 0x10
route add multicast 239.0.0.0/8 dev u0
route add 10.9.0.0/16 dev u0 table 1000
route add fd01::/64 nexthop via 2001:db8::11 dev u0 nexthop via 2001:db8::12 dev u0
route add fd02::/64 from 2001:db8:1::/64 dev u0
route add fd03::/64 dev u0 table 77
route add unreachable fd04::/64
`)
	got := map[string]string{}
	routes, err := s.Routes(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		if r.Netns != "" || r.Table != model.TableMain {
			t.Errorf("%s is listed", r.Key())
		}
		got[r.Dst.String()] = fmt.Sprintf("%s proto %d %s", r.Type.Value(), r.Protocol.Value(), r.NextHops.Value())
	}
	want := map[string]string{
		"10.1.0.0/16": "unicast proto 3 nexthop via 192.0.2.11 dev u0 weight 1 nexthop via 192.0.2.12 dev u0 weight 3",
		"10.2.0.0/16": "unicast proto 12 nhid 5", "10.4.0.0/16": "unicast proto 4 ", "10.5.0.0/16": "unreachable proto 3 ",
		"10.6.0.0/16": "prohibit proto 3 ", "10.7.0.0/16": "throw proto 3 ", "192.0.2.0/24": "unicast proto 2 ",
		"fd01::/64":     "unicast proto 3 nexthop via 2001:db8::11 dev u0 weight 1 nexthop via 2001:db8::12 dev u0 weight 1",
		"fd04::/64":     "unreachable proto 3 ",
		"2001:db8::/64": "unicast proto 2 ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("routes (-want +got):\n%s", d)
	}
}

// Those of the routes are kept of which somebody says so, and no others.
func TestEachRouteWhere(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands)
	s.many(3000, "")
	s.lines(`route add 20.0.7.0/24 via 192.0.2.98 metric 9 src 192.0.2.2
route add 2001:db8:7::/48 via 2001:db8::7
route add 2001:db8:8::/48 via 2001:db8::7
route add 20.0.7.0/24 via 192.0.2.98 table 100`)
	all, err := s.Routes(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	about := func(r *model.Route) bool {
		return r.Dst == prefix("20.0.7.0/24") || r.Dst == prefix("2001:db8:8::/48")
	}
	want := slices.DeleteFunc(all, func(r model.Route) bool { return !about(&r) })
	var got []model.Route
	if err := s.EachRouteWhere(t.Context(), about, func(r model.Route) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b model.Route) bool { return a == b })); d != "" || len(got) != 3 {
		t.Errorf("%d routes (-want +got):\n%s", len(got), d)
	}
}

// What has another protocol is not deleted: the kernel finds nothing of ours.
func TestForeignRouteStays(t *testing.T) {
	for _, dst := range []string{"172.246.0.0/24", "fd42:0:0:2::/64"} {
		s := newSim(t)
		s.lines(underlayCommands + "route add " + dst + " dev u0 proto bird")
		before := s.snapshot()
		s.remove(plainRoute(dst))
		err := s.do(model.OpCreate, nil, plainRoute(dst))
		if s.opErrorOf(err); !errors.Is(err, unix.EEXIST) || !strings.Contains(err.Error(), "appeared meanwhile") {
			t.Errorf("got error %v, want %v", err, unix.EEXIST)
		}
		s.unchanged("touching a foreign route", before)
	}
}

// Of several routes to one destination, the one that is meant is deleted.
func TestRouteAmongOthers(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands + `
route add 172.246.0.0/24 via 192.0.2.11 proto 157
route append 172.246.0.0/24 via 192.0.2.12 proto bird
route add 172.246.0.0/24 via 192.0.2.13 proto 157 metric 9
`)
	s.remove(viaRoute("172.246.0.0/24", "192.0.2.11"))
	out := s.ip("route", "show", "172.246.0.0/24")
	if strings.Contains(out, "192.0.2.11") || !strings.Contains(out, "192.0.2.12") || !strings.Contains(out, "192.0.2.13") {
		t.Errorf("left are\n%s", out)
	}
}

// Where the right route stands behind the one that it is to replace, that one goes.
func TestRouteBehindAnother(t *testing.T) {
	for _, proto := range []uint8{model.MarkProtocol, unix.RTPROT_BIRD} {
		s := newSim(t)
		s.lines(fmt.Sprintf("%sroute add 172.246.0.0/24 via 192.0.2.11 proto 157\nroute prepend 172.246.0.0/24 via 192.0.2.12 proto %d", underlayCommands, proto))
		was := routed(viaRoute("172.246.0.0/24", "192.0.2.12"), func(r *model.Route) { r.Protocol = some(proto) })
		if err := s.do(model.OpUpdate, was, viaRoute("172.246.0.0/24", "192.0.2.11")); err != nil {
			t.Fatal(err)
		}
		if out := s.ip("route", "show", "172.246.0.0/24"); !strings.Contains(out, "192.0.2.11") || strings.Contains(out, "192.0.2.12") {
			t.Errorf("left is\n%s", out)
		}
	}
}

// The same where several are replaced at once.
func TestRoutesBehindOthers(t *testing.T) {
	s := newSim(t)
	var steps []model.Step
	lines := underlayCommands
	for i := range 3 {
		dst := fmt.Sprintf("172.246.%d.0/24", i)
		lines += fmt.Sprintf("route add %s via 192.0.2.11 proto 157\nroute prepend %s via 192.0.2.12 proto 157\n", dst, dst)
		steps = append(steps, model.Step{Op: model.OpUpdate, Before: viaRoute(dst, "192.0.2.12"), After: viaRoute(dst, "192.0.2.11")})
	}
	s.lines(lines)
	for i, err := range s.Do(t.Context(), steps) {
		if err != nil {
			t.Errorf("step %d: %v", i, err)
		}
	}
	if out := s.ip("route", "show", "proto", "157"); strings.Count(out, "192.0.2.11") != 3 || strings.Contains(out, "192.0.2.12") {
		t.Errorf("left is\n%s", out)
	}
}

// A rule that leads into another table doesn't make a route of the main one look absent.
func TestLookPastRules(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands + `rule add pref 100 to 172.246.0.0/16 table 1000
route add default via 192.0.2.12 table 1000
route add 172.246.0.0/24 via 192.0.2.11 proto 157
`)
	want := viaRoute("172.246.0.0/24", "192.0.2.11")
	if o, err := s.Look(t.Context(), want.Key()); err != nil || o == nil {
		t.Errorf("found %v, %v", o, err)
	}
	if o, err := s.Look(t.Context(), viaRoute("172.246.1.0/24", "192.0.2.11").Key()); err != nil || o != nil {
		t.Errorf("found %v, %v", o, err)
	}
}

// An IPv6 gateway that the kernel would reach by another device can be given all the
// same, if the route says "onlink"; nothing is left of what that takes.
func TestRouteOnLinkElsewhere(t *testing.T) {
	for name, commands := range map[string]string{
		"by the route that is to be replaced": "route add fd42:0:0:2::/64 via 2001:db8::246 proto 157",
		"by a wider route":                    "route add fd42::/32 via 2001:db8::246\nroute add fd42:0:0:2::/64 via 2001:db8::246 proto 157",
	} {
		s := newSim(t)
		s.lines(vxlanCommands + commands)
		was := viaRoute("fd42:0:0:2::/64", "2001:db8::246")
		is := routed(viaRoute("fd42:0:0:2::/64", "fd42:0:0:2::"), func(r *model.Route) { r.Dev, r.OnLink = some("vx0"), some(true) })
		before := s.snapshot()
		if err := s.do(model.OpUpdate, was, is); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.has(name, is, s.mustGet(is.Key()))
		if err := s.do(model.OpUpdate, is, was); err != nil {
			t.Errorf("%s, back: %v", name, err)
		}
		s.unchanged(name, before)
		s.remove(was)
		s.create(is)
		s.has(name+", made new", is, s.mustGet(is.Key()))
	}
	// What is somebody else's stays in the way.
	s := newSim(t)
	s.lines(vxlanCommands + "route add fd42:0:0:2:: dev u0 proto bird")
	is := routed(viaRoute("fd42:0:0:2::/64", "fd42:0:0:2::"), func(r *model.Route) { r.Dev, r.OnLink = some("vx0"), some(true) })
	before := s.snapshot()
	err := s.do(model.OpCreate, nil, is)
	if s.opErrorOf(err); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "device mismatch") {
		t.Errorf("got error %v, want %v", err, unix.EINVAL)
	}
	s.unchanged("a route that cannot be", before)
}

// TestFIBMatch asks where packets would go.
func TestFIBMatch(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands + `
address add 198.51.100.1/24 dev u1
route add 10.1.0.0/16 via 192.0.2.77 dev u0 onlink
route add 10.2.0.0/16 via inet6 2001:db8::11 dev u0
route add blackhole 10.3.0.0/16
route add unreachable fd03::/16
route add 10.4.0.0/16 dev lo scope link
route add fd01::/16 via 2001:db8::11
route add 10.5.0.0/16 nexthop via 192.0.2.11 nexthop via 192.0.2.12
`)
	on := func(dev, dst string, scope uint8) Match {
		return Match{Type: "unicast", Dev: dev, Dst: prefix(dst), Scope: scope}
	}
	by := func(m Match, gateway string) Match { m.Gateway = addr(gateway); return m }
	other := by(on("u0", "10.2.0.0/16", 0), "2001:db8::11")
	other.Via = true
	for dst, want := range map[string]Match{
		"192.0.2.9": on("u0", "192.0.2.0/24", 253), "198.51.100.9": on("u1", "198.51.100.0/24", 253),
		"10.1.0.1": by(on("u0", "10.1.0.0/16", 0), "192.0.2.77"), "10.2.0.1": other, "10.4.0.1": on("lo", "10.4.0.0/16", 253),
		"192.0.2.1":   {Type: "local", Dev: "u0", Dst: prefix("192.0.2.1/32"), Scope: 254},
		"2001:db8::9": on("u0", "2001:db8::/64", 0),
		"fd01::1":     by(on("u0", "fd01::/16", 0), "2001:db8::11"),
	} {
		got, err := s.FIBMatch(t.Context(), addr(dst))
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); err != nil || d != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", dst, err, d)
		}
	}
	for _, dst := range []string{"10.3.0.1", "203.0.113.1", "2001:db8:ffff::1", "fd03::1"} {
		m, err := s.FIBMatch(t.Context(), addr(dst))
		if err == nil && m.Type == "unicast" {
			t.Errorf("%s: got %+v, want no way there", dst, m)
			continue
		}
		if err != nil {
			if s.opErrorOf(err); strings.Contains(err.Error(), "gateway") || !strings.HasPrefix(err.Error(), "look up route "+dst+": ") {
				t.Errorf("%s: got error %v", dst, err)
			}
		}
	}
	m, err := s.FIBMatch(t.Context(), addr("10.5.0.1"))
	if err != nil || m.Type != "unicast" || m.Dst != prefix("10.5.0.0/16") {
		t.Errorf("of two next hops: got %+v, %v", m, err)
	}
}

// FIBMatch is FIBMatches for one address.
func (s *sim) FIBMatch(ctx context.Context, dst netip.Addr) (Match, error) {
	l, err := s.FIBMatches(ctx, []netip.Addr{dst})
	if err != nil {
		return Match{}, err
	}
	m := l.To(0)
	err, m.Err = m.Err, nil
	return m, err
}

// A route with several next hops is made again as it was told.
func TestNextHops(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands + `
link add br1 type bridge
link set br1 up
address add 10.9.0.1/24 dev br1
route add 10.1.0.0/16 nexthop via 192.0.2.11 weight 256 nexthop via 10.9.0.7 dev br1 weight 3
route add 10.2.0.0/16 nexthop dev br1 nexthop via inet6 2001:db8::11 dev u0
route add fd01::/64 nexthop via 2001:db8::11 dev u0 weight 2 nexthop via 2001:db8::12 dev u0`)
	seen := func() map[string]string {
		l, err := s.Routes(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, r := range l {
			m[r.Dst.String()] = fmt.Sprint(r)
		}
		return m
	}
	before := seen()
	l, err := s.Routes(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, r := range l {
		if r.NextHops.Value() == "" {
			continue
		}
		s.ip("route", "delete", r.Dst.String())
		if err := s.do(model.OpCreate, nil, r); err != nil {
			t.Errorf("%s: %v", r.NextHops.Value(), err)
		}
		made++
	}
	if d := cmp.Diff(before, seen()); d != "" || made != 3 {
		t.Errorf("%d routes were made again (-before +after):\n%s", made, d)
	}
	if out := s.ip("route", "show", "10.1.0.0/16"); !strings.Contains(out, "via 10.9.0.7 dev br1 weight 3") || !strings.Contains(out, "weight 256") {
		t.Errorf("ip shows %s", out)
	}
}

func TestReadNextHops(t *testing.T) {
	got, err := readNextHops("nexthop via 10.0.0.1 dev a weight 256 nexthop dev b weight 1")
	want := []hop{{addr("10.0.0.1"), "a", 255}, {dev: "b"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
	for _, text := range []string{
		"nhid 5", "nexthop via", "via 10.0.0.1", "nexthop via x dev a", "nexthop dev a weight 0", "nexthop dev a weight 257", "nexthop dev a encap 1",
	} {
		if l, err := readNextHops(text); err == nil {
			t.Errorf("%q: %v", text, l)
		}
	}
}
