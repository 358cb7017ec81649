package probe_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/probe"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

func target(n int) probe.Target {
	return probe.Target{Node: fmt.Sprintf("n%05d", n), Addr: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})}
}

func targets(n int) []probe.Target {
	l := make([]probe.Target, n)
	for i := range l {
		l[i] = target(i)
	}
	return l
}

var icmp = spec.Probe{Type: spec.ProbeICMP, Interval: 10 * time.Second, Timeout: time.Second, Down: 3, Up: 2}

// running runs an engine for the time of a test, in a bubble.
func running(t *testing.T, f func(t *testing.T, w *wire, e *probe.Engine, changes *[]string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		var changes []string
		e := probe.New(probe.Config{Open: w.open, Changed: func(p status.Peer) {
			w.set(func() { changes = append(changes, fmt.Sprintf("%s %s", p.Node, p.State)) })
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		f(t, w, e, &changes)
		cancel()
		<-done // synctest fails if a goroutine is left
		if w.opened != w.closed {
			t.Errorf("%d sockets were opened, %d closed", w.opened, w.closed)
		}
	})
}

func states(e *probe.Engine) map[status.Reach]int {
	m := map[status.Reach]int{}
	for _, p := range e.Snapshot() {
		m[p.State]++
	}
	return m
}

func TestUpAndDown(t *testing.T) {
	running(t, func(t *testing.T, w *wire, e *probe.Engine, changes *[]string) {
		e.Update(icmp, targets(3))
		if d := cmp.Diff(map[status.Reach]int{status.Unknown: 3}, states(e)); d != "" {
			t.Errorf("before the first probe (-want +got):\n%s", d)
		}
		time.Sleep(25 * time.Second)
		if d := cmp.Diff(map[status.Reach]int{status.Up: 3}, states(e)); d != "" {
			t.Errorf("all answer (-want +got):\n%s", d)
		}
		w.set(func() { w.silent[target(1).Addr] = true })
		time.Sleep(18 * time.Second) // a loss or two
		if d := cmp.Diff(map[status.Reach]int{status.Up: 3}, states(e)); d != "" {
			t.Errorf("after a loss (-want +got):\n%s", d)
		}
		time.Sleep(20 * time.Second)
		p := e.Snapshot()[1]
		if p.State != status.Down || p.Lost < 3 || p.Loss <= 0 || p.Loss > 1 || p.RTT != 5*time.Millisecond {
			t.Errorf("silent: %+v", p)
		}
		w.set(func() { clear(w.silent); w.refuse[target(2).Addr] = errors.New("no route to host") })
		time.Sleep(45 * time.Second)
		l := e.Snapshot()
		if l[1].State != status.Up || l[2].State != status.Down || l[2].Error != "no route to host" || l[0].Error != "" {
			t.Errorf("the one answers again, to the other there is no way: %+v", l)
		}
		if all := e.Times(); all.Seconds.Count != all.Sent-all.Lost || all.Sent != l[0].Sent+l[1].Sent+l[2].Sent {
			t.Errorf("of all: %+v", all)
		}
		if got := e.Times().Seconds.Count; got != l[0].Sent-l[0].Lost+l[1].Sent-l[1].Lost+l[2].Sent-l[2].Lost {
			t.Errorf("%d round-trip times: %+v", got, l)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		slices.Sort((*changes)[:3]) // in whatever order
		if d := cmp.Diff([]string{"n00000 up", "n00001 up", "n00002 up", "n00001 down"}, (*changes)[:4]); d != "" {
			t.Errorf("changes (-want +got):\n%s", d)
		}
	})
}

// If those whose turn would be next are gone, the next round begins.
func TestFewerTargets(t *testing.T) {
	running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
		for range 50 { // turns are drawn by lot
			e.Update(icmp, targets(10))
			time.Sleep(25 * time.Second)
			e.Update(icmp, targets(1))
			time.Sleep(25 * time.Second)
			if l := e.Snapshot(); len(l) != 1 || l[0].State != status.Up {
				t.Fatalf("the one that stays: %+v", l)
			}
		}
	})
}

// An answer that comes late is a loss.
func TestLate(t *testing.T) {
	running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
		w.delay = 1500 * time.Millisecond
		e.Update(icmp, targets(1))
		time.Sleep(35 * time.Second)
		if p := e.Snapshot()[0]; p.State != status.Down || p.Lost != p.Sent || p.Loss != 1 {
			t.Errorf("%+v", p)
		}
	})
}

