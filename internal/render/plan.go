package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Plan writes the plan for people: what changes, by intent; what stands in the
// way; and a summary in the last line.
func Plan(w io.Writer, h Header, p *diff.Plan, o Options) error {
	t := &planText{page: page{color: o.Color}, header: h, plan: p}
	if p.Empty() && !t.blocked() && len(p.Harmed) == 0 {
		t.noChanges()
		return t.writeTo(w)
	}
	t.causes = causes(p.Changes)
	t.printf("%s\n", t.paint(bold, h.String()))
	t.changes()
	t.conflicts()
	t.harmed()
	t.missing()
	t.summary()
	return t.writeTo(w)
}

// planText is a plan on its way to text.
type planText struct {
	page
	header Header
	plan   *diff.Plan
	causes map[model.Key]diff.Action // what happens to the objects that force other changes
}

// causes returns the actions of the changes that others name as their cause.
func causes(changes []diff.Change) map[model.Key]diff.Action {
	m := make(map[model.Key]diff.Action)
	for i := range changes {
		if k := changes[i].Cause; k != (model.Key{}) {
			m[k] = 0
		}
	}
	if len(m) == 0 {
		return m
	}
	for i := range changes {
		if k := changes[i].Key(); hasKey(m, k) {
			m[k] = changes[i].Action
		}
	}
	return m
}

func hasKey(m map[model.Key]diff.Action, k model.Key) bool {
	_, ok := m[k]
	return ok
}

// changeBlock is the changes of one intent.
type changeBlock = block[*diff.Change]

// changes writes the changes: a line for a peer, a heading with lines for the rest.
func (t *planText) changes() {
	blocks := byIntent(pointers(t.plan.Changes), func(c *diff.Change) string { return c.Intent })
	peers := peerWidth(blocks)
	after := false // the previous block was a line
	for _, f := range folded(blocks, blockClass) {
		line := oneLine(f.item)
		if !after || !line {
			t.printf("\n")
		}
		after = line
		switch {
		case f.hidden > 0:
			t.printf("  %s\n", t.paint(faint, others(f.hidden, f.item.noun())))
		case line:
			t.peer(f.item, peers)
		default:
			t.block(f.item)
		}
	}
}

// blockClass is equal for blocks that differ in nothing but names and values.
func blockClass(b *changeBlock) string {
	var s strings.Builder
	s.WriteString(b.noun())
	for _, c := range b.items {
		s.WriteString(changeClass(c))
	}
	return s.String()
}

// changeClass is equal for changes that differ in nothing but names and values.
func changeClass(c *diff.Change) string {
	var s strings.Builder
	fmt.Fprintf(&s, " %c%s%t%s", c.Action, c.Key().Kind, c.Implied, c.Impact)
	if c.Action != diff.Create && c.Action != diff.Delete {
		for _, a := range c.Attrs {
			s.WriteString("," + a.Name)
		}
	}
	return s.String()
}

// oneLine says whether a block is told in one line: that of a peer whose objects
// all change in the same way.
func oneLine(b *changeBlock) bool {
	if !b.isPeer() {
		return false
	}
	first := b.items[0]
	return !slices.ContainsFunc(b.items, func(c *diff.Change) bool {
		return c.Action != first.Action || c.Cause != first.Cause || c.Implied != first.Implied
	})
}

// peerWidth returns the width of the longest name among the peers' lines.
func peerWidth(blocks []*changeBlock) int {
	n := 0
	for _, b := range blocks {
		if oneLine(b) {
			n = max(n, width(b.intent))
		}
	}
	return n
}

// peer writes a peer's changes in one line, with the attributes that change below.
func (t *planText) peer(b *changeBlock, columns int) {
	items := slices.Clone(b.items)
	slices.SortStableFunc(items, func(x, y *diff.Change) int { return peerOrder(x) - peerOrder(y) })
	merged := *items[0]
	var parts []string
	for _, c := range items {
		merged.Impact = max(merged.Impact, c.Impact)
		parts = append(parts, joined(" ", short(c.Object()), changePhrase(c)))
	}
	t.printf("  %s %s%s   %s%s\n", t.symbol(merged.Action), b.intent, pad(columns-width(b.intent)),
		strings.Join(parts, ", "), t.note(&merged, merged.Source))
	for _, c := range items {
		prefix := ""
		if len(items) > 1 {
			prefix = c.Key().Kind.String() + " "
		}
		t.attrs(c, "      "+prefix)
	}
}

