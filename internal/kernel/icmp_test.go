package kernel

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// sites makes the namespaces near, router and far of a host, joined in a row. far
// answers for whole subnets, and its link takes smaller packets than the first one.
func sites(t testing.TB) *sim {
	t.Helper()
	s := newSim(t)
	for _, name := range []string{"near", "router", "far"} {
		s.create(model.Netns{Name: name, LoUp: some(true)})
	}
	for _, c := range []struct{ netns, commands string }{
		{"near", "link add to-router type veth peer name to-near netns " + s.path("router") + `
link set to-router up
address add 192.0.2.1/24 dev to-router
address add fd00:1::1/64 dev to-router nodad
route add default via 192.0.2.2
route add default via fd00:1::2
route add unreachable 203.0.113.1
`},
		{"router", "link add to-far mtu 1400 type veth peer name to-router mtu 1400 netns " + s.path("far") + `
link set to-near up
link set to-far up
address add 192.0.2.2/24 dev to-near
address add fd00:1::2/64 dev to-near nodad
address add 198.51.100.2/24 dev to-far
address add fd00:2::2/64 dev to-far nodad
route add 10.2.0.0/16 via 198.51.100.1
route add unreachable 10.3.0.0/16
route add prohibit 10.4.0.0/16
route add blackhole 10.5.0.0/16
route add unreachable fd00:3::/64
`},
		{"far", `link set to-router up
address add 198.51.100.1/24 dev to-router
address add fd00:2::1/64 dev to-router nodad
route add default via 198.51.100.2
route add default via fd00:2::2
route add local 10.2.0.0/16 dev lo
`},
	} {
		for line := range strings.Lines(c.commands) {
			s.run(c.netns, append([]string{"ip"}, strings.Fields(line)...)...)
		}
		s.run(c.netns, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	}
	return s
}

// ping probes from near and tells what came of it: "" for an answer.
func (s *sim) ping(tries int, timeout time.Duration, dsts ...string) map[string]string {
	s.Helper()
	var probes []Probe
	for _, d := range dsts {
		probes = append(probes, Probe{Dst: addr(d)})
	}
	replies, err := s.Ping(s.Context(), "near", probes, tries, timeout)
	if err != nil {
		s.Fatal(err)
	}
	got := map[string]string{}
	for i, r := range replies {
		got[dsts[i]] = ""
		if r.Err != nil {
			got[dsts[i]] = r.Err.Error()
		}
		if (r.Err == nil) != (r.RTT > 0) {
			s.Errorf("%s: round-trip time %v, error %v", dsts[i], r.RTT, r.Err)
		}
	}
	return got
}

func TestPing(t *testing.T) {
	s := sites(t)
	want := map[string]string{"192.0.2.2": "", "10.2.3.4": "", "fd00:1::2": "", "fd00:2::1": "", "192.0.2.1": ""}
	if d := cmp.Diff(want, s.ping(10, time.Second, "192.0.2.2", "10.2.3.4", "fd00:1::2", "fd00:2::1", "192.0.2.1")); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}
	want = map[string]string{
		"10.2.3.4": "", "10.3.0.1": "192.0.2.2 says: host unreachable", "10.4.0.1": "192.0.2.2 says: prohibited",
		"10.5.0.1": "no answer", "fd00:3::1": "fd00:1::2 says: no route", "203.0.113.1": "no route to host",
	}
	got := s.ping(2, 500*time.Millisecond, "10.2.3.4", "10.3.0.1", "10.4.0.1", "10.5.0.1", "fd00:3::1", "203.0.113.1")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}
	if _, err := s.Ping(t.Context(), "nowhere", []Probe{{Dst: addr("10.2.0.1")}}, 1, time.Second); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a namespace that isn't there: %v", err)
	}
}

// However many answer at once, none is lost: more than a socket's usual buffer holds.
func TestPingMany(t *testing.T) {
	s := sites(t)
	var dsts []string
	for a := addr("10.2.0.1"); len(dsts) < 5000; a = a.Next() {
		dsts = append(dsts, a.String())
	}
	failed := 0
	for d, e := range s.ping(5, time.Second, dsts...) {
		if e != "" {
			failed++
			t.Logf("%s: %s", d, e)
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d have no answer", failed, len(dsts))
	}
}

// A probe that is given up ends at once, with the reason.
func TestPingCancelled(t *testing.T) {
	s := sites(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := s.Ping(ctx, "near", []Probe{{Dst: addr("10.5.0.1")}}, 1, time.Minute)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), err)
	}
}

