package daemon

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// What a pass was not about calls for another one; what it was about doesn't, at once.
func TestSince(t *testing.T) {
	plan := func(routes ...int) *diff.Plan {
		p := &diff.Plan{}
		for _, n := range routes {
			r := model.Route{Dst: netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", n)), Table: model.TableMain}
			p.Changes = append(p.Changes, diff.Change{Action: diff.Create, After: r})
		}
		return p
	}
	conflict := plan(3)
	conflict.Conflicts = []diff.Conflict{{}}
	for _, tc := range []struct {
		name       string
		done, left *diff.Plan
		fresh      int
		again      bool
	}{
		{"others", plan(1, 2), plan(3, 4), 2, false},
		{"the same", plan(1, 2), plan(2), 0, true},
		{"both", plan(1, 2), plan(2, 3), 1, true},
		{"a conflict", plan(1), conflict, 0, true},
		{"what could not be looked at", plan(1), nil, 0, true},
	} {
		if fresh, again := since(tc.done, tc.left); len(fresh) != tc.fresh || again != tc.again {
			t.Errorf("%s: got %v, %v, want %d, %v", tc.name, fresh, again, tc.fresh, tc.again)
		}
	}
}