// peerOrder puts a peer's device first, then the route, which tells the most.
func peerOrder(c *diff.Change) int {
	switch c.Key().Kind {
	case model.KindRoute:
		return 1
	case model.KindNeighbour, model.KindFDB:
		return 2
	}
	return 0
}

// block writes a heading and the changes below it.
func (t *planText) block(b *changeBlock) {
	source := commonSource(b.items)
	heading := b.intent
	if heading == "" {
		heading = "no longer in the topology"
		if slices.ContainsFunc(b.items, func(c *diff.Change) bool { return c.Action != diff.Delete }) {
			heading = "others"
		}
	}
	t.printf("  %s", t.paint(bold, heading))
	if source != "" {
		t.printf(" %s", t.paint(faint, "("+source+")"))
	}
	t.printf("\n")
	lines := folded(b.items, changeClass)
	columns := nameWidth(lines)
	for _, f := range lines {
		if f.hidden > 0 {
			t.printf("    %s\n", t.paint(faint, others(f.hidden, f.item.Key().Kind.String())))
			continue
		}
		own := f.item.Source
		if own == source {
			own = ""
		}
		t.change(f.item, columns, own)
	}
}

// change writes one change, with the attributes that change below.
func (t *planText) change(c *diff.Change, columns int, source string) {
	name := c.Key().String()
	t.printf("    %s %s", t.symbol(c.Action), name)
	if s := changePhrase(c); s != "" {
		t.printf("%s   %s", pad(columns-width(name)), s)
	}
	t.printf("%s\n", t.note(c, source))
	t.attrs(c, "        ")
}

// attrs writes the attributes that change, a line each.
func (t *planText) attrs(c *diff.Change, indent string) {
	if c.Action == diff.Create || c.Action == diff.Delete {
		return
	}
	kind := c.Key().Kind
	for _, a := range c.Attrs {
		t.printf("%s%s: %s -> %s", indent, a.Name, valueText(kind, a.Name, a.Before), valueText(kind, a.Name, a.After))
		if a.Fixed && c.Action == diff.Replace {
			t.printf(" %s", t.paint(red, "(forces replacement)"))
		}
		t.printf("\n")
	}
}

// note returns what there is to say of a change in brackets: the reason and the
// impact of everything that is not a mere creation, and the source.
func (t *planText) note(c *diff.Change, source string) painted {
	var parts []string
	if s := t.why(c); s != "" {
		parts = append(parts, string(t.paint("", s)))
	}
	if c.Action != diff.Create || c.Impact > model.ImpactNone {
		parts = append(parts, string(t.paint(impactStyle(c.Impact), "impact: "+c.Impact.String())))
	}
	if source != "" {
		parts = append(parts, string(t.paint(faint, source)))
	}
	if len(parts) == 0 {
		return ""
	}
	return painted("  (" + strings.Join(parts, "; ") + ")")
}

// why is reason in the context of the plan: it says what happens to the cause, and
// nothing of what the line says anyway.
func (t *planText) why(c *diff.Change) string {
	if a := t.causes[c.Cause]; a != 0 && !c.Implied && c.Action != diff.Delete {
		return "because " + c.Cause.String() + " is " + verb(a)
	}
	if c.Cause == (model.Key{}) && (c.Action == diff.Create || c.Action == diff.Adopt) {
		return ""
	}
	return reason(c)
}

// changePhrase returns the phrase of the object, where its attributes are not told
// one by one below.
func changePhrase(c *diff.Change) string {
	if c.Action == diff.Update || c.Action == diff.Replace && len(c.Attrs) > 0 {
		return ""
	}
	return phrase(c.Object())
}

// commonSource returns the source that all changes share, or "".
func commonSource(changes []*diff.Change) string {
	for _, c := range changes {
		if c.Source != changes[0].Source {
			return ""
		}
	}
	return changes[0].Source
}

// nameWidth returns the width of the longest name that a phrase follows, up to
// what looks well.
func nameWidth(lines []fold[*diff.Change]) int {
	n := 0
	for _, f := range lines {
		if w := width(f.item.Key().String()); f.hidden == 0 && w <= maxNameWidth && changePhrase(f.item) != "" {
			n = max(n, w)
		}
	}
	return n
}

// maxNameWidth is the longest name that others are aligned with.
const maxNameWidth = 48

func pad(n int) string { return strings.Repeat(" ", max(n, 0)) }

// joined puts together what isn't empty.
func joined(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}
