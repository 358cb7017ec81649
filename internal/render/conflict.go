package render

import (
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// blocked says whether the plan cannot be executed as it is, whatever is allowed.
func (t *planText) blocked() bool { return len(t.plan.Conflicts)+len(t.plan.Missing) > 0 }

// conflicts writes a block for each wanted object whose place is taken.
func (t *planText) conflicts() {
	if len(t.plan.Conflicts) == 0 {
		return
	}
	t.printf("\n%s\n", t.paint(red, "Conflicts: "+count(len(t.plan.Conflicts), "wanted object")+
		" cannot be had because of what is not ours. Nothing is done until that is solved."))
	conflicts := pointers(t.plan.Conflicts)
	for _, f := range folded(conflicts, conflictClass) {
		if f.hidden > 0 {
			t.printf("  %s\n", t.paint(faint, others(f.hidden, "conflict")))
			continue
		}
		t.conflict(f.item)
	}
}

// conflictClass is equal for conflicts that differ in nothing but names and values.
func conflictClass(c *diff.Conflict) string {
	return joined(" ", c.Want.Key().Kind.String(), c.Owner.String(), c.Maker, choose(c.Adoptable, "=", ""))
}

func (t *planText) conflict(c *diff.Conflict) {
	t.printf("  %s %s", t.paint(red, "!"), c.Want.Key().String())
	if s := joined("; ", c.Intent, c.Source); s != "" {
		t.printf("  (%s)", s)
	}
	t.printf("\n      wanted:   %s\n", objectText(c.Want, c.Want.Key()))
	t.printf("      found:    %s\n", objectText(c.Got, c.Want.Key()))
	t.printf("      made by:  %s\n", maker(c))
	for i, a := range c.Attrs {
		label := "differs:"
		if i > 0 {
			label = "        "
		}
		kind := c.Want.Key().Kind
		t.printf("      %s  %s: %s -> %s\n", label, a.Name, valueText(kind, a.Name, a.Before), valueText(kind, a.Name, a.After))
	}
	for i, way := range waysOut(c) {
		label := "ways out:"
		if i > 0 {
			label = "         "
		}
		t.printf("      %s %s\n", label, way)
	}
}

// objectText returns what is specified of an object, with its name where that is
// not the one that the reader knows already.
func objectText(o model.Object, known model.Key) string {
	s := phrase(o)
	switch {
	case o.Key() != known:
		return joined("  ", o.Key().String(), s)
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

// waysOut lists what the user can do, the gentlest first.
func waysOut(c *diff.Conflict) []string {
	var l []string
	if c.Adoptable {
		l = append(l, "take it over as it is: --adopt")
	}
	l = append(l, override(c))
	if cmd := removal(c.Got); cmd != "" && c.Owner != model.OwnerKernel {
		l = append(l, "remove it, if nothing uses it: "+cmd)
	}
	return l
}

// override says what to write in the file so that the object is wanted no more, or
// under another name.
func override(c *diff.Conflict) string {
	s := "choose another " + c.Want.Key().Kind.String() + " in the file"
	switch o := c.Want.(type) {
	case model.Netns:
		s = "give the namespace another name in the file"
	case model.Sysctl:
		s = "take it out of the file"
	case model.Link:
		s = overrideLink(o, c.Got.Key())
	case model.Address:
		s = "choose another address in the file"
	case model.Route:
		s = "choose another subnet in the file"
	case model.Neighbour, model.FDBEntry:
		s = "set another overlay mac or address in the file"
	}
	if c.Source != "" {
		s += " (" + c.Source + ")"
	}
	return s
}

func overrideLink(l model.Link, got model.Key) string {
	switch l.Type.Value() {
	case model.TypeVXLAN, model.TypeIPIP:
		if got != l.Key() {
			return "call the device by that name, overlay: {device: " + got.Name + "}, and adopt it; or choose another vni or port"
		}
		return "give the device another name in the file, overlay: {device: NAME}"
	case model.TypeVeth:
		return "give the veth another name in the file, interfaces: {eth0: {host: NAME}}"
	case model.TypeBridge:
		return "give the bridge another name in the file"
	}
	return "give the link another name in the file"
}

// removal returns the command that removes an object, or "" where there is none.
func removal(o model.Object) string {
	k := o.Key()
	var w words
	switch k.Kind {
	case model.KindNetns:
		return "ip netns delete " + shellWord(k.Name)
	case model.KindSysctl:
		return ""
	case model.KindFDB:
		w.add("bridge")
	default:
		w.add("ip")
	}
	if k.Kind == model.KindRoute && k.Prefix.Addr().Is6() {
		w.add("-6")
	}
	if k.Netns != "" {
		w.add("-n", shellWord(k.Netns))
	}
	switch o := o.(type) {
	case model.Link:
		w.add("link", "delete", shellWord(k.Name))
	case model.Address:
		w.add("address", "delete", k.Prefix.String(), "dev", shellWord(k.Name))
	case model.Neighbour:
		w.add("neighbour", "delete", k.Prefix.Addr().String(), "dev", shellWord(k.Name))
	case model.FDBEntry:
		w.add("fdb", "delete", k.MAC.String(), "dev", shellWord(k.Name))
		w.add("dst", addr(o.Dst))
	case model.Route:
		w.add("route", "delete", routeDst(k))
		w.add("metric", metric(k))
	}
	return w.String()
}

// routeDst returns a route's destination as a command takes it.
func routeDst(k model.Key) string {
	if k.Prefix.Bits() == 0 {
		return "default"
	}
	return k.Prefix.String()
}

// metric returns a route's metric, or "" for the usual one.
func metric(k model.Key) string {
	if k.Metric == model.Metric(k.Prefix, 0) {
		return ""
	}
	return number(model.Some(k.Metric))
}

// shellWord quotes a name for the shell, where that is needed.
func shellWord(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-:@+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// harmed writes the foreign objects that would go down with ours.
func (t *planText) harmed() {
	if len(t.plan.Harmed) == 0 {
		return
	}
	t.printf("\n%s\n", t.paint(red, "Harm: "+count(len(t.plan.Harmed), "object")+
		" that somebody else put on ours would go down. Move them first, or say --allow-harm."))
	for _, f := range folded(pointers(t.plan.Harmed), func(h *diff.Harm) string { return h.Object.Key().Kind.String() }) {
		if f.hidden > 0 {
			t.printf("  %s\n", t.paint(faint, others(f.hidden, f.item.Object.Key().Kind.String())))
			continue
		}
		h := f.item
		note := "goes with " + h.Cause.String()
		if h.Maker != "" {
			note += "; made by " + h.Maker
		}
		t.printf("  %s %s  (%s)\n", t.paint(red, "!"), joined("   ", h.Object.Key().String(), phrase(h.Object)), note)
	}
}

// missing writes the references that don't exist.
func (t *planText) missing() {
	if len(t.plan.Missing) == 0 {
		return
	}
	t.printf("\n%s\n", t.paint(red, "Missing: "+count(len(t.plan.Missing), "object")+
		" that the topology counts on and never makes. Nothing is done without."))
	for _, e := range t.plan.Missing {
		t.printf("  %s %s", t.paint(red, "!"), joined("   ", e.Object.Key().String(), phrase(e.Object)))
		if s := joined("; ", e.Intent, e.Source); s != "" {
			t.printf("  (%s)", s)
		}
		t.printf("\n")
	}
}

// pointers returns the addresses of the elements.
func pointers[T any](l []T) []*T {
	p := make([]*T, len(l))
	for i := range l {
		p[i] = &l[i]
	}
	return p
}
