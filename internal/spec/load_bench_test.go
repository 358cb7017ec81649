package spec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// sizes are the numbers of nodes that loading is measured with.
var sizes = [...]int{1000, 10_000, 50_000}

// fleet writes a topology of n nodes, as a fleet of that size is written.
func fleet(n int) []byte {
	var b strings.Builder
	b.WriteString("apiVersion: netplan-overlay/v1\nname: big\nbackend: vxlan\nnodes:\n")
	for i := range n {
		subnet := fmt.Sprintf("100.%d.%d.", 64+i/1024, i/4%256)
		host := i % 4 * 64
		fmt.Fprintf(&b, "  n%05d:\n    address: 10.%d.%d.%d\n    bridges: {br0: %s%d/26}\n    namespaces: {ns0: %s%d/26}\n",
			i, i/62500, i/250%250, i%250+1, subnet, host+1, subnet, host+2)
	}
	return []byte(b.String())
}

// BenchmarkLoad reads a file into a topology; live-B/node is what stays of it.
func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) { load(b, n, fleet(n)) })
	}
}

// BenchmarkLoadFallback reads files of which the last line leaves them to yaml.v3.
func BenchmarkLoadFallback(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) { load(b, n, append(fleet(n), "x-note: |\n  a\n"...)) })
	}
}

func load(b *testing.B, n int, text []byte) {
	path := filepath.Join(b.TempDir(), "topology.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var t *spec.Topology
	for b.Loop() {
		var err error
		if t, _, err = spec.Load([]string{path}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/node")
	b.ReportMetric(held(&t)/float64(n), "live-B/node")
}

// held returns how many bytes of heap are free without a topology.
func held(t **spec.Topology) float64 {
	var with, without runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&with)
	runtime.KeepAlive(*t)
	*t = nil
	runtime.GC()
	runtime.ReadMemStats(&without)
	return float64(with.HeapAlloc) - float64(without.HeapAlloc)
}

// BenchmarkScan is the yardstick: what yaml.v3 takes for the same files until it has
// its own tree.
func BenchmarkScan(b *testing.B) {
	for _, n := range sizes {
		data := fleet(n)
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var doc yaml.Node
				if err := yaml.Unmarshal(data, &doc); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/node")
		})
	}
}
