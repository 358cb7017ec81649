package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// listening hears a namespace of a simulated host.
func listening(t *testing.T, s *sim, netns string) chan News {
	t.Helper()
	l, err := s.Listen(netns)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan News, 1<<16)
	go func() {
		defer close(heard)
		var list []News
		buf := NewsBuffer()
		for err == nil {
			if err = l.Wait(); err != nil {
				break
			}
			list, err = l.Take(list[:0], buf)
			for _, n := range list {
				heard <- n
			}
		}
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("listen: %v", err)
		}
	}()
	t.Cleanup(func() { l.Close(); <-heard })
	return heard
}

// hears waits for news of an object.
func hears(t *testing.T, heard chan News, k model.Key, kind NewsKind) {
	t.Helper()
	var all []string
	for late := time.After(10 * time.Second); ; {
		select {
		case n := <-heard:
			if n.Key == k && n.Kind == kind {
				return
			}
			all = append(all, fmt.Sprintf("%s %d", n.Key, n.Kind))
		case <-late:
			t.Fatalf("nothing was heard of %s (%d), but of:\n%s", k, kind, strings.Join(all, "\n"))
		}
	}
}

// Each change that ip and bridge make is told, under the key that the planner knows it
// by.
func TestNews(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	heard := listening(t, s, "")
	m := mac("02:00:00:00:01:01")
	for _, c := range []struct {
		command string // of ip; or of bridge
		key     model.Key
		kind    NewsKind
	}{
		{"link add br7 type bridge", model.LinkKey("", "br7"), Changed},
		{"link set br7 up", model.LinkKey("", "br7"), Changed},
		{"address add 10.7.0.1/24 dev br7", model.AddressKey("", "br7", prefix("10.7.0.1/24")), Changed},
		{"address add fd07::1/64 dev br7 nodad", model.AddressKey("", "br7", prefix("fd07::1/64")), Changed},
		{"route add 10.8.0.0/16 via 10.7.0.9 metric 5", model.RouteKey("", model.TableMain, prefix("10.8.0.0/16"), 5), Changed},
		{"-6 route add default via fd07::9", model.RouteKey("", model.TableMain, prefix("::/0"), 1024), Changed},
		{"neighbour add 10.7.0.9 lladdr 02:00:00:00:01:01 dev br7", model.NeighbourKey("", "br7", addr("10.7.0.9")), Changed},
		{"bridge fdb add 02:00:00:00:01:01 dev vx0 dst 192.0.2.11 self", model.FDBKey("", "vx0", m, addr("192.0.2.11")), Changed},
		{"bridge fdb del 02:00:00:00:01:01 dev vx0 self", model.FDBKey("", "vx0", m, addr("192.0.2.11")), Gone},
		{"neighbour del 10.7.0.9 dev br7", model.NeighbourKey("", "br7", addr("10.7.0.9")), Gone},
		{"route del 10.8.0.0/16 metric 5", model.RouteKey("", model.TableMain, prefix("10.8.0.0/16"), 5), Gone},
		{"address del 10.7.0.1/24 dev br7", model.AddressKey("", "br7", prefix("10.7.0.1/24")), Gone},
		{"link set br7 down", model.LinkKey("", "br7"), Changed},
		{"link set br7 name br8", model.LinkKey("", "br7"), Gone},
		{"link set br8 mtu 1400", model.LinkKey("", "br8"), Changed},
		{"link del br8", model.LinkKey("", "br8"), Gone},
	} {
		if command, ok := strings.CutPrefix(c.command, "bridge "); ok {
			s.run("", append([]string{"bridge"}, strings.Fields(command)...)...)
		} else {
			s.ip(strings.Fields(c.command)...)
		}
		hears(t, heard, c.key, c.kind)
	}
}

// A listener that doesn't keep up says so, and hears on.
func TestNewsLost(t *testing.T) {
	s := newSim(t)
	s.lines("link add br7 type bridge\nlink set br7 up\naddress add 10.7.0.1/16 dev br7")
	l, err := s.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var small error
	if err := errors.Join(l.raw.Control(func(fd uintptr) { small = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096) }), small); err != nil {
		t.Fatal(err)
	}
	s.batch("ip", 1000, "route add 10.HI.LO.0/24 dev br7")
	lost := false
	for !lost {
		list := next(t, l)
		for _, n := range list {
			lost = lost || n.Kind == Lost
		}
	}
	s.lines("link add br9 type bridge")
	for {
		for _, n := range next(t, l) {
			if n.Key == model.LinkKey("", "br9") {
				return
			}
		}
	}
}

// next waits for news, and takes all that there is.
func next(t *testing.T, l *Listener) []News {
	t.Helper()
	if err := l.Wait(); err != nil {
		t.Fatal(err)
	}
	list, err := l.Take(nil, NewsBuffer())
	if err != nil {
		t.Fatal(err)
	}
	return list
}
