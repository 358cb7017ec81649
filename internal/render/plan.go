package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	t.list, t.intents = pointers(p.Changes), intentsOf(p.Changes)
	t.causes = causes(t.list)
	t.printf("%s\n", t.paint(bold, h.String()))
	t.changes()
	t.conflicts()
	t.harmed()
	t.touched()
	t.missing()
	t.summary()
	return t.writeTo(w)
}

// planText is a plan on its way to text.
type planText struct {
	page
	header  Header
	plan    *diff.Plan
	list    []*diff.Change            // the plan's changes
	intents []string                  // of each; nil: they have them
	causes  map[model.Key]diff.Action // what happens to the objects that force other changes
}

// causes returns the actions of the changes that others name as their cause.
func causes(changes []*diff.Change) map[model.Key]diff.Action {
	m := make(map[model.Key]diff.Action)
	for _, c := range changes {
		if c.Cause != nil {
			m[*c.Cause] = 0
		}
	}
	if len(m) == 0 {
		return m
	}
	for _, c := range changes {
		if _, ok := m[c.Key()]; ok {
			m[c.Key()] = c.Action
		}
	}
	return m
}

// changeBlock is the changes of one intent.
type changeBlock = block[*diff.Change]

// intent is that of a change, by its place.
func (t *planText) intent(i int) string {
	if t.intents != nil {
		return t.intents[i]
	}
	return t.list[i].Intent
}

// changes writes the changes: a line for a peer, a heading with lines for the rest.
func (t *planText) changes() {
	blocks := byIntent(t.list, t.intent)
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
			t.printf("  %s\n", t.paint(faint, choose(line, string(f.item.items[0].Action)+" ", "")+others(f.hidden, f.item.noun())))
		case line:
			t.row("  ", t.peer(f.item), peers)
		default:
			t.block(f.item)
		}
	}
}

// blockClass is equal for blocks that differ in nothing but names and values.
func blockClass(b *changeBlock) string {
	var room [256]byte
	s := append(room[:0], b.noun()...)
	for _, c := range b.items {
		s = appendClass(s, c)
	}
	return string(s)
}

// changeClass is equal for changes that differ in nothing but names and values.
func changeClass(c *diff.Change) string {
	var room [64]byte
	return string(appendClass(room[:0], c))
}

// appendClass appends the class of a change. It is asked of each, of many thousand.
func appendClass(s []byte, c *diff.Change) []byte {
	s = utf8.AppendRune(append(s, ' '), rune(c.Action))
	s = append(s, model.KindOf(c.Object()).String()...)
	s = strconv.AppendBool(s, c.Implied)
	s = append(s, c.Impact.String()...)
	s = append(s, c.Origin.String()...)
	if c.Action != diff.Create && c.Action != diff.Delete {
		for _, a := range c.Differences() {
			s = append(append(s, ','), a.Name...)
		}
	}
	return s
}

// oneLine says whether a block is told in one line: that of a peer whose objects
// all change in the same way.
func oneLine(b *changeBlock) bool {
	if !b.isPeer() {
		return false
	}
	first := b.items[0]
	return !slices.ContainsFunc(b.items, func(c *diff.Change) bool {
		return c.Action != first.Action || !c.SameCause(first) || c.Implied != first.Implied
	})
}

// peerWidth returns the width of the longest name among the peers' lines.
func peerWidth(blocks []*changeBlock) int {
	n := 0
	for _, b := range blocks {
		if oneLine(b) {
			n = max(n, min(maxNameWidth, width(b.intent)))
		}
	}
	return n
}

// peer tells a peer's changes in one row, with the attributes that change below.
func (t *planText) peer(b *changeBlock) row {
	items := slices.Clone(b.items)
	slices.SortStableFunc(items, func(x, y *diff.Change) int { return peerOrder(x.Object()) - peerOrder(y.Object()) })
	merged := *items[0]
	var parts []string
	r := row{lead: t.symbol(merged.Action), name: b.intent}
	for _, c := range items {
		merged.Impact = max(merged.Impact, c.Impact)
		merged.Origin = max(merged.Origin, c.Origin)
		parts = append(parts, joined(" ", short(c.Object()), changePhrase(c)))
		prefix := ""
		if len(items) > 1 {
			prefix = short(c.Object()) + " "
		}
		r.below = append(r.below, t.attrs(c, prefix)...)
	}
	r.text = strings.Join(parts, "; ")
	r.note = t.note(&merged, merged.Source)
	return r
}

