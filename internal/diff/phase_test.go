package diff_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// phase plans a phase, executes it, and returns what it did.
func phase(t *testing.T, k *fake.Kernel, want *model.State, p diff.Phase) string {
	t.Helper()
	plan := diff.Compute(want, k.Observe(want), diff.Options{Phase: p})
	if n := len(plan.Conflicts) + len(plan.Missing) + len(plan.Harmed); n > 0 {
		t.Fatalf("phase %q: %d things are in the way", p, n)
	}
	run(t, k, plan)
	if again := diff.Compute(want, k.Observe(want), diff.Options{Phase: p}); !again.Empty() {
		t.Errorf("phase %q, a second time:\n%s", p, text(again))
	}
	return text(plan)
}

func TestPhasesOfASwitch(t *testing.T) {
	k := applied(t, classic(hostGW))
	want := expand(t, classic(vxlan))
	for _, tc := range []struct {
		phase diff.Phase
		want  string
	}{
		{diff.Prepare, `create link vxlan1
update link br245, mtu 1500 -> 1450
update link eth0 in netns ns245, mtu 1500 -> 1450
update link veth-ns245, mtu 1500 -> 1450
create address 172.245.0.0/32 on vxlan1
create fdb 02:00:00:00:01:46 on vxlan1
create neighbour 172.246.0.0 on vxlan1
`},
		{diff.Commit, `update route 172.246.0.0/24, via 192.168.32.246 -> 172.246.0.0, dev eth0 -> vxlan1, onlink off -> on
`},
		{diff.Whole, ""},
	} {
		if d := cmp.Diff(tc.want, phase(t, k, want, tc.phase)); d != "" {
			t.Errorf("phase %q (-want +got):\n%s", tc.phase, d)
		}
	}
}

// The old device stays until the last phase, and so do MTUs that are to be raised.
func TestPhasesBack(t *testing.T) {
	k := applied(t, classic(vxlan))
	want := expand(t, classic(hostGW))
	if got := phase(t, k, want, diff.Prepare); got != "" {
		t.Errorf("prepare:\n%s", got)
	}
	if got := phase(t, k, want, diff.Commit); strings.Contains(got, "mtu") || strings.Contains(got, "delete") || !strings.Contains(got, "dev vxlan1 -> eth0") {
		t.Errorf("commit:\n%s", got)
	}
	got := phase(t, k, want, diff.Whole)
	for _, w := range []string{"delete link vxlan1", "br245, mtu 1450 -> 1500"} {
		if !strings.Contains(got, w) {
			t.Errorf("the rest does not %s:\n%s", w, got)
		}
	}
}

// What cannot stand beside the old way waits for the last moment.
func TestPrepareLeavesOut(t *testing.T) {
	other := vxlan
	other.Port = 4789 // the device has the same name
	k := applied(t, classic(vxlan))
	if got := phase(t, k, expand(t, classic(other)), diff.Prepare); got != "" {
		t.Errorf("a device in the place of the old one:\n%s", got)
	}
	renamed := classic(vxlan)
	renamed.Nodes[0].Overlay.Device = "overlay0" // with the VNI of the old one
	if got := phase(t, k, expand(t, renamed), diff.Prepare); got != "" {
		t.Errorf("a device with the VNI of the old one:\n%s", got)
	}
	moved := classic(vxlan)
	moved.Nodes[0].Bridges[0].Name = "lan"
	moved.Nodes[0].Namespaces[0].Interfaces[0].Bridge = "lan"
	if d := cmp.Diff("create link lan\n", phase(t, k, expand(t, moved), diff.Prepare)); d != "" {
		t.Errorf("a bridge with the address of the old one (-want +got):\n%s", d)
	}
}

// A new node's host is made ready as a whole: but for its routes, nothing leads a packet.
func TestPrepareAnew(t *testing.T) {
	k := bare()
	want := expand(t, classic(vxlan))
	got := phase(t, k, want, diff.Prepare)
	if strings.Contains(got, "create route 172.246.0.0/24") || !strings.Contains(got, "create route default in netns ns245") {
		t.Errorf("prepare:\n%s", got)
	}
	if d := cmp.Diff("create route 172.246.0.0/24\n", phase(t, k, want, diff.Commit)); d != "" {
		t.Errorf("commit (-want +got):\n%s", d)
	}
}

// A preparation that died half-way is finished by the next one.
func TestPrepareFinishesDebris(t *testing.T) {
	k := applied(t, classic(hostGW))
	want := expand(t, classic(vxlan))
	k.Put(model.Link{
		Name: "vxlan1", Type: model.Some(model.TypeVXLAN), Group: model.Some(model.MarkGroup), Up: model.Some(false),
		VXLAN: model.VXLAN{VNI: model.Some[uint32](1), Port: model.Some[uint16](8472)},
	})
	phase(t, k, want, diff.Prepare)
	e, ok := k.Observe(want).Get(model.LinkKey("", "vxlan1"))
	l, _ := e.Object.(model.Link)
	if !ok || !l.Up.Value() || l.Alias.Value() != identity.Alias() {
		t.Errorf("the device is %+v", l)
	}
}

func TestParsePhase(t *testing.T) {
	for _, p := range []diff.Phase{diff.Whole, diff.Prepare, diff.Commit} {
		if got, err := diff.ParsePhase(p.String()); err != nil || got != p {
			t.Errorf("ParsePhase(%q) = %v, %v", p, got, err)
		}
	}
	if _, err := diff.ParsePhase("finish"); err == nil {
		t.Error("a phase that is none is read")
	}
}

// Whatever the two backends, preparing deletes nothing and changes no route, and
// committing deletes nothing either.
func TestPhasesKeep(t *testing.T) {
	backends := map[string]spec.Backend{"host-gw": hostGW, "vxlan": vxlan, "ipip": ipip, "per-peer": perPeer}
	for from, old := range backends {
		for to, b := range backends {
			k := applied(t, classic(old))
			want := expand(t, classic(b))
			prepared := phase(t, k, want, diff.Prepare)
			if strings.Contains(prepared, "delete") || strings.Contains(prepared, " route ") {
				t.Errorf("%s to %s, prepare:\n%s", from, to, prepared)
			}
			if committed := phase(t, k, want, diff.Commit); strings.Contains(committed, "delete") {
				t.Errorf("%s to %s, commit:\n%s", from, to, committed)
			}
			phase(t, k, want, diff.Whole)
		}
	}
}
