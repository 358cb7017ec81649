package review

import (
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Probes make nothing in the kernel: a change of them is none of any node.
func TestProbeChangesNothing(t *testing.T) {
	const text = `apiVersion: netplan-overlay/v1
name: classic
backend: vxlan
nodes:
  vm1: {address: 192.0.2.1, bridges: {br1: 10.1.0.1/24}, namespaces: {web: 10.1.0.2/24}}
  vm2: {address: 192.0.2.2, bridges: {br2: 10.2.0.1/24}}
`
	parsed := func(text string) *spec.Topology {
		top, problems := spec.Parse([]spec.Source{{Name: "t.yaml", Data: []byte(text)}})
		if top == nil {
			t.Fatal(problems)
		}
		return top
	}
	probed := strings.NewReplacer("nodes:", "probe: {interval: 30s, namespaces: true, ready: all}\nnodes:", "{address: 192.0.2.2,", "{address: 192.0.2.2, probe: false,").Replace(text)
	v := Versions{From: parsed(text), To: parsed(probed)}
	c := compare(v.From, v.To)
	if c.whole || len(c.changed) > 0 {
		t.Errorf("%v, changed %v", c.whole, c.changed)
	}
	for _, name := range c.names() {
		if got, err := v.plan(c, name); err != nil || !got.Plan.Empty() || got.Plan.Unchanged == 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
