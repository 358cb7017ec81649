package render

import (
	"fmt"
	"strings"
)

// shape is something to be painted; what comes later is painted above.
type shape interface {
	shift(dx, dy int) shape
	svg() string
}

// rectangle is a box.
type rectangle struct {
	x, y, w, h int
	class      string
	round      int
}

func (r rectangle) shift(dx, dy int) shape {
	r.x, r.y = r.x+dx, r.y+dy
	return r
}

func (r rectangle) svg() string {
	return fmt.Sprintf(`<rect x="%d" y="%d" width="%d" height="%d" rx="%d" class="%s"/>`, r.x, r.y, r.w, r.h, r.round, r.class)
}

// label is a line of text; x and y are where its first letter stands.
type label struct {
	x, y int
	font font
	text string
	mark Mark // its colour
}

func (l label) shift(dx, dy int) shape {
	l.x, l.y = l.x+dx, l.y+dy
	return l
}

func (l label) svg() string {
	class, length := l.font.class, ""
	if l.mark != 0 {
		class += " x-" + l.mark.String()
	}
	if strings.ContainsFunc(l.text, func(r rune) bool { return r > 0xff && r != '…' }) {
		// Which font a reader's machine takes for these nobody knows: it has to fit.
		length = fmt.Sprintf(` textLength="%d" lengthAdjust="spacingAndGlyphs"`, l.font.width(l.text))
	}
	return fmt.Sprintf(`<text x="%d" y="%d" class="%s"%s>%s</text>`, l.x, l.y, class, length, xmlText(l.text))
}

// point is a place.
type point struct{ x, y int }

// stroke is a line with corners.
type stroke struct {
	points []point
	class  string
}

func (s stroke) shift(dx, dy int) shape {
	moved := make([]point, len(s.points))
	for i, p := range s.points {
		moved[i] = point{p.x + dx, p.y + dy}
	}
	s.points = moved
	return s
}

func (s stroke) svg() string {
	var d strings.Builder
	for i, p := range s.points {
		fmt.Fprintf(&d, "%s%d %d", choose(i == 0, "M", " L"), p.x, p.y)
	}
	return fmt.Sprintf(`<path d="%s" class="%s"/>`, d.String(), s.class)
}

// joint is where a line ends on another.
type joint struct {
	x, y  int
	class string
}

func (j joint) shift(dx, dy int) shape {
	j.x, j.y = j.x+dx, j.y+dy
	return j
}

func (j joint) svg() string {
	return fmt.Sprintf(`<circle cx="%d" cy="%d" r="3" class="%s"/>`, j.x, j.y, j.class)
}

// badgeRadius is the size of a badge.
const badgeRadius = 9

// badge is a mark on a line.
type badge struct {
	x, y int
	mark Mark
}

func (b badge) shift(dx, dy int) shape {
	b.x, b.y = b.x+dx, b.y+dy
	return b
}

func (b badge) svg() string {
	return fmt.Sprintf(`<circle cx="%d" cy="%d" r="%d" class="b-%s"/><text x="%d" y="%d" class="t3 mid x-%s">%s</text>`,
		b.x, b.y, badgeRadius, b.mark, b.x, b.y+4, b.mark, xmlText(b.mark.symbol()))
}

// opening and closing put shapes into a group that has a name.
type opening struct{ class, name string }

func (o opening) shift(int, int) shape { return o }

func (o opening) svg() string {
	return fmt.Sprintf(`<g class="%s"><title>%s</title>`, o.class, xmlText(o.name))
}

type closing struct{}

func (c closing) shift(int, int) shape { return c }
func (c closing) svg() string          { return "</g>" }

// sketch is a part of the picture, with its upper left corner at 0, 0.
type sketch struct {
	w, h   int
	shapes []shape
}

func (s *sketch) add(shapes ...shape) { s.shapes = append(s.shapes, shapes...) }

// put adds another sketch at a place.
func (s *sketch) put(o *sketch, x, y int) {
	for _, part := range o.shapes {
		s.shapes = append(s.shapes, part.shift(x, y))
	}
}

// xmlText escapes a text for XML. What XML cannot hold at all, clean has spelled out.
func xmlText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(clean(s))
}
