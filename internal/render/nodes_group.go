package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// fleetPlan is the plans of several nodes, sorted by what a reader wants to know first.
type fleetPlan struct {
	failed  []NodePlan   // there is no plan
	changed []NodePlan   // what blocks first, then by impact; else as they came
	same    []NodePlan   // nothing changes
	groups  []planGroup  // of changed
	total   diff.Summary // of all
	drift   int          // changes that undo what somebody did to a host
	changes int
	blocked int // nodes of which the plan cannot be executed as it is
}

// planGroup is nodes on which the same happens, but for names and values.
type planGroup struct{ nodes []NodePlan }

// fleetOf sorts plans.
func fleetOf(plans []NodePlan) *fleetPlan {
	f := &fleetPlan{}
	for _, n := range plans {
		switch {
		case n.Err != nil:
			f.failed = append(f.failed, n)
			continue
		case quiet(n.Plan):
			f.same = append(f.same, n)
			continue
		}
		f.changed = append(f.changed, n)
		f.add(n.Plan)
	}
	slices.SortStableFunc(f.changed, func(a, b NodePlan) int {
		return cmp.Or(blocks(b.Plan)-blocks(a.Plan), int(b.Plan.Summary().Impact)-int(a.Plan.Summary().Impact))
	})
	index := map[string]int{}
	for _, n := range f.changed {
		class := planClass(n.Plan)
		i, ok := index[class]
		if !ok {
			i = len(f.groups)
			index[class] = i
			f.groups = append(f.groups, planGroup{})
		}
		f.groups[i].nodes = append(f.groups[i].nodes, n)
	}
	return f
}

func (f *fleetPlan) add(p *diff.Plan) {
	s := p.Summary()
	f.total.Add += s.Add
	f.total.Change += s.Change
	f.total.Replace += s.Replace
	f.total.Destroy += s.Destroy
	f.total.Adopt += s.Adopt
	f.total.Impact = max(f.total.Impact, s.Impact)
	f.drift += drifted(p.Changes)
	f.changes += len(p.Changes)
	f.blocked += blocks(p)
}

// quiet says whether there is nothing to tell of a plan.
func quiet(p *diff.Plan) bool { return p.Empty() && blocks(p) == 0 && len(p.Harmed) == 0 }

// blocks returns 1 for a plan that cannot be executed as it is, whatever is allowed.
func blocks(p *diff.Plan) int {
	if len(p.Conflicts)+len(p.Missing) > 0 {
		return 1
	}
	return 0
}

// blockers says what blocks a plan: "2 conflicts and 1 missing object", or "".
func blockers(p *diff.Plan) string {
	var l []string
	if n := len(p.Conflicts); n > 0 {
		l = append(l, count(n, "conflict"))
	}
	if n := len(p.Missing); n > 0 {
		l = append(l, count(n, "missing object"))
	}
	return strings.Join(l, " and ")
}

// planClass is equal for plans that differ in nothing but names and values.
func planClass(p *diff.Plan) string {
	numbers := map[string]int{}
	for i := range p.Changes {
		numbers[changeClass(&p.Changes[i])]++
	}
	var l []string
	for class, n := range numbers {
		l = append(l, fmt.Sprintf("%s %d", class, n))
	}
	slices.Sort(l)
	for _, n := range []int{len(p.Conflicts), len(p.Missing), len(p.Harmed), len(p.Touched)} {
		l = append(l, fmt.Sprint(n))
	}
	return strings.Join(l, ";")
}

// nodeNames lists the names of nodes, of many the first few.
func nodeNames(nodes []NodePlan, most int) string {
	var l []string
	for i, n := range nodes {
		if i == most && len(nodes) > most+1 {
			l = append(l, fmt.Sprintf("and %d more", len(nodes)-most))
			break
		}
		l = append(l, n.Header.Node)
	}
	return strings.Join(l, ", ")
}

// verdict tells of all nodes in a line: "2 of 1,000 nodes change", with what could not
// be planned.
func (f *fleetPlan) verdict() string {
	all := len(f.failed) + len(f.changed) + len(f.same)
	var l []string
	switch {
	case len(f.changed) == 0 && len(f.failed) == 0:
		return "no changes on " + count(all, "node")
	case len(f.changed) == 1:
		l = append(l, fmt.Sprintf("1 of %s changes", count(all, "node")))
	case len(f.changed) > 0:
		l = append(l, fmt.Sprintf("%d of %s change", len(f.changed), count(all, "node")))
	}
	if n := len(f.failed); n > 0 {
		l = append(l, count(n, "node")+" could not be planned")
	}
	return strings.Join(l, ", ")
}

// verdictOfOne is verdict for a single node.
func (f *fleetPlan) verdictOfOne() string {
	switch {
	case len(f.failed) > 0:
		return "no plan"
	case len(f.changed) > 0:
		return "changes"
	}
	return "no changes"
}

// totals tells what changes in all: "Plan: 5 to add, ... Impact: none."
func (p *page) totals(s diff.Summary, drift, changes int) {
	p.printf("%s %s. Impact: %s.", p.paint(bold, "Plan:"), strings.Join(counts(s, planWords(), true), ", "), p.paint(impactStyle(s.Impact), s.Impact.String()))
	if drift > 0 {
		p.printf(" %s", p.paint(yellow, driftText(drift, changes)))
	}
}

func driftText(drift, changes int) string {
	return fmt.Sprintf("%d of %s drift.", drift, countOf(changes, "change is", "changes are"))
}

func planWords() [5]string {
	return [5]string{"to add", "to change", "to replace", "to destroy", "to adopt"}
}

// numbersOf are a summary's numbers, in the order of planWords.
func numbersOf(s diff.Summary) [5]int { return [5]int{s.Add, s.Change, s.Replace, s.Destroy, s.Adopt} }

// columns says which of the numbers have a column: the usual three, and the others where
// there are any.
func (f *fleetPlan) columns() []int {
	var l []int
	for i, n := range numbersOf(f.total) {
		if n > 0 || i == 0 || i == 1 || i == 3 {
			l = append(l, i)
		}
	}
	return l
}

// rowClass is equal for nodes with equal rows in a table.
func rowClass(n NodePlan) string {
	if n.Err != nil {
		return n.Err.Error()
	}
	s := n.Plan.Summary()
	return fmt.Sprint(numbersOf(s), s.Impact, blockers(n.Plan))
}
