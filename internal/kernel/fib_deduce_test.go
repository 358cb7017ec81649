package kernel

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wired makes a host with an underlay on which packets could go out: u0 has a carrier.
func wired(t testing.TB) *sim {
	t.Helper()
	s := newSim(t)
	s.lines(underlayCommands + `
link add p0 type veth peer name p1
link set p0 master u0
link set p0 up
link set p1 up
address add 10.0.0.1/8 dev u0`)
	for i := 0; i < 1000 && strings.Contains(s.ip("route", "show", "dev", "u0"), "linkdown"); i++ {
		time.Sleep(10 * time.Millisecond) // the kernel notices a carrier a little later (linkwatch)
	}
	return s
}

// TestDeduced compares what is found out by the tables with what the kernel answers, on hosts
// with all kinds of routes to the same addresses.
func TestDeduced(t *testing.T) {
	ways := []string{
		"dev u0 scope link", "dev u0 scope link metric 7", "via 10.0.0.9", "via 192.0.2.9 dev u0 onlink metric 3", "dev u1 scope link",
		"via inet6 2001:db8::9 dev u0", "nexthop via 10.0.0.8 nexthop via 10.0.0.9", "dev lo scope link", "via 10.0.0.9 tos 4",
	}
	kinds := []string{"blackhole", "unreachable", "prohibit", "throw"}
	r := rand.New(rand.NewPCG(1, 2))
	deduced := 0
	for round := range 12 {
		s := wired(t)
		s.lines("link set u1 up\nroute add 172.16.0.0/12 via 10.0.0.7")
		for range r.IntN(8) {
			p, _ := netip.AddrFrom4([4]byte{10, byte(r.IntN(3)), byte(r.IntN(4)), byte(r.IntN(256))}).Prefix(6 + r.IntN(27))
			what := fmt.Sprintf("%s %s", p, ways[r.IntN(len(ways))])
			if r.IntN(4) == 0 {
				what = fmt.Sprintf("%s %s metric 5", kinds[r.IntN(len(kinds))], p)
			}
			_, _ = s.try("", append([]string{"ip", "route", "append"}, strings.Fields(what)...)...) // not all can be
		}
		switch round {
		case 3:
			// Since there was a rule, both tables are looked into by themselves (fib_unmerge).
			s.lines(`address add 10.0.1.77/24 dev u1
rule add to 203.0.113.0/24 lookup 77
rule delete to 203.0.113.0/24 lookup 77
route add local 10.0.2.0/26 dev lo table local
route add 10.0.2.8/30 dev u0 scope link`)
		case 6:
			s.lines("rule add to 10.0.1.0/24 lookup 77\nroute add 10.0.1.0/24 via 10.0.0.66 table 77")
		case 9:
			s.lines("route add default via 10.0.0.5")
		}
		deduced += s.compareDeduced(addresses(r))
	}
	if deduced < 1000 {
		t.Errorf("only %d answers were found out by the tables", deduced)
	}
}

// addresses returns some that routes may lead to, and some that are none of a host.
func addresses(r *rand.Rand) []netip.Addr {
	l := []netip.Addr{
		addr("10.0.0.1"), addr("10.255.255.255"), addr("224.0.0.1"), addr("255.255.255.255"), addr("0.0.0.0"), addr("0.0.0.9"),
		addr("127.0.0.1"), addr("2001:db8::9"), addr("240.0.0.1"), addr("172.16.3.4"), addr("203.0.113.9"), addr("10.0.1.77"), addr("10.0.2.9"),
	}
	for range 300 {
		l = append(l, netip.AddrFrom4([4]byte{10, byte(r.IntN(3)), byte(r.IntN(4)), byte(r.IntN(256))}))
	}
	return l
}

// compareDeduced returns how many answers were found out by the tables.
func (s *sim) compareDeduced(dsts []netip.Addr) int {
	s.Helper()
	root, err := s.space("")
	if err != nil {
		s.Fatal(err)
	}
	asked, found := newMatches(len(dsts)), newMatches(len(dsts))
	rest, _, err := s.deduce(context.Background(), dsts, s.mainRoutes, found.read)
	if err := cmp.Or(err, asked.ask(root.conn, dsts, allOf(dsts))); err != nil {
		s.Fatal(err)
	}
	left := map[int]bool{}
	for _, i := range rest {
		left[i] = true
	}
	for i, dst := range dsts {
		if left[i] {
			continue
		}
		if tables, kernel := found.told(i), asked.told(i); tables != kernel {
			s.Errorf("%s: the tables say %+v, the kernel %+v\n%s", dst, tables, kernel, s.ip("route", "show", "table", "all"))
		}
	}
	return len(dsts) - len(rest)
}

// told is what was found out about one address.
func (m *matches) told(i int) any {
	return struct {
		Match
		device uint32
	}{m.To(i), m.devices[m.Of[i]]}
}

// TestAskBeyondRoom asks where there is no room for the answers to many questions: none of
// them is lost.
func TestAskBeyondRoom(t *testing.T) {
	s := wired(t)
	root, err := s.space("")
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(root.conn.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil { // the least there is
		t.Fatal(err)
	}
	dsts := addresses(rand.New(rand.NewPCG(3, 4)))
	answers := map[int]int{}
	err = root.conn.ask(len(dsts), func(m message, i int) message {
		m = rtmsg{family: familyOf(dsts[i]), dstLen: uint8(dsts[i].BitLen()), flags: unix.RTM_F_FIB_MATCH}.appendTo(m.begin(unix.RTM_GETROUTE, 0))
		return m.addr(unix.RTA_DST, dsts[i])
	}, func(i int, body []byte, err error) {
		answers[i]++
		if m, _ := parseMatch(body); err == nil && !m.Dst.Contains(dsts[i]) {
			t.Errorf("%s is answered by %+v", dsts[i], m)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, dst := range dsts {
		if answers[i] != 1 {
			t.Errorf("%s was answered %d times", dst, answers[i])
		}
	}
}
