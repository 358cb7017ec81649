package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// FuzzParse looks for inputs that make the decoder panic, answer differently the
// second time, or point outside of the file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	for _, tc := range malformed {
		f.Add([]byte(strings.Replace(sound, tc.old, tc.new, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sources := []spec.Source{{Name: "a.yaml", Data: data}}
		top, problems := spec.Parse(sources)
		again, same := spec.Parse(sources)
		if fmt.Sprint(problems) != fmt.Sprint(same) || (top == nil) != (again == nil) {
			t.Errorf("the second time, it says %v, not %v", same, problems)
		}
		lines := 1 + strings.Count(string(data), "\n")
		failed := false
		for _, p := range problems {
			failed = failed || !p.Warning
			if p.Pos.Line < 1 || p.Pos.Line > lines {
				t.Errorf("%v is not in the file, which has %d lines", p, lines)
			}
		}
		if failed != (top == nil) {
			t.Errorf("a topology: %v, errors: %v", top != nil, problems)
		}
	})
}

// nodes makes a topology of n nodes.
func nodes(n int) []byte {
	var b strings.Builder
	b.WriteString("apiVersion: netplan-overlay/v1\nname: big\nbackend: vxlan\nnodes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  n%d:\n    address: 192.%d.%d.%d\n    bridges: {br0: 10.%d.%d.1/24}\n    namespaces: {web: 10.%d.%d.2/24}\n",
			i, 168+i/62500, i/250%250, i%250+1, i/256, i%256, i/256, i%256)
	}
	return []byte(b.String())
}

// BenchmarkParse shows that the time grows with the number of nodes, and no faster.
func BenchmarkParse(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		data := nodes(n)
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if top, problems := spec.Parse([]spec.Source{{Name: "a.yaml", Data: data}}); top == nil {
					b.Fatal(problems[0])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/node")
		})
	}
}
