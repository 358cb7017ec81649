package kernel

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// fleet returns the objects of n peers of a vxlan device. The metrics differ, so that the
// kernel's table of next hops has many short chains (fib_info_laddrhash).
func fleet(n int) []model.Object {
	var l []model.Object
	for i := range n {
		node := [4]byte{10, byte(i >> 8), byte(i), 0}
		m := model.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}
		ip := netip.AddrFrom4(node)
		l = append(l,
			model.FDBEntry{Link: "vx0", MAC: m, Dst: someAddr("192.0.2.9"), State: some(model.FDBPermanent)},
			model.Neighbour{Link: "vx0", IP: ip, MAC: some(m), State: some(model.NeighbourPermanent), Protocol: some(model.MarkProtocol)},
			routed(viaRoute("10.0.0.0/24", ip.String()), func(r *model.Route) {
				r.Dst, r.Dev, r.OnLink, r.Metric = netip.PrefixFrom(ip, 24), some("vx0"), some(true), uint32(1+i%1024)
			}))
	}
	return l
}

// creating returns the steps that make the objects.
func creating(objects []model.Object) []model.Step {
	var l []model.Step
	for _, o := range objects {
		l = append(l, model.Step{Op: model.OpCreate, After: o})
	}
	return l
}

// removing returns the steps that remove the objects, the last one first.
func removing(objects []model.Object) []model.Step {
	var l []model.Step
	for _, o := range slices.Backward(objects) {
		l = append(l, model.Step{Op: model.OpDelete, Before: o})
	}
	return l
}

// done executes steps, none of which may fail.
func (s *sim) done(steps []model.Step) {
	s.Helper()
	for i, err := range s.Do(context.Background(), steps) {
		if err != nil {
			s.Fatalf("step %d: %v", i, err)
		}
	}
}

// prebuilt are the messages of steps, as many a piece as Do would send together.
func (s *sim) prebuilt(steps []model.Step) (sends [][]byte) {
	s.Helper()
	root, err := s.space("")
	if err != nil {
		s.Fatal(err)
	}
	errs := make([]error, len(steps))
	for len(steps) > 0 {
		c := &chunk{}
		n := c.fill(s.Host, root, steps[:s.Batch(steps)], errs)
		if n == 0 {
			s.Fatalf("%s has no message", steps[0].Key())
		}
		sends, steps = append(sends, c.requests), steps[n:]
	}
	return sends
}

// raw sends prebuilt messages, and no more than that.
func (s *sim) raw(sends [][]byte) {
	s.Helper()
	root, err := s.space("")
	if err != nil {
		s.Fatal(err)
	}
	answer := make([]byte, 512)
	for _, b := range sends {
		if err := root.conn.transmit(b); err != nil {
			s.Fatal(err)
		}
		if n, _, err := unix.Recvfrom(root.conn.fd, answer, unix.MSG_DONTWAIT); err != unix.EAGAIN {
			s.Fatalf("an answer of %d bytes, %v", n, err)
		}
	}
}

// BenchmarkDoFleet makes what hosts with many peers have. What the kernel needs for the
// same messages alone is the floor, measured in turn in the same run.
func BenchmarkDoFleet(b *testing.B) {
	for _, peers := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(peers), func(b *testing.B) {
			s := newSim(b)
			s.lines(vxlanCommands)
			objects := fleet(peers)
			create, remove := creating(objects), removing(objects)
			sends := s.prebuilt(create)
			var floor, ours []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				floor = append(floor, s.spent(func() { s.raw(sends) }))
				s.done(remove)
				ours = append(ours, s.spent(func() { s.done(create) }))
				s.done(remove)
			}
			b.ReportMetric(float64(middle(ours))/float64(middle(floor)), "x-floor")
			b.ReportMetric(float64(middle(ours).Microseconds())/1000, "ms/create")
		})
	}
}

// BenchmarkBuild makes the messages alone.
func BenchmarkBuild(b *testing.B) {
	s := newSim(b)
	s.lines(vxlanCommands)
	steps := creating(fleet(100))[:chunkMessages]
	root, err := s.space("")
	if err != nil {
		b.Fatal(err)
	}
	c, errs := &chunk{}, make([]error, len(steps))
	b.ReportAllocs()
	for b.Loop() {
		if n := s.Batch(steps); n < len(steps) {
			b.Fatal(n)
		}
		c.fill(s.Host, root, steps, errs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(steps)), "ns/step")
}

// spent returns what f takes of the processors, in the kernel, too: unlike the time that
// passes, it does not depend on what else the machine has to do.
func (s *sim) spent(f func()) time.Duration {
	s.Helper()
	var from, to unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &from); err != nil {
		s.Fatal(err)
	}
	f()
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &to); err != nil {
		s.Fatal(err)
	}
	return time.Duration(to.Nano() - from.Nano())
}

func middle(l []time.Duration) time.Duration {
	slices.Sort(l)
	return l[len(l)/2]
}
