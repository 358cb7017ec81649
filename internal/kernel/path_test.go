package kernel

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// pathText writes a path as iproute2 would.
func pathText(p model.Path) string {
	s := fmt.Sprintf("%s %s table %d metric %d proto %d", p.Type, p.Dst, p.Table, p.Metric, p.Protocol)
	for _, hop := range p.Hops {
		s += " dev " + hop.Dev
		if hop.Via.IsValid() {
			s += " via " + hop.Via.String()
		}
	}
	return s
}

const pathCommands = underlayCommands + `
link add p0 type veth peer name p1
link set p0 master u0 up
link set p1 up
route add default via 192.0.2.21 metric 50 proto dhcp
route add default via 192.0.2.22 table 100
route add default via 192.0.2.23 table 4000000000
route add default table 1000 nexthop via 192.0.2.3 dev u0 nexthop dev p1
route add unreachable default metric 4000
route add default via 2001:db8::7
route add 10.1.0.0/16 nexthop via 192.0.2.11 nexthop via 192.0.2.12
route add 10.4.0.0/16 via inet6 2001:db8::11 dev u0
route add blackhole 10.5.0.0/16
rule add from 192.0.2.2 lookup 100
link add mv0 link u0 type macvlan
link add vx0 type vxlan id 1 dstport 8472 dev mv0
link add vx1 type vxlan id 2 dstport 8472
`

// TestPaths looks at one host, with rules, tables and links upon links.
func TestPaths(t *testing.T) {
	s := newSim(t)
	s.lines(pathCommands)
	t.Run("to an address", func(t *testing.T) { testPathTo(t, s) })
	t.Run("by default", func(t *testing.T) { testDefaultPaths(t, s) })
	t.Run("by default, among many", func(t *testing.T) {
		s.many(1000, "table 100")
		s.many(1000, "")
		s.ip("route", "add", "0.0.0.0/8", "dev", "u0") // it has the address of the default routes
		testDefaultPaths(t, s)
	})
	t.Run("lower links", func(t *testing.T) { testLower(t, s) })
}

// testPathTo asks where packets would go, by all rules and tables.
func testPathTo(t *testing.T, s *sim) {
	for _, tc := range []struct{ to, from, want string }{
		{"203.0.113.1", "", "unicast 0.0.0.0/0 table 254 metric 50 proto 16 dev u0 via 192.0.2.21"},
		{"203.0.113.1", "192.0.2.2", "unicast 0.0.0.0/0 table 100 metric 0 proto 3 dev u0 via 192.0.2.22"},
		{"203.0.113.1", "198.51.100.1", "unicast 0.0.0.0/0 table 254 metric 50 proto 16 dev u0 via 192.0.2.21"}, // not the host's
		{"192.0.2.9", "", "unicast 192.0.2.0/24 table 254 metric 0 proto 2 dev u0"},
		{"192.0.2.2", "", "local 192.0.2.2/32 table 255 metric 0 proto 2 dev u0"},
		{"10.1.2.3", "", "unicast 10.1.0.0/16 table 254 metric 0 proto 3 dev u0 via 192.0.2.11 dev u0 via 192.0.2.12"},
		{"10.4.2.3", "", "unicast 10.4.0.0/16 table 254 metric 0 proto 3 dev u0 via 2001:db8::11"},
		{"2001:db8:5::1", "", "unicast ::/0 table 254 metric 1024 proto 3 dev u0 via 2001:db8::7"},
		{"2001:db8:5::1", "2001:db8::2", "unicast ::/0 table 254 metric 1024 proto 3 dev u0 via 2001:db8::7"},
		{"2001:db8::2", "", "local 2001:db8::2/128 table 255 metric 0 proto 2 dev u0"},
	} {
		from := netip.Addr{}
		if tc.from != "" {
			from = addr(tc.from)
		}
		p, err := s.PathTo(t.Context(), addr(tc.to), from)
		if got := pathText(p); err != nil || got != tc.want {
			t.Errorf("to %s from %s: %v\n%s, want\n%s", tc.to, tc.from, err, got, tc.want)
		}
	}
	if p, err := s.PathTo(t.Context(), addr("10.5.0.1"), netip.Addr{}); err == nil {
		t.Errorf("through a black hole: %s", pathText(p))
	}
}

func testDefaultPaths(t *testing.T, s *sim) {
	root, err := s.space("")
	if err != nil {
		t.Fatal(err)
	}
	byTable, err := s.defaultRoutes4(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	together, err := root.everyDefault(t.Context()) // where /proc hides the tables
	if err != nil {
		t.Fatal(err)
	}
	count := func(l rows) (n int) {
		for range l.replies() {
			n++
		}
		return n
	}
	if n, all := count(byTable), count(together); n != all || n == 0 {
		t.Errorf("%d default routes, by one table after the other, and %d in all", n, all)
	}
	l, err := s.DefaultPaths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range l {
		got = append(got, pathText(p))
	}
	want := []string{
		"unicast 0.0.0.0/0 table 100 metric 0 proto 3 dev u0 via 192.0.2.22",
		"unicast 0.0.0.0/0 table 4000000000 metric 0 proto 3 dev u0 via 192.0.2.23",
		"unicast 0.0.0.0/0 table 1000 metric 0 proto 3 dev u0 via 192.0.2.3 dev p1",
		"unicast 0.0.0.0/0 table 254 metric 50 proto 16 dev u0 via 192.0.2.21",
		"unicast ::/0 table 254 metric 1024 proto 3 dev u0 via 2001:db8::7",
	}
	if d := cmp.Diff(want, got, cmp.Transformer("sorted", sortedSet)); d != "" {
		t.Errorf("default routes (-want +got):\n%s", d)
	}
}

// many adds so many routes of others'.
func (s *sim) many(n int, more string) {
	s.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "route add 20.%d.%d.0/24 via 192.0.2.99 proto bird %s\n", i/256, i%256, more)
	}
	path := filepath.Join(s.TempDir(), "routes")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		s.Fatal(err)
	}
	s.ip("-batch", path)
}

func TestTablesIn(t *testing.T) {
	const text = `Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.
Main:
	Aver depth:     2.57
	Pointers: 1
Null ptrs: 3
Id -294967296:
	Leaves:         0
Id 100:
Local:
	Counters:
	---------
`
	got, err := tablesIn(text)
	if d := cmp.Diff([]uint32{254, 4000000000, 100}, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	for _, text := range []string{"", "Local:\n", "Id none:\n"} {
		if l, err := tablesIn(text); err == nil {
			t.Errorf("in %q: %v", text, l)
		}
	}
}

// sortedSet makes lists equal that differ in their order.
func sortedSet(l []string) map[string]bool {
	m := map[string]bool{}
	for _, s := range l {
		m[s] = true
	}
	return m
}

// testLower finds what links stand on.
func testLower(t *testing.T, s *sim) {
	got, err := s.Lower(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"p0": "p1", "p1": "p0", "mv0": "u0", "vx0": "mv0"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("lower links (-want +got):\n%s", d)
	}
}