// Probes are spread over the interval, each target has its turn, and no rate is exceeded.
func TestSpread(t *testing.T) {
	for _, n := range []int{1, 10, 1000, 10_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
				e.Update(icmp, targets(n))
				time.Sleep(20 * time.Second)
				w.set(func() { w.sends = nil })
				time.Sleep(100 * time.Second)
				w.set(func() {
					perSecond, each := map[time.Time]int{}, map[netip.Addr]int{}
					for _, s := range w.sends {
						perSecond[s.at.Truncate(time.Second)]++
						each[s.addr]++
					}
					if len(each) != n {
						t.Errorf("%d of %d were probed", len(each), n)
					}
					for a, c := range each {
						if c < 9 || c > 11 {
							t.Fatalf("%s was probed %d times in 10 intervals", a, c)
						}
					}
					for _, c := range perSecond {
						if c > n*13/100+1 {
							t.Errorf("%d probes in a second", c)
						}
					}
				})
			})
		})
	}
}

// The first round is faster, but not too fast.
func TestFirstRound(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 0, 100: time.Second, 5000: 5 * time.Second} {
		running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
			e.Update(spec.Probe{Type: spec.ProbeICMP, Interval: 10 * time.Second, Timeout: time.Second, Down: 3, Up: 1}, targets(n))
			time.Sleep(want + want/10 + 200*time.Millisecond)
			if got := states(e)[status.Up]; got != n {
				t.Errorf("%d of %d are up after %v", got, n, want)
			}
			w.set(func() {
				if last := w.sends[n-1].at.Sub(w.sends[0].at); last < want*8/10 {
					t.Errorf("%d were probed within %v", n, last)
				}
			})
		})
	}
}

// Hosts draw different orders: those that start together don't probe one together.
func TestOrder(t *testing.T) {
	order := func() (l []netip.Addr) {
		running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
			e.Update(icmp, targets(50))
			time.Sleep(time.Minute)
			w.set(func() {
				for _, s := range w.sends[:50] {
					l = append(l, s.addr)
				}
			})
		})
		return l
	}
	if slices.Equal(order(), order()) {
		t.Error("two engines probe in one order")
	}
}

// What is known of those that stay is kept; who goes is forgotten, with its socket.
func TestUpdate(t *testing.T) {
	running(t, func(t *testing.T, w *wire, e *probe.Engine, changes *[]string) {
		six := probe.Target{Node: "six", Addr: netip.MustParseAddr("fd00::1")}
		w.silent[six.Addr] = true
		e.Update(icmp, append(targets(20), six))
		time.Sleep(60 * time.Second)
		before := e.Snapshot()
		if opened, _ := w.sockets(); opened != 2 || before[20].State != status.Down {
			t.Errorf("%d sockets; %+v", opened, before[20])
		}
		e.Update(icmp, targets(25)[5:])
		after := e.Snapshot()
		if d := cmp.Diff(before[5:20], after[:15]); d != "" {
			t.Errorf("those that stay (-before +after):\n%s", d)
		}
		synctest.Wait()
		if _, closed := w.sockets(); closed != 1 || after[19].State != status.Unknown {
			t.Errorf("%d sockets closed; %+v", closed, after[19])
		}
		time.Sleep(25 * time.Second)
		if got := states(e)[status.Up]; got != 20 {
			t.Errorf("%d of 20 are up", got)
		}
		e.Update(spec.Probe{}, targets(25))
		time.Sleep(10 * time.Second)
		w.set(func() { w.sends, *changes = nil, nil })
		time.Sleep(time.Hour)
		l := e.Snapshot()
		w.set(func() {
			if l != nil || len(w.sends) > 0 || len(*changes) > 0 || w.closed != 2 {
				t.Errorf("nobody is probed any more: %v, %d probes, %d sockets closed", l, len(w.sends), w.closed)
			}
		})
	})
}

