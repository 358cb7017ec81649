package render

import (
	"fmt"
	"io"
	"strings"
)

// DefaultMaxBytes is how long Markdown may be: a little less than the 65,536 characters
// that GitHub takes for a comment.
const DefaultMaxBytes = 65_000

// MinMaxBytes is the least that Markdown can be bounded to.
const MinMaxBytes = 1_000

// plansMarkdown writes plans for a comment on a pull request. The summary is always whole;
// of the rest, what matters less is shortened or left out where there is no room.
func plansMarkdown(w io.Writer, plans []NodePlan, most int) error {
	if most == 0 {
		most = DefaultMaxBytes
	}
	if most < MinMaxBytes {
		return fmt.Errorf("%d bytes are too few for a plan in Markdown: it takes %d at least", most, MinMaxBytes)
	}
	f := fleetOf(plans)
	m := &markdown{room: most - noticeRoom}
	m.must(markdownHead(f, plans))
	m.table(f)
	sections, err := markdownSections(f)
	if err != nil {
		return err
	}
	m.fill(sections)
	m.notice(most)
	if _, err := io.WriteString(w, m.text.String()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// noticeRoom is what is kept for saying that something was left out, in bytes.
const noticeRoom = 300

// markdown is a comment on its way, of a limited length.
type markdown struct {
	text    strings.Builder
	room    int // bytes that are left
	cut     int // sections that were shortened
	omitted int // sections that were left out
}

// must adds what is never left out.
func (m *markdown) must(s string) {
	m.text.WriteString(s)
	m.room -= len(s)
}

// markdownHead is the mark by which a pipeline finds its comment again, and the verdict.
func markdownHead(f *fleetPlan, plans []NodePlan) string {
	var b strings.Builder
	topology := topologyOf(plans)
	fmt.Fprintf(&b, "<!-- netplan-overlay:plan:%s -->\n", plainWord(topology))
	subject, verdict := codeSpan(topology), f.verdict()
	if len(plans) == 1 {
		subject += " on " + codeSpan(plans[0].Header.Node)
		verdict = f.verdictOfOne()
	}
	fmt.Fprintf(&b, "### %s: %s\n\n", subject, verdict)
	if basis := basisOf(plans); basis != "" {
		fmt.Fprintf(&b, "Compared with %s.\n\n", escapeMarkdown(basis))
	}
	if len(f.changed) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "**%s. Impact: %s.**", strings.Join(counts(f.total, planWords(), true), ", "), f.total.Impact)
	if f.drift > 0 {
		b.WriteString(" " + strings.ToUpper(driftText(f.drift, f.changes)[:1]) + driftText(f.drift, f.changes)[1:])
	}
	if f.blocked > 0 {
		fmt.Fprintf(&b, " **%s cannot be executed as it stands.**", count(f.blocked, "plan"))
	}
	b.WriteString("\n\n")
	return b.String()
}

// basisOf returns what the hosts were taken to be, if that is the same for all.
func basisOf(plans []NodePlan) string {
	return common(plans, func(n NodePlan) string { return n.Header.Basis })
}

// table writes a row for each node that changes or could not be planned, the worst
// first; where there is no room for all, for as many as there is.
func (m *markdown) table(f *fleetPlan) {
	columns := f.columns()
	var head strings.Builder
	head.WriteString("| node |")
	rule := "| --- |"
	for _, c := range columns {
		head.WriteString(" " + planWords()[c] + " |")
		rule += " ---: |"
	}
	nodes := append(f.failed[:len(f.failed):len(f.failed)], f.changed...)
	if len(nodes) > 0 {
		m.must(head.String() + " impact |\n" + rule + " --- |\n")
	}
	rows := folded(nodes, rowClass)
	for i, x := range rows {
		row := tableRow(x, columns)
		if len(row) > m.room-noticeRoom {
			m.must(tableRow(fold[NodePlan]{hidden: left(rows[i:])}, columns))
			break
		}
		m.must(row)
	}
	if n := len(f.same); n > 0 && len(nodes) > 0 {
		m.must(fmt.Sprintf("\nNo changes on %s.\n", count(n, "node")))
	}
}

// left counts the nodes of rows.
func left(rows []fold[NodePlan]) int {
	n := 0
	for _, x := range rows {
		n += max(1, x.hidden)
	}
	return n
}

// tableRow is a row of the table: a node, or how many more there are.
func tableRow(x fold[NodePlan], columns []int) string {
	var b strings.Builder
	blank := strings.Repeat(" |", len(columns))
	switch n := x.item; {
	case x.hidden > 0:
		fmt.Fprintf(&b, "| %s |%s |\n", others(x.hidden, "node"), blank)
	case n.Err != nil:
		fmt.Fprintf(&b, "| %s |%s %s |\n", codeSpan(n.Header.Node), blank, codeSpan(shortened(n.Err.Error(), 500)))
	default:
		s := n.Plan.Summary()
		fmt.Fprintf(&b, "| %s |", codeSpan(n.Header.Node))
		for _, c := range columns {
			fmt.Fprintf(&b, " %d |", numbersOf(s)[c])
		}
		impact := s.Impact.String()
		if why := blockers(n.Plan); why != "" {
			impact += ", blocked by " + why
		}
		fmt.Fprintf(&b, " %s |\n", impact)
	}
	return b.String()
}

// fill adds sections, the first being the most important, as far as there is room: the
// first that doesn't fit is shortened in the middle.
func (m *markdown) fill(sections []section) {
	for i, s := range sections {
		room := m.room
		if i+1 < len(sections) && s.size() > room {
			room = room * 2 / 3 // something is left for the others
		}
		text, whole := s.within(room)
		switch {
		case text == "":
			m.omitted++
			continue
		case !whole:
			m.cut++
		}
		m.must(text)
	}
}

// notice says what is missing.
func (m *markdown) notice(most int) {
	var l []string
	if m.cut > 0 {
		l = append(l, count(m.cut, "part")+" shortened")
	}
	if m.omitted > 0 {
		l = append(l, count(m.omitted, "part")+" left out")
	}
	if len(l) > 0 {
		fmt.Fprintf(&m.text, "\n_Cut to %d bytes: %s. All of it: the same command with `--format text`, or a greater `--max-bytes`._\n", most, strings.Join(l, ", "))
	}
}
