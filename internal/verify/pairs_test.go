package verify_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/verify"
)

// parse reads a topology that has no problems.
func parse(t *testing.T, text string) *spec.Topology {
	t.Helper()
	top, problems := spec.Parse([]spec.Source{{Name: "topology.yaml", Data: []byte(text)}})
	if top == nil {
		t.Fatal(problems)
	}
	return top
}

// A dual-stack topology with bridges that peers don't reach.
const campus = `apiVersion: netplan-overlay/v1
name: campus
backend: vxlan
nodes:
  rack1:
    address: 192.0.2.1
    bridges:
      br0: [10.42.1.1/24, fd42:0:0:1::1/64]
      brdmz: {addresses: [10.42.101.1/24], overlay: false}
    namespaces:
      web: [10.42.1.10/24, fd42:0:0:1::10/64]
      dmz: 10.42.101.10/24
      fw:
        interfaces:
          eth0: {addresses: [10.42.1.30/24]}
          eth1: {addresses: [10.42.101.2/24]}
  rack2:
    address: 192.0.2.2
    bridges:
      br0: [10.42.2.1/24, fd42:0:0:2::1/64]
      brdmz: {addresses: [10.42.102.1/24], overlay: false}
    namespaces:
      web: [10.42.2.10/24, fd42:0:0:2::10/64]
      dmz: 10.42.102.10/24
      v6: fd42:0:0:2::20/64
`

// Whoever is on a local bridge only is reached from the own node alone, and reaches
// nobody else; families don't mix.
func TestPairs(t *testing.T) {
	top := parse(t, campus)
	want := map[string][]string{
		"rack1/web": {"rack1/dmz 10.42.101.10", "rack1/fw 10.42.1.30", "rack1/fw 10.42.101.2", "rack2/v6 fd42:0:0:2::20", "rack2/web 10.42.2.10", "rack2/web fd42:0:0:2::10"},
		"rack1/dmz": {"rack1/fw 10.42.1.30", "rack1/fw 10.42.101.2", "rack1/web 10.42.1.10"},
		"rack1/fw":  {"rack1/dmz 10.42.101.10", "rack1/web 10.42.1.10", "rack2/web 10.42.2.10"},
		"rack2/web": {"rack1/fw 10.42.1.30", "rack1/web 10.42.1.10", "rack1/web fd42:0:0:1::10", "rack2/dmz 10.42.102.10", "rack2/v6 fd42:0:0:2::20"},
		"rack2/dmz": {"rack2/web 10.42.2.10"},
		"rack2/v6":  {"rack1/web fd42:0:0:1::10", "rack2/web fd42:0:0:2::10"},
	}
	got := map[string][]string{}
	for i := range top.Nodes {
		n := &top.Nodes[i]
		for j := range n.Namespaces {
			for _, p := range verify.Pairs(top, n, &n.Namespaces[j]) {
				got[p.From.String()] = append(got[p.From.String()], p.To.String()+" "+p.Dst.String())
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("pairs (-want +got):\n%s", d)
	}
}
