package render

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// plansText writes the plans of several nodes: those that differ in more than names and
// values, a table, and the sum.
func plansText(w io.Writer, plans []NodePlan, o Options) error {
	f := fleetOf(plans)
	t := &page{color: o.Color}
	for _, g := range f.groups {
		first := g.nodes[0]
		if err := t.append(func(w io.Writer) error { return Plan(w, first.Header, first.Plan, o) }); err != nil {
			return err
		}
		if more := g.nodes[1:]; len(more) > 0 {
			t.printf("The same, but for names and values, on %s: %s.\n", count(len(more), "other node"), nodeNames(more, 8))
		}
		t.printf("\n")
	}
	for _, x := range folded(f.failed, rowClass) {
		if x.hidden > 0 {
			t.printf("%s\n", others(x.hidden, "node"))
			continue
		}
		t.printf("%s %s\n", t.paint(red, x.item.Header.Node+":"), x.item.Err.Error())
	}
	if len(f.failed) > 0 {
		t.printf("\n")
	}
	if len(f.changed) > 0 {
		t.fleetTable(f)
	}
	if n := len(f.same); n > 0 && n < len(plans) {
		t.printf("No changes on %s: %s.\n", count(n, "node"), nodeNames(f.same, 8))
	}
	t.fleetSummary(f, plans)
	return t.writeTo(w)
}

// append adds what a function writes, which is fit to be printed.
func (p *page) append(write func(io.Writer) error) error { return write(&p.buf) }

// fleetTable writes a row a node that changes.
func (p *page) fleetTable(f *fleetPlan) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	columns := f.columns()
	fmt.Fprint(w, "node")
	for _, c := range columns {
		fmt.Fprint(w, "\t"+planWords()[c])
	}
	fmt.Fprintln(w, "\timpact")
	for _, x := range folded(f.changed, rowClass) {
		if x.hidden > 0 {
			fmt.Fprintln(w, others(x.hidden, "node"))
			continue
		}
		s := x.item.Plan.Summary()
		fmt.Fprint(w, clean(x.item.Header.Node))
		for _, c := range columns {
			fmt.Fprintf(w, "\t%d", numbersOf(s)[c])
		}
		fmt.Fprint(w, "\t", s.Impact)
		if b := blockers(x.item.Plan); b != "" {
			fmt.Fprint(w, ", blocked by "+b)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	p.printf("%s\n", painted(b.String()))
}

// fleetSummary writes the last line.
func (p *page) fleetSummary(f *fleetPlan, plans []NodePlan) {
	verdict := f.verdict()
	if len(f.changed)+len(f.failed) == 0 {
		p.printf("%s %d nodes match %s.\n", p.paint(green, "No changes."), len(plans), topologyOf(plans))
		return
	}
	p.printf("%s%s. ", painted(strings.ToUpper(verdict[:1])), verdict[1:])
	p.totals(f.total, f.drift, f.changes)
	if f.blocked > 0 {
		p.printf(" %s", p.paint(red, count(f.blocked, "plan")+" cannot be executed as it stands."))
	}
	p.printf("\n")
}

// topologyOf returns the name of the topology that the plans are of.
func topologyOf(plans []NodePlan) string {
	for _, n := range plans {
		if n.Header.Topology != "" {
			return n.Header.Topology
		}
	}
	return "the topology"
}

// sumOf adds up the plans of several nodes.
func sumOf(plans []NodePlan) diff.Summary { return fleetOf(plans).total }
