package spec_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// lineBreak is what YAML 1.1 takes for the end of a line.
var lineBreak = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")

// FuzzParse looks for inputs that make the decoder panic, answer differently the
// second time, or point outside of the file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	for _, end := range []string{"\r", "\r\n", "\u0085", "\u2028"} {
		f.Add([]byte(strings.ReplaceAll(sound, "\n", end)))
	}
	for _, tc := range malformed {
		if len(tc.new) < 1000 { // the fuzzer minimises long ones for minutes
			f.Add([]byte(strings.Replace(sound, tc.old, tc.new, 1)))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sources := []spec.Source{{Name: "a.yaml", Data: data}}
		top, problems := spec.Parse(sources)
		again, same := spec.Parse(sources)
		if fmt.Sprint(problems) != fmt.Sprint(same) || (top == nil) != (again == nil) {
			t.Errorf("the second time, it says %v, not %v", same, problems)
		}
		lines := 1 + len(lineBreak.FindAll(data, -1))
		failed := false
		for _, p := range problems {
			failed = failed || !p.Warning
			if p.Pos.Line < 1 || p.Pos.Line > lines {
				t.Errorf("%v is not in the file, which has %d lines", p, lines)
			}
			if text := p.String(); strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
				t.Errorf("%q could disturb a terminal", text)
			}
		}
		if failed != (top == nil) {
			t.Errorf("a topology: %v, errors: %v", top != nil, problems)
		}
		if top != nil {
			harmless(t, top)
		}
	})
}

// harmless checks what others count on when they use a topology as root: a name never
// leads out of its directory, and no device has two meanings.
func harmless(t *testing.T, top *spec.Topology) {
	component := func(what, name string) {
		if name == "" || name == "." || name == ".." || filepath.Base(name) != name {
			t.Errorf("%s %q can be no file", what, name)
		}
	}
	component("topology", top.Name)
	for _, n := range top.Nodes {
		component("node", n.Name)
		devices := map[string]bool{"": true, "lo": true, n.Overlay.Device: true}
		device := func(name string) {
			component("device", name)
			if devices[name] {
				t.Errorf("node %s: device %q is there twice", n.Name, name)
			}
			devices[name] = true
		}
		for _, b := range n.Bridges {
			device(b.Name)
		}
		for _, ns := range n.Namespaces {
			component("netns", ns.Name)
			for _, i := range ns.Interfaces {
				device(i.Host)
			}
			for _, s := range ns.Sysctls {
				if path := "/proc/sys/" + strings.NewReplacer(".", "/", "/", ".").Replace(s.Name); filepath.Clean(path) != path || !strings.HasPrefix(path, "/proc/sys/net/") {
					t.Errorf("sysctl %q is %s", s.Name, path)
				}
			}
		}
	}
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

// oneLine makes a topology of n nodes as a program may write it, all in one line, with
// two errors in each node.
func oneLine(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"apiVersion":"netplan-overlay/v1","name":"big","backend":"vxlan","nodes":{"x-first":1`)
	for i := range n {
		fmt.Fprintf(&b, `,"n%d":{"addres":"192.168.%d.%d"}`, i, i/256, i%256)
	}
	b.WriteString("}}\n")
	return []byte(b.String())
}

// BenchmarkProblems shows that the time grows with the number of problems, and no
// faster, also where all are in one line.
func BenchmarkProblems(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		data := oneLine(n)
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, problems := spec.Parse([]spec.Source{{Name: "a.json", Data: data}})
				if len(problems) != 2*n {
					b.Fatalf("%d problems", len(problems))
				}
				for _, p := range problems {
					_ = p.String()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/node")
		})
	}
}