// peerOrder puts a peer's device first, then the route, which tells the most.
func peerOrder(o model.Object) int {
	switch o.Key().Kind {
	case model.KindRoute:
		return 1
	case model.KindNeighbour:
		return 2
	case model.KindFDB:
		return 3
	}
	return 0
}

// block writes a heading and the changes below it.
func (t *planText) block(b *changeBlock) {
	source := common(b.items, func(c *diff.Change) string { return c.Source })
	intent := b.intent
	if intent == "" {
		intent = "no longer in the topology"
	}
	t.heading(intent, source)
	var rows []row
	for _, f := range folded(b.items, changeClass) {
		if f.hidden > 0 {
			rows = append(rows, row{name: others(f.hidden, f.item.Key().Kind.String())})
			continue
		}
		rows = append(rows, t.change(f.item, b, source))
	}
	t.rows("    ", rows)
}

// change tells one change of a block, with the attributes that change below.
func (t *planText) change(c *diff.Change, b *changeBlock, source string) row {
	own := c.Source
	if own == source {
		own = ""
	}
	return row{
		lead: t.symbol(c.Action), name: nameWithin(c.Key(), b.netns()), text: changePhrase(c),
		note: t.note(c, own), below: t.attrs(c, ""),
	}
}

// nameWithin is the key's String where the namespace goes without saying.
func nameWithin(k model.Key, netns string) string {
	if k.Netns == netns {
		k.Netns = ""
	} else if k.Netns == "" && netns != "" && k.Kind == model.KindLink {
		return k.String() + " on the host"
	}
	return k.String()
}

// attrs tells the attributes that change, a line each. Marks are left out where
// nothing but them says the symbol already.
func (t *planText) attrs(c *diff.Change, prefix string) []painted {
	if c.Action == diff.Create || c.Action == diff.Delete {
		return nil
	}
	var l []painted
	for _, a := range c.Differences() {
		if a.Mark && c.Action != diff.Update {
			continue
		}
		s := t.paint("", prefix+attrText(c.Key().Kind, a))
		if a.Fixed && c.Action == diff.Replace {
			s += " " + t.paint(red, "(forces replacement)")
		}
		l = append(l, s)
	}
	return l
}

// attrText returns "mtu: 1500 -> 1450".
func attrText(k model.Kind, a model.AttrChange) string {
	return fmt.Sprintf("%s: %s -> %s", a.Name, valueText(k, a.Name, a.Before), valueText(k, a.Name, a.After))
}

// note returns what there is to say of a change in brackets: the reason and the
// impact of everything that is not a mere creation, and the source.
func (t *planText) note(c *diff.Change, source string) string {
	var parts []string
	if s := t.why(c); s != "" {
		parts = append(parts, string(t.paint("", s)))
	}
	if c.Origin == diff.OriginDrift || c.Origin == diff.OriginOrphan {
		parts = append(parts, string(t.paint(yellow, c.Origin.String())))
	}
	if c.Action != diff.Create || c.Impact > model.ImpactNone {
		parts = append(parts, string(t.paint(impactStyle(c.Impact), "impact: "+c.Impact.String())))
	}
	if source != "" {
		parts = append(parts, string(t.paint(faint, source)))
	}
	return strings.Join(parts, "; ")
}

// why is reason in the context of the plan: it says what happens to the cause, and
// nothing of what the line says anyway.
func (t *planText) why(c *diff.Change) string {
	var a diff.Action // on the cause
	if c.Cause != nil {
		a = t.causes[*c.Cause]
	}
	switch {
	case a != 0 && !c.Implied && c.Action != diff.Delete:
		return "because " + c.Cause.String() + " is " + verb(a)
	case c.Cause == nil && (c.Action == diff.Create || c.Action == diff.Update && !onlyMarks(c.Differences())):
		return ""
	case c.Action == diff.Adopt:
		return "taken over"
	}
	return reason(c)
}

// changePhrase returns the phrase of the object, where its attributes are not told
// one by one below.
func changePhrase(c *diff.Change) string {
	if c.Action == diff.Update || c.Action == diff.Replace && !onlyMarks(c.Differences()) {
		return ""
	}
	return phrase(c.Object())
}

// joined puts together what isn't empty.
func joined(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// pointers returns the addresses of the elements.
func pointers[T any](l []T) []*T {
	p := make([]*T, len(l))
	for i := range l {
		p[i] = &l[i]
	}
	return p
}
