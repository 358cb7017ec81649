package reconcile_test

import (
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

func TestParseLimit(t *testing.T) {
	for _, s := range []string{"", "0", "5", "10%", "100%"} {
		l, err := reconcile.ParseLimit(s)
		if err != nil || l.String() != s {
			t.Errorf("ParseLimit(%q) = %q, %v", s, l, err)
		}
	}
	for _, s := range []string{"x", "-1", "101%", "%", "5 %", "1.5"} {
		if _, err := reconcile.ParseLimit(s); err == nil {
			t.Errorf("ParseLimit(%q) finds nothing wrong", s)
		}
	}
}

// deletions is a plan that deletes n objects of ten.
func deletions(n int) *diff.Plan {
	p := &diff.Plan{Unchanged: 10 - n}
	for range n {
		p.Changes = append(p.Changes, diff.Change{Action: diff.Delete, Before: model.Link{Name: "br0"}})
	}
	return p
}

func TestRefusal(t *testing.T) {
	limit := func(s string) reconcile.Limit {
		l, err := reconcile.ParseLimit(s)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	link := model.Link{Name: "br0"}
	brief := &diff.Plan{Changes: []diff.Change{{Action: diff.Update, Before: link, After: link, Impact: model.ImpactBrief}}}
	for _, tc := range []struct {
		name    string
		plan    *diff.Plan
		options reconcile.ApplyOptions
		want    string // in the error; "": none
	}{
		{"nothing wrong", deletions(3), reconcile.ApplyOptions{}, ""},
		{"as many as allowed", deletions(3), reconcile.ApplyOptions{MaxDestroy: limit("3")}, ""},
		{"too many", deletions(4), reconcile.ApplyOptions{MaxDestroy: limit("3")}, "destroys 4 of 10 objects, more than --max-destroy 3"},
		{"none allowed", deletions(1), reconcile.ApplyOptions{MaxDestroy: limit("0")}, "--max-destroy 0"},
		{"part", deletions(3), reconcile.ApplyOptions{MaxDestroy: limit("30%")}, ""},
		{"too large a part", deletions(4), reconcile.ApplyOptions{MaxDestroy: limit("30%")}, "--max-destroy 30%"},
		{"impact", brief, reconcile.ApplyOptions{MaxImpact: model.Some(model.ImpactNone)}, "impact is brief, more than --max-impact none"},
		{"allowed impact", brief, reconcile.ApplyOptions{MaxImpact: model.Some(model.ImpactBrief)}, ""},
		{"conflict", &diff.Plan{Conflicts: []diff.Conflict{{Want: link, Got: link}}}, reconcile.ApplyOptions{}, "1 object is in conflict"},
		{"harm", &diff.Plan{Harmed: []diff.Harm{{Object: link}}}, reconcile.ApplyOptions{}, "--allow-harm"},
		{"allowed harm", &diff.Plan{Harmed: []diff.Harm{{Object: link}}}, reconcile.ApplyOptions{AllowHarm: true}, ""},
		{"management", &diff.Plan{Touched: []diff.Touch{{Action: diff.Delete, Object: link, Why: "br0 carries the default route"}}}, reconcile.ApplyOptions{AllowHarm: true},
			"deleting link br0 may cut the connection by which this host is managed: br0 carries the default route; nothing was changed; allow it with --allow-mgmt"},
		{"more of it", &diff.Plan{Touched: []diff.Touch{{Action: diff.Adopt, Object: link, Why: "w"}, {}, {}}}, reconcile.ApplyOptions{}, "adopting link br0 and 2 other changes may cut the connection by which this host is managed: w; nothing was changed"},
		{"allowed management", &diff.Plan{Touched: []diff.Touch{{Object: link}}}, reconcile.ApplyOptions{AllowMgmt: true}, ""},
		{"missing", &diff.Plan{Missing: []model.Entry{{Object: link}}}, reconcile.ApplyOptions{AllowHarm: true}, "link br0 does not exist"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := reconcile.Refusal(tc.plan, tc.options)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("the error is %v, want %q", err, tc.want)
			}
		})
	}
}
