package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Deleting an address takes no other along, although the kernel would; the setting
// that keeps it from that is as it was.
func TestAddressLeavesSiblings(t *testing.T) {
	for _, promote := range []string{"0", "1"} {
		s := newSim(t)
		s.lines("link add a.b type bridge\nlink set a.b up")
		file := "/proc/sys/net/ipv4/conf/a.b/promote_secondaries"
		s.run("", "sh", "-c", "echo 0 > /proc/sys/net/ipv4/conf/all/promote_secondaries; echo "+promote+" > "+file)
		of := func(p string) model.Object { return model.Address{Link: "a.b", Prefix: prefix(p)} }
		s.create(of("192.0.2.1/24"), of("192.0.2.2/24"), of("192.0.2.3/24"), of("198.51.100.1/24"))
		want := s.snapshot()
		s.remove(of("192.0.2.1/24"))
		delete(want, model.AddressKey("", "a.b", prefix("192.0.2.1/24")).String())
		got := s.snapshot()
		route := model.RouteKey("", model.TableMain, prefix("192.0.2.0/24"), 0).String()
		delete(want, route) // it has another preferred source now
		delete(got, route)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("promote_secondaries %s (-want +got):\n%s", promote, d)
		}
		if v := strings.TrimSpace(s.run("", "cat", file)); v != promote {
			t.Errorf("promote_secondaries was %s and is %s", promote, v)
		}
	}
}

// An address can be used at once: it is not held back for duplicate detection.
func TestAddressIsReady(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands)
	s.create(model.Address{Link: "u1", Prefix: prefix("fd42::1/64")})
	if out := s.ip("address", "show", "dev", "u1", "to", "fd42::1"); !strings.Contains(out, "fd42::1/64") || strings.Contains(out, "tentative") {
		t.Errorf("got\n%s", out)
	}
}

// The near end of a point-to-point address is its own.
func TestAddressWithPeer(t *testing.T) {
	s := newSim(t)
	s.lines(underlayCommands + "address add 10.0.0.1 peer 10.0.0.2/32 dev u1\naddress add fd00::1 peer fd00::2/128 dev u1")
	s.mustGet(model.AddressKey("", "u1", prefix("10.0.0.1/32")))
	s.mustGet(model.AddressKey("", "u1", prefix("fd00::1/128")))
}
