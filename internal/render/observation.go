package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// owners lists whose an object may be, in the order in which they are shown: what
// the tool works with first. What the kernel itself made is only counted.
func owners() []model.Owner {
	return []model.Owner{model.OwnerOurs, model.OwnerHalf, model.OwnerOther, model.OwnerShared, model.OwnerForeign}
}

// Observation writes what a host has, by namespace, and whose it is.
func Observation(w io.Writer, h Header, s *model.State, o Options) error {
	t := &page{color: o.Color}
	t.printf("%s\n", t.paint(bold, h.String()))
	counts := map[model.Owner]int{}
	var entries []model.Entry
	columns := 0
	for e := range s.All() {
		counts[e.Owner]++
		if e.Owner != model.OwnerKernel {
			entries = append(entries, e)
			columns = max(columns, len(e.Owner.String()))
		}
	}
	slices.SortStableFunc(entries, func(a, b model.Entry) int {
		return slices.Index(owners(), a.Owner) - slices.Index(owners(), b.Owner)
	})
	blocks := byIntent(entries, func(i int) string { return entries[i].Object.Key().Netns })
	slices.SortFunc(blocks, func(a, b *block[model.Entry]) int { return strings.Compare(a.intent, b.intent) })
	for _, b := range blocks {
		t.printf("\n")
		t.heading(choose(b.intent == "", "host", "netns "+b.intent), "")
		t.rows("    ", t.observed(b, columns))
	}
	t.printf("\n%s\n", ownerCounts(s.Len(), counts))
	return t.writeTo(w)
}

// observed tells of the objects in one namespace, those of one owner and kind
// folded.
func (p *page) observed(b *block[model.Entry], columns int) []row {
	class := func(e model.Entry) string { return e.Owner.String() + e.Object.Key().Kind.String() }
	var rows []row
	for _, f := range folded(b.items, class) {
		e := f.item
		owner := e.Owner.String()
		r := row{
			lead: p.paint(ownerStyle(e.Owner), owner) + painted(pad(columns-len(owner)+1)),
			name: nameWithin(e.Object.Key(), b.intent), text: phrase(e.Object),
		}
		switch {
		case f.hidden > 0:
			r.name, r.text = others(f.hidden, e.Object.Key().Kind.String()), ""
		case e.Maker != "":
			r.note = string(p.paint(faint, "made by "+e.Maker))
		}
		rows = append(rows, r)
	}
	return rows
}

// ownerCounts returns "12 objects: 8 ours, 4 foreign."
func ownerCounts(n int, counts map[model.Owner]int) string {
	var parts []string
	for _, owner := range owners() {
		if counts[owner] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[owner], owner))
		}
	}
	if k := counts[model.OwnerKernel]; k > 0 {
		parts = append(parts, fmt.Sprintf("%d made by the kernel itself, not shown", k))
	}
	if n == 0 {
		return "0 objects."
	}
	return count(n, "object") + ": " + strings.Join(parts, ", ") + "."
}

func ownerStyle(o model.Owner) style {
	switch o {
	case model.OwnerOurs:
		return green
	case model.OwnerHalf, model.OwnerOther:
		return yellow
	}
	return faint
}

type observationDocument struct {
	FormatVersion string             `json:"format_version"`
	Topology      string             `json:"topology"`
	Node          string             `json:"node"`
	Objects       []observedDocument `json:"objects"`
}

type observedDocument struct {
	objectDocument
	Owner model.Owner `json:"owner"`
	Maker string      `json:"maker"`
}

// ObservationJSON writes what a host has for machines, the kernel's own included.
func ObservationJSON(w io.Writer, h Header, s *model.State) error {
	d := observationDocument{FormatVersion: FormatVersion, Topology: h.Topology, Node: h.Node, Objects: []observedDocument{}}
	for e := range s.All() {
		d.Objects = append(d.Objects, observedDocument{objectOf(e.Object), e.Owner, e.Maker})
	}
	return writeJSON(w, d)
}
