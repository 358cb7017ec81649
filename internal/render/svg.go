package render

import (
	"fmt"
	"io"
	"strings"
)

// SVG writes a drawing as a picture that needs nothing from elsewhere: no fonts, no
// scripts, no other files. It is legible on a light and on a dark screen, and the same
// drawing gives the same bytes. Its cost grows with the number of hosts; Fold bounds it.
func SVG(w io.Writer, d *Drawing) error {
	if len(d.Links) == 0 {
		d = &Drawing{Title: d.Title, Notes: d.Notes, Links: []*Link{{}}}
	}
	p := newSVGPage(d)
	t := &page{}
	fmt.Fprintf(&t.buf, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="npo-title npo-desc">`+"\n", p.w, p.h, p.w, p.h)
	fmt.Fprintf(&t.buf, "<title id=\"npo-title\">%s</title>\n<desc id=\"npo-desc\">%s</desc>\n", xmlText(d.Title), xmlText(d.description()))
	fmt.Fprintf(&t.buf, "<style>\n%s</style>\n", svgStyle())
	fmt.Fprintf(&t.buf, `<rect width="%d" height="%d" class="page"/>`+"\n", p.w, p.h)
	for _, s := range p.shapes {
		t.buf.WriteString(s.svg())
		t.buf.WriteByte('\n')
	}
	t.buf.WriteString("</svg>\n")
	return t.writeTo(w)
}

// description tells the picture to who cannot see it.
func (d *Drawing) description() string {
	var l []string
	for h := range d.hosts {
		s := joined(" ", h.Mark.String(), h.Name)
		if len(h.Underlay) > 0 {
			s += " (" + strings.Join(h.Underlay, ", ") + ")"
		}
		l = append(l, s)
	}
	s := joined(": ", strings.Join(d.Carrier, ", "), strings.Join(l, "; "))
	for _, x := range d.Links {
		if x.More > 0 {
			s += "; " + x.moreText()
		}
	}
	return s + "."
}

// usedMarks says which marks occur.
func (d *Drawing) usedMarks() map[Mark]bool {
	used := map[Mark]bool{}
	lines := func(l []Line) {
		for _, x := range l {
			used[x.Mark] = true
		}
	}
	for h := range d.hosts {
		used[h.Mark] = true
		used[h.Joint] = used[h.Joint] || len(h.Endpoints) == 0
		lines(h.Lines)
		lines(h.peerLines())
		for _, b := range h.Endpoints {
			used[b.Mark], used[h.jointOf(b)] = true, true
			lines(b.Lines)
		}
		for _, b := range h.Bridges {
			used[b.Mark] = true
			lines(b.Lines)
		}
		for _, n := range h.Namespaces {
			used[n.Mark] = true
			lines(n.lines())
		}
	}
	return used
}
