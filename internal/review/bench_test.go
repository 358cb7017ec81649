package review

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// fleet is the text of a topology of n nodes, one of which has another bridge.
func fleet(n, other int) []byte {
	var b strings.Builder
	b.WriteString("apiVersion: netplan-overlay/v1\nname: fleet\nbackend: vxlan\nnodes:\n")
	for i := range n {
		bridge := fmt.Sprintf("10.%d.%d.1/24", i/256, i%256)
		if i == other {
			bridge = "10.200.0.1/24"
		}
		fmt.Fprintf(&b, "  n%d:\n    address: 192.%d.%d.%d\n    bridges: {br0: %s}\n    namespaces: {web: %s}\n",
			i, 168+i/62500, i/250%250, i%250+1, bridge, strings.Replace(bridge, ".1/", ".2/", 1))
	}
	return []byte(b.String())
}

func parsed(tb testing.TB, text []byte) *spec.Topology {
	tb.Helper()
	t, problems := spec.Parse([]spec.Source{{Name: "t.yaml", Data: text}})
	if t == nil {
		tb.Fatal(problems[0])
	}
	return t
}

// BenchmarkBetween shows what plans for all nodes cost where one has changed, and how that
// compares to reading both versions: where it has one more bridge, and where another
// subnet has given its VTEP another address, so that all routes of its own are made anew.
func BenchmarkBetween(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		old := fleet(n, -1)
		bridge := fmt.Sprintf("10.%d.%d.1/24}", n/2/256, n/2%256)
		more := bytes.Replace(old, []byte(bridge), []byte(strings.TrimSuffix(bridge, "}")+", br1: 10.200.0.1/24}"), 1)
		b.Run(fmt.Sprintf("bridge/nodes=%d", n), func(b *testing.B) { benchmarkBetween(b, n, old, more) })
		b.Run(fmt.Sprintf("subnet/nodes=%d", n), func(b *testing.B) { benchmarkBetween(b, n, old, fleet(n, n/2)) })
	}
}

func benchmarkBetween(b *testing.B, n int, old, changed []byte) {
	var reading, planning time.Duration
	for b.Loop() {
		start := time.Now()
		v := Versions{From: parsed(b, old), To: parsed(b, changed)}
		read := time.Now()
		d, err := Between(v)
		planning, reading = planning+time.Since(read), reading+read.Sub(start)
		if err != nil || len(d.Plans) != n || d.Plans[0].Plan.Empty() {
			b.Fatalf("%d plans, %v", len(d.Plans), err)
		}
	}
	b.ReportMetric(reading.Seconds()*1000/float64(b.N), "ms-reading/op")
	b.ReportMetric(planning.Seconds()*1000/float64(b.N), "ms-planning/op")
	b.ReportMetric(planning.Seconds()/reading.Seconds(), "planning/reading")
}

// BenchmarkBetweenAll shows what it costs where every node changes.
func BenchmarkBetweenAll(b *testing.B) {
	for _, n := range []int{100, 300, 1000, 10000} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			from := parsed(b, fleet(n, -1))
			to := parsed(b, []byte(strings.Replace(string(fleet(n, -1)), "backend: vxlan", "backend: {type: vxlan, vni: 7}", 1)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := Between(Versions{From: from, To: to})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(d.Plans)), "plans")
			}
		})
	}
}
