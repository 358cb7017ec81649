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