// The largest packet that gets through is found, also where nobody tells that larger
// ones are dropped: a veth does so in silence when the other end's MTU is less (with
// 4 bytes to spare, for a VLAN's tag).
func TestPathMTUs(t *testing.T) {
	s := sites(t)
	timeout := time.Second
	mtus := func(most int, dsts ...string) []int {
		t.Helper()
		s.ping(10, time.Second, dsts...) // neighbours are known from now on
		var l []netip.Addr
		for _, d := range dsts {
			l = append(l, addr(d))
		}
		got, err := s.PathMTUs(t.Context(), "near", l, most, timeout)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if d := cmp.Diff([]int{1500, 1400, 1500, 1400}, mtus(1500, "192.0.2.2", "10.2.3.4", "fd00:1::2", "fd00:2::1")); d != "" {
		t.Errorf("path MTUs (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{1450, 1400}, mtus(1450, "192.0.2.2", "10.2.3.4")); d != "" {
		t.Errorf("path MTUs of at most 1450 (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{1500}, mtus(9000, "192.0.2.2")); d != "" {
		t.Errorf("path MTU where the own device is the limit (-want +got):\n%s", d)
	}
	got, err := s.PathMTUs(t.Context(), "near", []netip.Addr{addr("10.5.0.1")}, 1500, 20*time.Millisecond)
	if err != nil || got[0] != 0 {
		t.Errorf("path MTU to nobody: %v, %v", got, err)
	}
	s.run("router", "ip", "link", "set", "to-near", "mtu", "1320")
	timeout = 300 * time.Millisecond
	for i, got := range mtus(1500, "192.0.2.2", "fd00:1::2") {
		if got < 1320 || got > 1324 {
			t.Errorf("silence beyond 1320 bytes, destination %d: the path MTU is %d", i, got)
		}
	}
}

// The search finds every limit, in few rounds of few probes.
func TestMTUSearch(t *testing.T) {
	for _, limit := range []int{0, 27, 28, 29, 576, 1279, 1280, 1449, 1450, 8950, 8999, 9000, 9001} {
		s := &mtuSearch{dst: addr("192.0.2.1"), fails: 9001}
		rounds, fan := 0, 1
		for probes := s.sizes(fan); len(probes) > 0; probes = s.sizes(fan) {
			if len(probes) > fan {
				t.Fatalf("limit %d: %d probes in a round", limit, len(probes))
			}
			for _, p := range probes {
				var err error
				if p.Size > limit {
					err = ErrNoAnswer
				}
				s.learn(p.Size, err)
			}
			rounds, fan = rounds+1, 16
		}
		want := min(limit, 9000)
		if limit < ipv4Header+icmpHeader {
			want = 0
		}
		if s.passes != want || rounds > 5 {
			t.Errorf("limit %d: found %d in %d rounds", limit, s.passes, rounds)
		}
	}
	s := &mtuSearch{dst: addr("192.0.2.1"), passes: 100, fails: 200}
	s.learn(150, ErrNoAnswer)
	s.learn(180, nil) // the other one was lost
	if s.passes != 180 || s.fails != 181 {
		t.Errorf("a larger packet passed, and the answer is at least %d, less than %d", s.passes, s.fails)
	}
	s = &mtuSearch{dst: addr("192.0.2.1"), fails: 1501}
	s.learn(1500, &icmpError{tooBig: true, mtu: 1400})
	if got := s.sizes(16)[0].Size; got != 1400 {
		t.Errorf("who refused it said 1400, and the next probe has %d bytes", got)
	}
}

func TestChecksum(t *testing.T) {
	for in, want := range map[string]uint16{
		"":                                 0xffff,
		"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7": ^uint16(0xddf2), // RFC 1071, 3
		"\xff\xff\xff\xff":                 0,
		"\x01":                             ^uint16(0x0100),
	} {
		if got := checksum([]byte(in)); got != want {
			t.Errorf("checksum of %x: %04x, want %04x", in, got, want)
		}
	}
	if got := checksum(echoRequest(unix.AF_INET, 7, 9, 1500)); got != 0 {
		t.Errorf("a message with its checksum sums up to %04x", got)
	}
}

// Without the right to send probes, the error says which right that is.
func TestPingUnprivileged(t *testing.T) {
	needRoot(t)
	done := make(chan error)
	go func() { // on a thread that drops what it may do, and ends with the goroutine
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			done <- err
			return
		}
		done <- newProber(unix.AF_INET, 1).dial("")
	}()
	want := "probe from the host: operation not permitted (needs CAP_NET_RAW)"
	if err := <-done; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
