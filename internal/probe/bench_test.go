package probe

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// sink takes what is sent.
type sink struct{}

func (sink) Send(netip.Addr, uint64) error { return nil }
func (sink) Receive([]uint64) (int, error) { select {} }
func (sink) Close() error                  { return nil }

// What it costs to probe everybody once, without the kernel's part, and what a probe
// allocates.
func BenchmarkRound(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("peers=%d", n), func(b *testing.B) {
			e := New(Config{})
			e.lines[4] = &line{Socket: sink{}}
			l := make([]Target, n)
			for i := range l {
				l[i] = Target{Node: fmt.Sprint(i), Addr: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}
			}
			e.Update(spec.Probe{Type: spec.ProbeICMP, Interval: 10 * time.Second, Timeout: time.Second, Down: 3, Up: 1}, l)
			now := time.Now()
			round := func() {
				for range 100 { // ticks of a tenth of a second are 10 s
					now = now.Add(slice)
					e.step(now)
					for i := e.flights.head; i < len(e.flights.list); i++ {
						e.answer(e.flights.base+uint64(i), time.Now())
					}
				}
				e.tell()
			}
			round()
			round()
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				round()
			}
			if p := e.peers[0]; p.lost > 0 {
				b.Errorf("%d of %d were lost", p.lost, p.probes)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/tick")
		})
	}
}
