package reconcile

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// BenchmarkFormer tells of a plan of one changed peer of 10,000 where its change comes from:
// by digests, and by reading the former topology; and makes the digests.
func BenchmarkFormer(b *testing.B) {
	var text strings.Builder
	text.WriteString("apiVersion: netplan-overlay/v1\nname: bench\nbackend: vxlan\nnodes:\n")
	for i := range 10_001 {
		fmt.Fprintf(&text, "  n%05d: {address: 10.0.%d.%d, bridges: {br0: 10.%d.%d.1/24}}\n", i, i/250, i%250+1, 100+i/250, i%250)
	}
	parse := func(text string) (*spec.Topology, model.Facts, *model.State) {
		t, problems := spec.Parse([]spec.Source{{Name: "bench.yaml", Data: []byte(text)}})
		if t == nil {
			b.Fatal(problems)
		}
		facts := desired.Assume(t, &t.Nodes[0])
		x, err := desired.Expand(t, &t.Nodes[0], facts)
		if err != nil {
			b.Fatal(err)
		}
		return t, facts, x.State
	}
	then, facts, before := parse(text.String())
	now, _, want := parse(strings.Replace(text.String(), "address: 10.0.20.1,", "address: 10.255.0.1,", 1))
	seen := &model.State{}
	for e := range before.All() {
		seen.Put(model.Entry{Object: e.Object, Owner: model.OwnerOurs})
	}
	p := diff.Compute(want, seen, diff.Options{})
	var out bytes.Buffer
	if err := writeApplied(&out, then, before.Digests(), facts); err != nil {
		b.Fatal(err)
	}
	note := out.Bytes()
	objects := formerObjects(note[len(note)-footerSize-before.Makeable()*digestSize : len(note)-footerSize])
	note = note[:len(note)-len(objects)-footerSize-1]
	b.Run("digests", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if last, ok := objects.states(p, want); !ok || last.Len() != 1 {
				b.Fatal(last, ok)
			}
		}
	})
	b.Run("topology", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if parseLast(note, now, &now.Nodes[0]).wanted(facts, nil) == nil {
				b.Fatal("the former topology is not known")
			}
		}
	})
	b.Run("note", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := writeApplied(io.Discard, then, before.Digests(), facts); err != nil {
				b.Fatal(err)
			}
		}
	})
}
