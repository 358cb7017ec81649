package render

import (
	"fmt"
	"strings"
)

// noChanges writes that the host is as the topology wants it.
func (t *planText) noChanges() {
	what := "The host"
	if t.header.Node != "" {
		what = t.header.Node
	}
	topology := "the topology"
	if t.header.Topology != "" {
		topology = t.header.Topology
	}
	t.printf("%s %s matches %s (%s).\n", t.paint(green, "No changes."), what, topology, count(t.plan.Unchanged, "object"))
}

// summary writes the last line. Replacements and adoptions are rare: they are
// counted only where there are any.
func (t *planText) summary() {
	s := t.plan.Summary()
	parts := []string{fmt.Sprintf("%d to add", s.Add), fmt.Sprintf("%d to change", s.Change)}
	if s.Replace > 0 {
		parts = append(parts, fmt.Sprintf("%d to replace", s.Replace))
	}
	parts = append(parts, fmt.Sprintf("%d to destroy", s.Destroy))
	if s.Adopt > 0 {
		parts = append(parts, fmt.Sprintf("%d to adopt", s.Adopt))
	}
	t.printf("\n%s %s. Impact: %s.\n", t.paint(bold, "Plan:"), strings.Join(parts, ", "),
		t.paint(impactStyle(s.Impact), s.Impact.String()))
}
