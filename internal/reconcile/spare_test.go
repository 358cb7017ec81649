package reconcile_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

// Whoever has let the other nodes go plans the same as who has not, also when the host is
// another one at the next look.
func TestSparing(t *testing.T) {
	needRights(t)
	for i, backend := range []string{"vxlan", "host-gw", "{type: vxlan, directRouting: true}"} {
		n := newNear(t, fmt.Sprintf("no-%d-spare%d", os.Getpid(), i), backend)
		sparing, whole := n.open(), n.open()
		sparing.Sparing = true
		for _, change := range []string{"", "link set eth0 mtu 1400", "route delete 172.16.1.0/24", "route add 10.0.0.3 via 10.0.0.9"} {
			if change != "" {
				n.suffer([]string{":" + change})
			}
			got, gotErr := planned(t, sparing)
			want, wantErr := planned(t, whole)
			if d := cmp.Diff(want, got); d != "" || gotErr != wantErr {
				t.Errorf("%s, %q: another plan (-whole +sparing):\n%s%q, want %q", backend, change, d, gotErr, wantErr)
			}
			if len(want) == 0 && wantErr == "" && change == "link set eth0 mtu 1400" {
				t.Errorf("%s, %q: nothing is to be done", backend, change)
			}
		}
		if len(sparing.Topology.Nodes) > 0 {
			t.Errorf("%s: the other nodes are still there", backend)
		}
	}
}

// planned lists the changes of a plan, or returns why there is none.
func planned(t *testing.T, r *reconcile.Reconciler) (l []string, failed string) {
	t.Helper()
	res, err := r.Plan(t.Context(), diff.Options{})
	if err != nil {
		return nil, err.Error()
	}
	for _, c := range res.Plan.Changes {
		l = append(l, fmt.Sprintf("%s %s %v %s %s", c.Action, c.Key(), c.Differences(), c.Source, c.Origin))
	}
	return l, ""
}

// Of what was applied, whoever spares memory is told as much as who doesn't, but has no
// changes of it any more.
func TestSparingApply(t *testing.T) {
	needRights(t)
	n := newNear(t, fmt.Sprintf("no-%d-told", os.Getpid()), "vxlan")
	sparing, whole := n.open(), n.open()
	sparing.Sparing = true
	for _, r := range []*reconcile.Reconciler{sparing, whole} {
		n.suffer([]string{":route delete 172.16.1.0/24"})
		planned, err := r.Plan(t.Context(), diff.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.Apply(t.Context(), reconcile.ApplyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := res.Plan.Summary(), planned.Plan.Summary(); got != want || got.Changes() != 1 || res.Plan.Empty() || res.Plan.Unchanged != planned.Plan.Unchanged {
			t.Errorf("sparing %v: applied %+v beside %d, planned %+v beside %d", r.Sparing, got, res.Plan.Unchanged, want, planned.Plan.Unchanged)
		}
		if r.Sparing != (len(res.Plan.Changes)+len(res.Plan.Steps) == 0) {
			t.Errorf("sparing %v: %d changes in %d steps are kept", r.Sparing, len(res.Plan.Changes), len(res.Plan.Steps))
		}
	}
}
