package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Expansion writes what a node should have: every object, as iproute2 would say it,
// by what it is part of; then every derived value with the reason for it. Warnings
// are the caller's to tell.
func Expansion(w io.Writer, h Header, x *desired.Expansion, o Options) error {
	t := &page{color: o.Color}
	t.printf("%s: %s\n", t.paint(bold, h.String()), count(wanted(x.State), "object"))
	entries := slices.Collect(x.State.All())
	blocks := byIntent(entries, func(i int) string { return entries[i].Intent })
	var peers []row
	for _, b := range blocks {
		if b.isPeer() {
			peers = append(peers, t.peerEntry(b))
			continue
		}
		t.printf("\n")
		t.entries(b)
	}
	if len(peers) > 0 {
		t.printf("\n")
		t.rows("  ", peers)
	}
	t.derived(x.Derived)
	return t.writeTo(w)
}

// wanted counts the objects that the tool makes.
func wanted(s *model.State) int {
	n := 0
	for e := range s.All() {
		if !e.Ref {
			n++
		}
	}
	return n
}

// entries writes a heading and the objects below it.
func (p *page) entries(b *block[model.Entry]) {
	source := common(b.items, func(e model.Entry) string { return e.Source })
	p.heading(choose(b.intent == "", "others", b.intent), source)
	var rows []row
	for _, e := range b.items {
		r := row{name: nameWithin(e.Object.Key(), b.netns()), text: phrase(e.Object)}
		if e.Ref {
			r.text = "must be there; is never touched"
		}
		if e.Source != source {
			r.note = string(p.paint(faint, e.Source))
		}
		rows = append(rows, r)
	}
	p.rows("    ", rows)
}

// peerEntry tells of a peer in one row.
func (p *page) peerEntry(b *block[model.Entry]) row {
	items := slices.Clone(b.items)
	slices.SortStableFunc(items, func(x, y model.Entry) int { return peerOrder(x.Object) - peerOrder(y.Object) })
	var parts []string
	for _, e := range items {
		parts = append(parts, joined(" ", short(e.Object), phrase(e.Object)))
	}
	return row{name: b.intent, text: strings.Join(parts, "; "), note: string(p.paint(faint, items[0].Source))}
}

// derived writes what the file doesn't state, a line each, in the order of paths.
func (p *page) derived(l []spec.Derived) {
	if len(l) == 0 {
		return
	}
	p.printf("\n  %s\n", p.paint(bold, "derived, as the file doesn't state it"))
	columns := 0
	for _, d := range l {
		columns = max(columns, min(maxDerivedWidth, width(assignment(d))))
	}
	for _, d := range byPath(l) {
		p.printf("    %s%s   %s\n", assignment(d), pad(columns-width(assignment(d))), p.paint(faint, "# "+d.Reason))
	}
}

// maxDerivedWidth is the longest assignment that others are aligned with.
const maxDerivedWidth = 84

func assignment(d spec.Derived) string { return fmt.Sprintf("%s = %s", d.Path, d.Value) }

// byPath returns the values in the order of their paths, each once: both families
// may have the same device.
func byPath(l []spec.Derived) []spec.Derived {
	l = slices.Clone(l)
	slices.SortStableFunc(l, func(a, b spec.Derived) int { return naturally(a.Path, b.Path) })
	return slices.Compact(l)
}

type expansionDocument struct {
	FormatVersion string            `json:"format_version"`
	Topology      string            `json:"topology"`
	Node          string            `json:"node"`
	Objects       []wantedDocument  `json:"objects"`
	Derived       []derivedDocument `json:"derived"`
	Warnings      []string          `json:"warnings"`
}

type wantedDocument struct {
	objectDocument
	Intent    string `json:"intent"`
	Source    string `json:"source"`
	Reference bool   `json:"reference"` // must be there; is never touched
}

type derivedDocument struct {
	Path   string `json:"path"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

// ExpansionJSON writes for machines what Expansion does, with the warnings.
func ExpansionJSON(w io.Writer, h Header, x *desired.Expansion) error {
	d := expansionDocument{
		FormatVersion: FormatVersion, Topology: h.Topology, Node: h.Node,
		Objects: []wantedDocument{}, Derived: []derivedDocument{}, Warnings: append([]string{}, x.Warnings...),
	}
	for e := range x.State.All() {
		d.Objects = append(d.Objects, wantedDocument{objectOf(e.Object), e.Intent, e.Source, e.Ref})
	}
	for _, v := range byPath(x.Derived) {
		d.Derived = append(d.Derived, derivedDocument(v))
	}
	return writeJSON(w, d)
}
