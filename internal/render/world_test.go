package render_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// golden compares got with the file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// rewrite replaces parts of a topology, each of which must be there.
func rewrite(t *testing.T, topology string, oldNew ...string) string {
	t.Helper()
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(topology, oldNew[i]) {
			t.Fatalf("the topology has no %q", oldNew[i])
		}
		topology = strings.Replace(topology, oldNew[i], oldNew[i+1], 1)
	}
	return topology
}

const classic = `apiVersion: netplan-overlay/v1
name: classic
backend: {type: vxlan, vni: 1, port: 8472}
nodes:
  vm1:
    address: 192.168.32.245
    bridges:    {br245: 172.245.0.1/24}
    namespaces: {ns245: 172.245.0.2/24}
  vm2:
    address: 192.168.32.246
    bridges:    {br246: 172.246.0.1/24}
    namespaces: {ns246: 172.246.0.2/24}
  vm3:
    address: 192.168.32.247
    bridges:    {br247: 172.247.0.1/24}
`

// fleet is a topology of the node n1 and n-1 peers.
func fleet(n int) string {
	var s strings.Builder
	s.WriteString("apiVersion: netplan-overlay/v1\nname: fleet\nbackend: vxlan\nnodes:\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&s, "  n%d:\n    address: 10.%d.%d.1\n    bridges: {br0: 10.%d.%d.1/24}\n", i, i/250, i%250, 100+i/250, i%250)
	}
	return s.String()
}

// wantedBy returns what a node of the topology should have, on a host like the file's.
func wantedBy(t *testing.T, topology, node string) *desired.Expansion {
	t.Helper()
	top, problems := spec.Parse([]spec.Source{{Name: "topology.yaml", Data: []byte(topology)}})
	if top == nil {
		t.Fatalf("topology: %v", problems)
	}
	for i := range top.Nodes {
		if top.Nodes[i].Name != node {
			continue
		}
		x, err := desired.Expand(top, &top.Nodes[i], desired.Assume(top, &top.Nodes[i]))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	t.Fatalf("the topology has no node %s", node)
	return nil
}

// made returns the host as it is after the topology was applied to it.
func made(t *testing.T, topology, node string) *model.State {
	t.Helper()
	s := bare()
	for e := range wantedBy(t, topology, node).State.All() {
		if !e.Ref {
			s.Put(model.Entry{Object: e.Object, Owner: model.OwnerOurs})
		}
	}
	return s
}

// bare returns a host with nothing but its underlay.
func bare() *model.State {
	s := &model.State{}
	s.Put(model.Entry{Object: model.Link{Name: "lo", Type: model.Some(""), MTU: model.Some(uint32(65536)), Up: model.Some(true)}, Owner: model.OwnerKernel, Maker: "the kernel"})
	s.Put(model.Entry{Object: model.Link{
		Name: "eth0", Type: model.Some(""), MTU: model.Some(uint32(1500)), Up: model.Some(true),
		MAC: model.Some(model.MAC{2, 0, 0, 0, 0, 1}), Group: model.Some(uint32(0)), Alias: model.Some(""),
	}})
	s.Put(model.Entry{Object: model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some("0")}, Owner: model.OwnerShared})
	return s
}

// header is that of a plan for the node.
func header(topology, node string) render.Header {
	return render.Header{Topology: topology, Node: node, Files: []string{"topology.yaml"}}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
