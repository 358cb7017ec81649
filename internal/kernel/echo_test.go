package kernel

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// echoes opens a socket from near, that gives up after a while.
func (s *sim) echoes(family int) *Echo {
	s.Helper()
	e, err := s.OpenEcho("near", family)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { e.Close() })
	if err := e.file.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		s.Fatal(err)
	}
	return e
}

func (e *Echo) ask(t *testing.T, dst string, token uint64) (got uint64) {
	t.Helper()
	var l [4]uint64
	if err := e.Send(netip.MustParseAddr(dst), token); err != nil {
		t.Fatal(err)
	}
	if n, err := e.Receive(l[:]); n != 1 || err != nil {
		t.Fatalf("%d answers of %s, %v", n, dst, err)
	}
	return l[0]
}

func TestEcho(t *testing.T) {
	s := sites(t)
	s.ping(10, time.Second, "10.2.3.4", "fd00:2::1") // neighbours are known from now on
	for family, dst := range map[int]string{4: "10.2.3.4", 6: "fd00:2::1"} {
		e, other := s.echoes(family), s.echoes(family)
		for _, token := range []uint64{0, 1, 1<<64 - 1} {
			if got := e.ask(t, dst, token); got != token {
				t.Errorf("IPv%d: the token %x came back as %x", family, token, got)
			}
		}
		// What others send, and its answers, wake nobody.
		woken := -1
		if err := other.raw.Control(func(fd uintptr) {
			woken, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		}); err != nil || woken != 0 {
			t.Errorf("IPv%d: a foreign answer was let through: %d, %v", family, woken, err)
		}
		to, l := netip.MustParseAddr(dst), make([]uint64, 4)
		if n := testing.AllocsPerRun(20, func() {
			_ = e.Send(to, 7)
			_, _ = e.Receive(l)
		}); n > 0 {
			t.Errorf("IPv%d: %v allocations for a probe", family, n)
		}
	}
	e := s.echoes(4)
	if err := e.Send(netip.MustParseAddr("203.0.113.1"), 1); !errors.Is(err, unix.EHOSTUNREACH) {
		t.Errorf("no route: %v", err)
	}
	done := make(chan error)
	go func() {
		_, err := e.Receive(make([]uint64, 1))
		done <- err
	}()
	e.Close()
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := e.Send(netip.MustParseAddr("10.2.3.4"), 1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// However long or odd a message is, it is no answer unless it is one of ours.
func TestEchoToken(t *testing.T) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		e := &Echo{family: family, ident: 7, secret: 9}
		answer := []byte{icmp4EchoReply, 0, 0, 0, 0, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 2}
		if family == unix.AF_INET {
			answer = append([]byte{0x45, 19: 0, 9: unix.IPPROTO_ICMP}, answer...)
		} else {
			answer[0] = icmp6EchoReply
		}
		try := func(b []byte) (uint64, bool) {
			e.got = copy(e.in[:], b)
			return e.token()
		}
		if got, ok := try(answer); !ok || got != 0x102 {
			t.Errorf("family %d: %x, %v", family, got, ok)
		}
		var taken []int
		for i := range answer {
			if _, ok := try(answer[:i]); ok {
				t.Errorf("family %d: the first %d bytes are taken", family, i)
			}
			other := append([]byte{}, answer...)
			other[i] ^= 0x10
			if _, ok := try(other); ok {
				taken = append(taken, len(answer)-1-i)
			}
		}
		want := []int{22, 21, 20, 17, 16, 7, 6, 5, 4, 3, 2, 1, 0} // the code, checksum, number and token, from the end
		if d := cmp.Diff(want, taken); family == unix.AF_INET6 && d != "" {
			t.Errorf("the bytes that don't count (-want +got):\n%s", d)
		}
	}
}

// What it costs to send a probe and take its answer, of which the kernel's own way is most.
func BenchmarkEcho(b *testing.B) {
	s := newSim(b)
	e, err := s.OpenEcho("", 4)
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	to, l := netip.MustParseAddr("127.0.0.1"), make([]uint64, 64)
	b.ReportAllocs()
	for range b.N {
		if err := e.Send(to, 1); err != nil {
			b.Fatal(err)
		}
		if n, err := e.Receive(l); n != 1 || err != nil {
			b.Fatal(n, err)
		}
	}
}
