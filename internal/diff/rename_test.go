package diff_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// A link of ours that the topology has under another name is renamed, and what is on it
// stays; anything else is made anew.
func TestRenames(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before spec.Backend
		change func(n *spec.Node)
		live   bool
		want   string
	}{
		{"a bridge", vxlan, func(n *spec.Node) { n.Bridges[0].Name, n.Namespaces[0].Interfaces[0].Bridge = "lan", "lan" }, true, "update link lan\n"},
		{"an overlay device", vxlan, func(n *spec.Node) { n.Overlay.Device = "vtep245" }, true, "update link vtep245\n"},
		{"a tunnel", ipip, func(n *spec.Node) { n.Overlay.Device = "tun245" }, true, "update link tun245\n"},
		{"the first end of a veth", vxlan, func(n *spec.Node) { n.Namespaces[0].Interfaces[0].Host = "veth1" }, true, "update link veth1\n"},
		{"a device that differs, too", vxlan, func(n *spec.Node) { n.Overlay.Device, n.Overlay.MAC = "vtep245", mac("02:00:00:00:09:09") }, true,
			`update link vtep245
update link vtep245, mac 02:00:00:00:01:45 -> 02:00:00:00:09:09
  takes neighbour 172.246.0.0 on vtep245
create neighbour 172.246.0.0 on vtep245
`},
		{"a bridge with another address", hostGW, func(n *spec.Node) {
			n.Bridges[0].Name, n.Namespaces[0].Interfaces[0].Bridge = "lan", "lan"
			n.Bridges[0].Addresses = prefixes("172.245.0.9/24")
		}, true, `create link lan
update link veth-ns245, master br245 -> lan
create address 172.245.0.9/24 on lan
delete link br245
  takes address 172.245.0.1/24 on br245
`},
		{"a kernel that cannot", hostGW, func(n *spec.Node) { n.Bridges[0].Name, n.Namespaces[0].Interfaces[0].Bridge = "lan", "lan" }, false,
			`create link lan
update link veth-ns245, master br245 -> lan
create address 172.245.0.1/24 on lan
delete link br245
  takes address 172.245.0.1/24 on br245
`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := applied(t, classic(tc.before))
			topology := classic(tc.before)
			tc.change(&topology.Nodes[0])
			want := expand(t, topology)
			opts := diff.Options{LiveRename: tc.live}
			p := diff.Compute(want, k.Observe(want), opts)
			if d := cmp.Diff(tc.want, text(p)); d != "" {
				t.Errorf("the plan (-want +got):\n%s", d)
			}
			run(t, k, p)
			if again := diff.Compute(want, k.Observe(want), opts); !again.Empty() || again.Unchanged != want.Len()-1 {
				t.Errorf("a second time, with %d of %d unchanged:\n%s", again.Unchanged, want.Len()-1, text(again))
			}
		})
	}
}

// A new name is given with the packets' new way, not while that is prepared.
func TestRenameInPhases(t *testing.T) {
	k := applied(t, classic(vxlan))
	topology := classic(vxlan)
	topology.Nodes[0].Overlay.Device = "vtep245"
	want := expand(t, topology)
	for _, tc := range []struct {
		phase diff.Phase
		want  string
	}{{diff.Prepare, ""}, {diff.Commit, "update link vtep245\n"}, {diff.Whole, ""}} {
		p := diff.Compute(want, k.Observe(want), diff.Options{LiveRename: true, Phase: tc.phase})
		if d := cmp.Diff(tc.want, text(p)); d != "" {
			t.Errorf("phase %q (-want +got):\n%s", tc.phase, d)
		}
		run(t, k, p)
	}
}

// What is somebody else's is not renamed, and neither is a link whose sysctl is
// remembered under its name.
func TestRenamesOnlyOurs(t *testing.T) {
	topology := classic(hostGW)
	topology.Nodes[0].Bridges[0].Name, topology.Nodes[0].Namespaces[0].Interfaces[0].Bridge = "lan", "lan"
	want := expand(t, topology)
	k := applied(t, classic(hostGW))
	k.Put(model.Sysctl{Name: "net.ipv4.conf.br245.rp_filter", Value: model.Some("0"), Saved: model.Some("1")})
	for _, s := range diff.Compute(want, k.Observe(want), diff.Options{LiveRename: true}).Steps {
		if s.Renames() {
			t.Errorf("%s is renamed", s.Before.Key())
		}
	}
}
