package reconcile

import (
	"context"
	"fmt"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// guarded looks up what the plan would do to the management connection. A plan that
// does nothing needs no look.
func (r *Reconciler) guarded(ctx context.Context, res *Result, defaults observe.Defaults) (*Result, error) {
	if len(res.Plan.Steps) == 0 {
		return res, nil
	}
	m, err := observe.Management(ctx, r.Host, r.place.Sessions, defaults)
	if err != nil {
		return nil, err
	}
	res.Plan.Touched = diff.Touches(res.Plan, res.Observed, m)
	return res, nil
}

// mgmtRefusal names the first thing that may cut the connection, why, and what to do.
func mgmtRefusal(touched []diff.Touch) error {
	t := touched[0]
	more := ""
	if n := len(touched); n > 1 {
		more = fmt.Sprintf(" and %s", countOf(n-1, "other change", "other changes"))
	}
	return fmt.Errorf("%s %s%s may cut the connection by which this host is managed: %s; nothing was changed; "+
		"allow it with --allow-mgmt, best so that it is taken back unless you confirm it: apply --confirm 120s --allow-mgmt",
		gerund(t.Action), t.Object.Key(), more, t.Why)
}

// gerund is what an action is called where it is the subject.
func gerund(a diff.Action) string {
	switch a {
	case diff.Create:
		return "creating"
	case diff.Update:
		return "updating"
	case diff.Replace:
		return "replacing"
	case diff.Delete:
		return "deleting"
	}
	return "adopting"
}
