package kernel

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// seen is what a look finds out by all its questions.
type seen struct {
	Links     []model.Link
	Addresses []model.Address
	Few       []model.Route // all routes, if there are few
	All       bool          // there are few
	Ours      []model.Route
	Matches   []Match
}

// lookAt asks a glance, or a host, all that a plan does.
func (s *sim) lookAt(g *Glance, peers []netip.Addr) seen {
	s.Helper()
	var l seen
	var errs [5]error
	ctx := s.Context()
	var m Matches
	m, errs[0] = g.FIBMatches(ctx, peers)
	for i := range m.Of {
		l.Matches = append(l.Matches, m.To(i))
	}
	l.Links, errs[1] = g.Links(ctx, "")
	l.Addresses, errs[2] = g.Addresses(ctx, "")
	l.All, errs[3] = g.EachRouteUpTo(ctx, "", othersBeside, func(r model.Route) { l.Few = append(l.Few, r) })
	if !l.All {
		l.Few = nil
	}
	errs[4] = g.EachRoute(ctx, "", model.MarkProtocol, func(r model.Route) { l.Ours = append(l.Ours, r) })
	for _, err := range errs {
		if err != nil {
			s.Fatal(err)
		}
	}
	return l
}

// TestLookAhead compares a look that began before it was asked with one that is made when
// it is: on a host with few routes, with many of its own, and with many of others.
func TestLookAhead(t *testing.T) {
	s := wired(t)
	s.lines("route add fd00:77::/64 dev u0 proto 157\nroute add 172.16.0.0/24 via 10.0.0.7 proto 157")
	var peers []netip.Addr
	for i := range manyToAsk + 20 {
		peers = append(peers, netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}))
	}
	for _, x := range []struct {
		name, more string
		n          int
		all        bool
	}{
		{"few routes", "route add 10.0.1.HI/32 via 10.0.0.9", 1, true},
		{"many of ours", "route add 100.HI.LO.0/24 via 10.0.0.9 proto 157", 300, true},
		{"many of others", "route add blackhole 11.HI.LO.0/24", othersBeside + 1, false},
	} {
		s.batch("ip", x.n, x.more)
		ahead := s.LookAhead(t.Context())
		want := s.lookAt(s.Glance(), peers)
		if want.All != x.all {
			t.Errorf("%s: all routes are read: %v", x.name, want.All)
		}
		got := s.lookAt(ahead, peers)
		if d := cmp.Diff(want, got, cmpopts.EquateComparable(Match{}, model.Link{}, model.Address{}, model.Route{})); d != "" {
			t.Errorf("%s (-asked +ahead):\n%s", x.name, d)
		}
		// What was read ahead is told once; then the kernel is asked.
		s.lines("route add 172.16.9.0/24 via 10.0.0.7 proto 157")
		if n := len(s.lookAt(ahead, nil).Ours); n != len(want.Ours)+1 {
			t.Errorf("%s: %d routes are told later, want %d", x.name, n, len(want.Ours)+1)
		}
		s.lines("route delete 172.16.9.0/24")
	}
}

// TestLookAheadOnce asks a glance for what is there when the look began, not when it asks.
func TestLookAheadOnce(t *testing.T) {
	s := wired(t)
	g := s.LookAhead(t.Context())
	<-g.ahead.frame
	<-g.ahead.tables
	s.lines("link add late type bridge\naddress add 192.0.2.7/32 dev u0\nroute add 172.16.9.0/24 via 10.0.0.7 proto 157")
	l := s.lookAt(g, nil)
	for _, x := range l.Links {
		if x.Name == "late" {
			t.Error("the links were asked for again")
		}
	}
	for _, r := range l.Few {
		if r.Dst == prefix("172.16.9.0/24") {
			t.Error("the routes were asked for again")
		}
	}
}

// TestLimit counts routes of all, or of others alone.
func TestLimit(t *testing.T) {
	route := func(protocol uint8) []byte {
		m := newMessage(24, 0, rtmsg{family: 2, table: 254, protocol: protocol}.bytes())
		m.seal(1)
		return m
	}
	ours, others := route(model.MarkProtocol), route(3)
	for _, x := range []struct {
		limit limit
		want  []bool // after each of ours, others, ours, others
	}{
		{limit{all: 2}, []bool{false, false, true, true}},
		{limit{others: 1}, []bool{false, false, false, true}},
		{limit{all: 3, others: 1}, []bool{false, false, false, true}},
	} {
		enough := x.limit.count()
		var got []bool
		for _, m := range [][]byte{ours, others, ours, others} {
			got = append(got, enough(m))
		}
		if d := cmp.Diff(x.want, got); d != "" {
			t.Errorf("%+v (-want +got):\n%s", x.limit, d)
		}
	}
	if (limit{}).count() != nil {
		t.Error("no limit is one")
	}
}
