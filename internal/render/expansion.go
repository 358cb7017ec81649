package render

import (
	"io"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Expansion writes what a node should have: every object, as iproute2 would say it,
// by what it is part of; then every derived value with the reason for it.
func Expansion(w io.Writer, h Header, x *desired.Expansion, o Options) error {
	t := &page{color: o.Color}
	t.printf("%s\n", t.paint(bold, h.String()))
	var entries []model.Entry
	for e := range x.State.All() {
		entries = append(entries, e)
	}
	for _, b := range byIntent(entries, func(e model.Entry) string { return e.Intent }) {
		t.printf("\n  %s\n", t.paint(bold, b.intent))
		columns := entryWidth(b.items)
		for _, e := range b.items {
			t.entry(e, columns)
		}
	}
	if len(x.Derived) > 0 {
		t.printf("\n  %s\n", t.paint(bold, "derived"))
	}
	columns := 0
	for _, d := range x.Derived {
		columns = max(columns, min(maxDerivedWidth, width(d.Path)+width(d.Value)))
	}
	for _, d := range x.Derived {
		t.printf("    %s: %s%s   %s\n", d.Path, t.paint(cyan, d.Value), pad(columns-width(d.Path)-width(d.Value)), t.paint(faint, "# "+d.Reason))
	}
	return t.writeTo(w)
}

// maxDerivedWidth is the longest "path: value" that others are aligned with.
const maxDerivedWidth = 72

// entryWidth is nameWidth for entries.
func entryWidth(entries []model.Entry) int {
	n := 0
	for _, e := range entries {
		if w := width(e.Object.Key().String()); w <= maxNameWidth {
			n = max(n, w)
		}
	}
	return n
}

func (p *page) entry(e model.Entry, columns int) {
	name := e.Object.Key().String()
	p.printf("    %s", name)
	s := phrase(e.Object)
	if e.Ref {
		s = "must exist, is never touched"
	}
	if s != "" {
		p.printf("%s   %s", pad(columns-width(name)), s)
	}
	if e.Source != "" {
		p.printf("  %s", p.paint(faint, "("+e.Source+")"))
	}
	p.printf("\n")
}

type expansionDocument struct {
	FormatVersion string            `json:"format_version"`
	Topology      string            `json:"topology"`
	Node          string            `json:"node"`
	Objects       []objectDocument  `json:"objects"`
	Derived       []derivedDocument `json:"derived"`
	Warnings      []string          `json:"warnings"`
}

type objectDocument struct {
	objectName
	Attributes map[string]string `json:"attributes"`
	Intent     string            `json:"intent,omitempty"`
	Source     string            `json:"source,omitempty"`
	Reference  bool              `json:"reference,omitempty"` // must exist, is never touched
	Owner      string            `json:"owner,omitempty"`
	Maker      string            `json:"maker,omitempty"`
}

type derivedDocument struct {
	Path   string `json:"path"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

// ExpansionJSON writes what Expansion does for machines.
func ExpansionJSON(w io.Writer, h Header, x *desired.Expansion) error {
	d := expansionDocument{
		FormatVersion: FormatVersion, Topology: h.Topology, Node: h.Node,
		Objects: []objectDocument{}, Derived: []derivedDocument{}, Warnings: append([]string{}, x.Warnings...),
	}
	for e := range x.State.All() {
		o := objectOf(e)
		o.Reference = e.Ref
		d.Objects = append(d.Objects, o)
	}
	for _, v := range x.Derived {
		d.Derived = append(d.Derived, derivedDocument{v.Path, v.Value, v.Reason})
	}
	return writeJSON(w, d)
}

func objectOf(e model.Entry) objectDocument {
	o := objectDocument{objectName: nameOf(e.Object), Attributes: map[string]string{}, Intent: e.Intent, Source: e.Source}
	for _, a := range e.Object.Attrs() {
		o.Attributes[a.Name] = attrWord(o.Kind, a.Name, a.Value)
	}
	return o
}
