package probe_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/probe"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

const dual = `
nodes:
  a:
    address: [192.0.2.1, 2001:db8::1]
    bridges: {br0: [10.1.0.1/24, fd00:1::1/64]}
    namespaces: {web: [10.1.0.10/24, fd00:1::10/64]}
  b:
    address: [192.0.2.2, 2001:db8::2]
    bridges:
      br0: {addresses: [10.200.2.1/24], overlay: false}
      br1: [10.2.0.1/24, 10.2.1.1/24, fd00:2::1/64]
    namespaces:
      db: {interfaces: {eth0: 10.200.2.9/24, eth1: "fd00:2::9/64"}}
      web: [10.2.0.10/24, 10.2.0.11/24, fd00:2::10/64]
  c: {address: [192.0.2.3, 2001:db8::3], bridges: {br0: 10.3.0.1/24}, namespaces: {local: }}
  d: {address: [192.0.2.4, 2001:db8::4]}
  e: {address: [192.0.2.5, 2001:db8::5], probe: false, bridges: {br0: 10.5.0.1/24}}
`

const four = `
nodes:
  a: {address: 192.0.2.1, OVERLAY_Abridges: {br0: 10.1.0.1/24}}
  b: {address: 192.0.2.2, OVERLAY_Bbridges: {br0: 10.2.0.1/24}}
`

func withOverlays(a, b string) string {
	return strings.NewReplacer("OVERLAY_A", "overlay: {address: "+a+"}, ", "OVERLAY_B", "overlay: {address: "+b+"}, ").Replace(four)
}

func TestTargets(t *testing.T) {
	plain := strings.NewReplacer("OVERLAY_A", "", "OVERLAY_B", "").Replace(four)
	shared := withOverlays("172.31.0.1/24", "172.31.0.2/24")
	for _, c := range []struct {
		name, head, nodes, node string
		want                    []string
	}{
		{"no probe", "backend: vxlan", dual, "a", nil},
		{"vxlan", "backend: vxlan\nprobe: icmp", dual, "a", []string{"b/ 10.2.0.0", "b/ fd00:2::", "c/ 10.3.0.0"}},
		{"a family that this node hasn't", "backend: vxlan\nprobe: icmp", dual, "c", []string{"a/ 10.1.0.0", "b/ 10.2.0.0"}},
		{"nobody to ask from", "backend: vxlan\nprobe: icmp", dual, "d", nil},
		{"probe: false", "backend: vxlan\nprobe: icmp", dual, "e", nil},
		{"host-gw", "backend: host-gw\nprobe: icmp", dual, "a", []string{"b/ 10.2.0.1", "b/ fd00:2::1", "c/ 10.3.0.1"}},
		{"namespaces", "backend: vxlan\nprobe: {namespaces: true}", dual, "a",
			[]string{"b/ 10.2.0.0", "b/ fd00:2::", "b/db fd00:2::9", "b/web 10.2.0.10", "b/web fd00:2::10", "c/ 10.3.0.0"}},
		{"one namespace", "backend: vxlan\nprobe: {namespaces: [db]}", dual, "a", []string{"b/ 10.2.0.0", "b/ fd00:2::", "b/db fd00:2::9", "c/ 10.3.0.0"}},
		{"ipip", "backend: ipip\nprobe: icmp", plain, "a", []string{"b/ 10.2.0.0"}},
		{"ipip per peer", "backend: {type: ipip, mode: per-peer}\nprobe: icmp", plain, "a", []string{"b/ 10.2.0.1"}},
		{"ipip per peer, shared", "backend: {type: ipip, mode: per-peer}\nprobe: icmp", shared, "b", []string{"a/ 172.31.0.1"}},
		{"ipip, shared", "backend: ipip\nprobe: icmp", shared, "a", []string{"b/ 10.2.0.1"}},
		{"vxlan, shared", "backend: vxlan\nprobe: icmp", shared, "a", []string{"b/ 172.31.0.2"}},
		{"vxlan, shared, direct", "backend: {type: vxlan, directRouting: true}\nprobe: icmp", shared, "a", []string{"b/ 10.2.0.1"}},
		{"vxlan, elsewhere", "backend: vxlan\nprobe: icmp", withOverlays("172.31.1.1/32", "172.31.2.1/32"), "a", []string{"b/ 10.2.0.1"}},
		{"host-gw, a peer without an underlay of the family", "backend: host-gw\nprobe: icmp",
			strings.Replace(dual, "[192.0.2.2, 2001:db8::2]", "192.0.2.2", 1), "a", []string{"b/ 10.2.0.1", "c/ 10.3.0.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			top, problems := spec.Parse([]spec.Source{{Name: "t.yaml", Data: []byte("apiVersion: netplan-overlay/v1\nname: t\n" + c.head + c.nodes)}})
			if top == nil {
				t.Fatal(problems)
			}
			var got []string
			for i := range top.Nodes {
				if top.Nodes[i].Name != c.node {
					continue
				}
				for _, x := range probe.Targets(top, &top.Nodes[i]) {
					got = append(got, fmt.Sprintf("%s/%s %s", x.Node, x.Namespace, x.Addr))
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
