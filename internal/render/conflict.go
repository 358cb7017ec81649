package render

import (
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// conflicts writes what stands in the place of wanted objects: first what could be
// taken over, a line each, then the rest at length.
func (t *planText) conflicts() {
	n := len(t.plan.Conflicts)
	if n == 0 {
		return
	}
	var adoptable, others []*diff.Conflict
	for _, c := range pointers(t.plan.Conflicts) {
		if c.Adoptable {
			adoptable = append(adoptable, c)
		} else {
			others = append(others, c)
		}
	}
	t.printf("\n%s\n", t.paint(red, "Conflicts: "+choose(n == 1, "1 object that is not ours stands", count(n, "object")+" that are not ours stand")+
		" where the topology wants its own. apply does nothing until that is solved."))
	t.adoptable(adoptable)
	for _, f := range folded(others, conflictClass) {
		if f.hidden > 0 {
			t.hidden(f.hidden, "conflict")
			continue
		}
		t.conflict(f.item)
	}
}

// adoptable writes the conflicts that the user can end with a word.
func (t *planText) adoptable(conflicts []*diff.Conflict) {
	if len(conflicts) == 0 {
		return
	}
	replaces := slices.ContainsFunc(conflicts, func(c *diff.Conflict) bool { return c.Want.Key() != c.Got.Key() })
	t.printf("\n  --adopt takes over, %s:\n", choose(replaces, "and replaces those with another metric", "without re-creating anything"))
	var rows []row
	for _, f := range folded(conflicts, conflictClass) {
		c := f.item
		if f.hidden > 0 {
			rows = append(rows, row{name: others(f.hidden, c.Want.Key().Kind.String())})
			continue
		}
		r := row{lead: t.paint(red, "!"), name: c.Got.Key().String(), text: phrase(c.Got), note: t.conflictNote(c)}
		for _, a := range differing(c) {
			r.below = append(r.below, t.paint("", attrText(c.Want.Key().Kind, a)))
		}
		rows = append(rows, r)
	}
	t.rows("    ", rows)
	t.printf("  or give what the topology wants other names and addresses in the file, or remove what nobody needs by hand%s\n", example(conflicts))
}

// example returns the command that removes one of what stands in the way, a link if
// there is one.
func example(conflicts []*diff.Conflict) string {
	i := slices.IndexFunc(conflicts, func(c *diff.Conflict) bool { return c.Got.Key().Kind == model.KindLink })
	if cmd := removal(conflicts[max(i, 0)].Got); cmd != "" {
		return choose(len(conflicts) > 1, ", such as: ", ": ") + cmd
	}
	return ""
}

// conflictNote says who made what stands in the way, and where the topology asks
// for something there.
func (t *planText) conflictNote(c *diff.Conflict) string {
	by := ""
	if c.Maker != "" {
		by = "made by " + c.Maker
	}
	return joined("; ", string(t.paint("", by)), string(t.paint(faint, c.Source)))
}

// differing returns what differs beside the marks.
func differing(c *diff.Conflict) []model.AttrChange {
	var l []model.AttrChange
	for _, a := range c.Attrs {
		if !a.Mark {
			l = append(l, a)
		}
	}
	return l
}

// conflictClass is equal for conflicts that differ in nothing but names and values.
func conflictClass(c *diff.Conflict) string {
	return joined(" ", c.Want.Key().Kind.String(), c.Owner.String(), c.Maker, choose(c.Adoptable, "=", ""))
}

// conflict writes one conflict at length.
func (t *planText) conflict(c *diff.Conflict) {
	key := c.Want.Key()
	t.printf("\n  %s %s", t.paint(red, "!"), key.String())
	if s := joined("; ", c.Intent, c.Source); s != "" {
		t.printf("  (%s)", t.paint(faint, s))
	}
	t.printf("\n")
	t.labelled("wanted:", objectText(c.Want, key))
	t.labelled("found:", choose(phrase(c.Want) == phrase(c.Got) && c.Got.Key() == key, "the same", objectText(c.Got, key)))
	t.labelled("made by:", maker(c))
	var l []string
	for _, a := range differing(c) {
		l = append(l, attrText(key.Kind, a)+choose(a.Fixed, " (cannot change in place)", ""))
	}
	t.labelled("differs:", l...)
	t.labelled("ways out:", waysOut(c)...)
}

// labelled writes lines of which the first has a label.
func (p *page) labelled(label string, lines ...string) {
	for _, s := range lines {
		p.printf("      %s%s%s\n", label, pad(len("ways out: ")-len(label)), s)
		label = ""
	}
}

// hidden writes the line that stands for n others.
func (p *page) hidden(n int, noun string) {
	p.printf("  %s\n", p.paint(faint, others(n, noun)))
}

// objectText returns what is specified of an object, with its name where that is
// not the one that the reader knows already.
func objectText(o model.Object, known model.Key) string {
	s := phrase(o)
	switch {
	case o.Key() != known:
		return joined("   ", o.Key().String(), s)
	case s == "":
		return "the same name"
	}
	return s
}

// maker says who seems to have made what stands in the way.
func maker(c *diff.Conflict) string {
	if c.Maker != "" {
		return c.Maker
	}
	switch c.Owner {
	case model.OwnerOther:
		return "another topology"
	case model.OwnerKernel:
		return "the kernel"
	}
	return "unknown"
}

// harmed writes the foreign objects that would go down with ours.
func (t *planText) harmed() {
	n := len(t.plan.Harmed)
	if n == 0 {
		return
	}
	t.printf("\n%s\n", t.paint(red, "Harm: "+choose(n == 1, "1 object that is not ours goes", count(n, "object")+" that are not ours go")+
		" down with ours. Move what is needed elsewhere first, or say --allow-harm."))
	var rows []row
	for _, f := range folded(pointers(t.plan.Harmed), func(h *diff.Harm) string { return h.Object.Key().Kind.String() }) {
		h := f.item
		if f.hidden > 0 {
			rows = append(rows, row{name: others(f.hidden, h.Object.Key().Kind.String())})
			continue
		}
		note := "goes with " + h.Cause.String()
		if h.Maker != "" {
			note += "; made by " + h.Maker
		}
		rows = append(rows, row{lead: t.paint(red, "!"), name: h.Object.Key().String(), text: phrase(h.Object), note: string(t.paint("", note))})
	}
	t.rows("  ", rows)
}

// missing writes the references that don't exist.
func (t *planText) missing() {
	n := len(t.plan.Missing)
	if n == 0 {
		return
	}
	t.printf("\n%s\n", t.paint(red, "Missing: the topology counts on "+count(n, "object")+" that it never makes. apply does nothing without."))
	var rows []row
	for _, e := range t.plan.Missing {
		rows = append(rows, row{
			lead: t.paint(red, "!"), name: e.Object.Key().String(), text: phrase(e.Object),
			note: string(t.paint(faint, joined("; ", e.Intent, e.Source))),
		})
	}
	t.rows("  ", rows)
}