// A socket that cannot be opened is told of each target, and tried again.
func TestNoSocket(t *testing.T) {
	running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
		w.broken = errors.New("operation not permitted (needs CAP_NET_RAW)")
		e.Update(icmp, targets(2))
		time.Sleep(40 * time.Second)
		if l := e.Snapshot(); l[0].State != status.Down || l[1].Error != w.broken.Error() {
			t.Errorf("%+v", l)
		}
		w.set(func() { w.broken = nil })
		time.Sleep(30 * time.Second)
		if l := e.Snapshot(); l[0].State != status.Up || l[1].Error != "" {
			t.Errorf("%+v", l)
		}
	})
}

// What readiness asks of peers is what the topology says.
func TestReady(t *testing.T) {
	for _, c := range []struct {
		ready  string
		silent int // how many
		want   string
	}{
		{spec.ReadyNone, 3, ""},
		{spec.ReadyAny, 2, ""},
		{spec.ReadyAny, 3, "none of 3 probed addresses is up; n00000 (10.0.0.0) is down (probe.ready is any)"},
		{spec.ReadyAll, 0, ""},
		{spec.ReadyAll, 1, "2 of 3 probed addresses are up; n00000 (10.0.0.0) is down (probe.ready is all)"},
	} {
		running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
			if err := e.Ready(); err != nil {
				t.Errorf("%s: nobody is probed: %v", c.ready, err)
			}
			for _, x := range targets(c.silent) {
				w.silent[x.Addr] = true
			}
			s := icmp
			s.Ready = c.ready
			e.Update(s, targets(3))
			if err := e.Ready(); (err == nil) != (c.ready == spec.ReadyNone) {
				t.Errorf("%s: nobody was probed yet: %v", c.ready, err)
			}
			time.Sleep(time.Minute)
			got := ""
			if err := e.Ready(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%s, %d silent: got %q, want %q", c.ready, c.silent, got, c.want)
			}
		})
	}
}

// Who goes while a probe is under way is told of no more.
func TestGone(t *testing.T) {
	running(t, func(t *testing.T, w *wire, e *probe.Engine, changes *[]string) {
		s := icmp
		s.Down, s.Up = 1, 1
		w.silent[target(0).Addr] = true
		w.delay = 500 * time.Millisecond
		e.Update(s, targets(2))
		for sent := 0; sent < 2; {
			time.Sleep(time.Millisecond)
			w.set(func() { sent = len(w.sends) })
		}
		e.Update(s, []probe.Target{target(2)})
		time.Sleep(5 * time.Second)
		w.set(func() {
			for _, c := range *changes {
				if c == "n00000 down" {
					t.Errorf("told: %s", c)
				}
			}
		})
		if all, l := e.Times(), e.Snapshot(); len(l) != 1 || all.Lost != l[0].Lost {
			t.Errorf("%+v, of all %+v", l, all)
		}
	})
}

// What comes after its time is lost also where results are only looked at from time to
// time; and an address is not asked anew while an answer may come.
func TestTiming(t *testing.T) {
	running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
		s := icmp
		s.Timeout = 30 * time.Millisecond
		w.delay = 31 * time.Millisecond
		e.Update(s, targets(2000))
		time.Sleep(time.Minute)
		if all := e.Times(); all.Lost != all.Sent || all.Seconds.Count > 0 {
			t.Errorf("of %d, %d were lost", all.Sent, all.Lost)
		}
	})
	running(t, func(t *testing.T, w *wire, e *probe.Engine, _ *[]string) {
		s := icmp
		s.Interval, s.Timeout = time.Second, time.Second
		w.delay = 990 * time.Millisecond
		e.Update(s, targets(3))
		time.Sleep(5 * time.Minute)
		last := map[netip.Addr]time.Time{}
		w.set(func() {
			for _, x := range w.sends {
				if gap := x.at.Sub(last[x.addr]); gap < w.delay {
					t.Errorf("%s was asked anew after %v", x.addr, gap)
				}
				last[x.addr] = x.at
			}
			if len(w.sends) < 450 {
				t.Errorf("only %d probes", len(w.sends))
			}
		})
		if all := e.Times(); all.Lost > 0 {
			t.Errorf("%d were lost", all.Lost)
		}
	})
}
