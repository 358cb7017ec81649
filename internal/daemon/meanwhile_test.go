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
		some, all  bool
	}{
		{"others", plan(1, 2), plan(3, 4), true, true},
		{"the same", plan(1, 2), plan(2), false, false},
		{"both", plan(1, 2), plan(2, 3), true, false},
		{"a conflict", plan(1), conflict, false, false},
		{"what could not be looked at", plan(1), nil, false, false},
	} {
		if some, all := since(tc.done, tc.left); some != tc.some || all != tc.all {
			t.Errorf("%s: got %v, %v, want %v, %v", tc.name, some, all, tc.some, tc.all)
		}
	}
}
