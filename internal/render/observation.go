package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Observation writes what a host has, by namespace, and whose it is. What the kernel
// itself made is only counted.
func Observation(w io.Writer, h Header, s *model.State, o Options) error {
	t := &page{color: o.Color}
	t.printf("%s\n", t.paint(bold, h.String()))
	var entries []model.Entry
	kernels := 0
	for e := range s.All() {
		if e.Owner == model.OwnerKernel {
			kernels++
			continue
		}
		entries = append(entries, e)
	}
	counts := map[model.Owner]int{}
	for _, b := range byIntent(entries, func(e model.Entry) string { return where(e.Object) }) {
		t.printf("\n  %s\n", t.paint(bold, b.intent))
		columns := entryWidth(b.items)
		for _, e := range b.items {
			counts[e.Owner]++
			t.observed(e, columns)
		}
	}
	var parts []string
	for _, owner := range []model.Owner{model.OwnerOurs, model.OwnerHalf, model.OwnerForeign, model.OwnerOther, model.OwnerShared} {
		if counts[owner] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[owner], owner))
		}
	}
	if kernels > 0 {
		parts = append(parts, fmt.Sprintf("%d of the kernel's own, not shown", kernels))
	}
	t.printf("\n%s: %s.\n", count(s.Len(), "object"), strings.Join(parts, ", "))
	return t.writeTo(w)
}

// where names the namespace that an object is in.
func where(o model.Object) string {
	if ns := o.Key().Netns; ns != "" {
		return "netns " + ns
	}
	return "host"
}

func (p *page) observed(e model.Entry, columns int) {
	name := e.Object.Key().Kind.String() + " " + e.Object.Key().Label()
	owner := e.Owner.String()
	if e.Maker != "" {
		owner += ", " + e.Maker
	}
	p.printf("    %s", name)
	if s := phrase(e.Object); s != "" {
		p.printf("%s   %s", pad(columns-width(name)), s)
	}
	p.printf("  %s\n", p.paint(ownerStyle(e.Owner), "["+owner+"]"))
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
	FormatVersion string           `json:"format_version"`
	Topology      string           `json:"topology"`
	Node          string           `json:"node"`
	Objects       []objectDocument `json:"objects"`
}

// ObservationJSON writes what a host has for machines, the kernel's own included.
func ObservationJSON(w io.Writer, h Header, s *model.State) error {
	d := observationDocument{FormatVersion: FormatVersion, Topology: h.Topology, Node: h.Node, Objects: []objectDocument{}}
	for e := range s.All() {
		o := objectOf(e)
		o.Owner, o.Maker = e.Owner.String(), e.Maker
		d.Objects = append(d.Objects, o)
	}
	return writeJSON(w, d)
}
