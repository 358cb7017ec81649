package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Applied writes what was done, after a plan was executed and the host looked at
// again.
func Applied(w io.Writer, h Header, p *diff.Plan, o Options) error {
	t := &planText{page: page{color: o.Color}, header: h, plan: p}
	s := p.Summary()
	done := strings.Join(counts(s, [5]string{"added", "changed", "replaced", "destroyed", "adopted"}, false), ", ")
	t.printf("\n%s %s. %s.\n", t.paint(green, "Done:"), done, t.matches(p.Unchanged+s.Add+s.Change+s.Replace+s.Adopt))
	return t.writeTo(w)
}

// noChanges writes that the host is as the topology wants it.
func (t *planText) noChanges() {
	t.printf("%s %s.\n", t.paint(green, "No changes."), t.matches(t.plan.Unchanged))
}

// matches says that the host has the n objects that the topology wants: none after
// all was destroyed.
func (t *planText) matches(n int) string {
	node, topology := t.header.Node, t.header.Topology
	if node == "" {
		node = "the host"
	}
	if topology == "" {
		topology = "the topology"
	}
	switch {
	case t.header.Phase == diff.Prepare:
		return fmt.Sprintf("%s is prepared for %s: when all nodes are, go on with --phase commit", node, topology)
	case t.header.Phase == diff.Commit:
		return fmt.Sprintf("%s is committed to %s: when all nodes are, finish without --phase", node, topology)
	case n == 0:
		return node + " has nothing of " + topology
	}
	return fmt.Sprintf("%s matches %s (%s)", node, topology, count(n, "object"))
}

// summary writes the last line. Replacements and adoptions are rare: they are
// counted only where there are any.
func (t *planText) summary() {
	t.printf("\n")
	t.totals(t.plan.Summary(), drifted(t.plan.Changes), len(t.plan.Changes))
	if b := blockers(t.plan); b != "" {
		t.printf(" %s", t.paint(red, "Blocked by "+b+"."))
	}
	t.printf("\n")
}

// drifted counts the changes that undo what somebody did to the host.
func drifted(changes []diff.Change) int {
	n := 0
	for _, c := range changes {
		if c.Origin == diff.OriginDrift {
			n++
		}
	}
	return n
}

// countOf returns "1 change is", "2 changes are".
func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// counts pairs the numbers with their words: add, change, replace, destroy, adopt.
// The usual three are given even if they are 0, on request.
func counts(s diff.Summary, words [5]string, usual bool) []string {
	var l []string
	for i, n := range []int{s.Add, s.Change, s.Replace, s.Destroy, s.Adopt} {
		if n > 0 || usual && (i == 0 || i == 1 || i == 3) {
			l = append(l, fmt.Sprintf("%d %s", n, words[i]))
		}
	}
	return l
}

// blocked says whether the plan cannot be executed as it is, whatever is allowed.
func (t *planText) blocked() bool { return len(t.plan.Conflicts)+len(t.plan.Missing) > 0 }

func impactStyle(i model.Impact) style {
	switch i {
	case model.ImpactNone:
		return ""
	case model.ImpactBrief:
		return yellow
	}
	return red
}
