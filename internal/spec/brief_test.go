package spec

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// Of nodes of which not all is wanted, the namespaces are left out, and nothing else: the
// problems are the same, and so are all other nodes.
func TestBrief(t *testing.T) {
	brief, whole := 0, 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 3))
		sources := randomSources(r)
		if seed%3 == 0 {
			sources = manyNamespaces(r)
		}
		want, expected := (&decoder{}).topologyOf(sources)
		most := 1 + r.IntN(3)
		wanted := func(n *Node) bool { return len(n.Name)%most == 0 || strings.HasSuffix(n.Name, "7") }
		got, problems := (&decoder{whole: wanted, parts: 1 + r.IntN(4)}).topologyOf(sources)
		if !reflect.DeepEqual(problems, expected) {
			t.Fatalf("seed %d: problems\n%v\nwant\n%v\nof\n%s", seed, problems, expected, sources[0].Data)
		}
		if want == nil {
			continue
		}
		for i := range want.Nodes {
			if n := &want.Nodes[i]; wanted(n) {
				whole++
			} else {
				n.Namespaces, n.Brief = nil, true
				brief++
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: topology\n%+v\nwant\n%+v\nof\n%s", seed, got, want, sources[0].Data)
		}
	}
	if brief < 1000 || whole < 1000 {
		t.Errorf("%d nodes without their namespaces and %d with them show little", brief, whole)
	}
}

// manyNamespaces writes a topology of which some nodes have more of everything than is
// allocated together.
func manyNamespaces(r *rand.Rand) []Source {
	var b strings.Builder
	b.WriteString("apiVersion: netplan-overlay/v1\nname: many\nbackend: vxlan\nnodes:\n")
	for i := range 20 + r.IntN(20) {
		fmt.Fprintf(&b, "  n%d:\n    address: 192.0.2.%d\n    bridges: {br0: [10.%d.0.1/16, \"fd00:%d::1/64\"]}\n    namespaces:\n      one: 10.%d.0.2/16\n", i, i+1, i, i, i)
		for ns := range []int{0, 1, 3, 50, 200}[r.IntN(5)] {
			fmt.Fprintf(&b, "      ns%d: [10.%d.1.%d/16, \"fd00:%d::2:%d/64\"]\n", ns, i, ns+1, i, ns)
		}
	}
	return []Source{{Name: "many.yaml", Data: []byte(b.String())}}
}
