package render

import "fmt"

// area is a part of the page.
type area struct{ x, y, w, h int }

func (a area) String() string { return fmt.Sprintf("%dx%d at %d,%d", a.w, a.h, a.x, a.y) }

// meets says whether the insides of two areas have something in common.
func (a area) meets(b area) bool {
	return a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h
}

// holds says whether b is in a, with some distance to the edges.
func (a area) holds(b area, distance int) bool {
	return b.x >= a.x+distance && b.x+b.w <= a.x+a.w-distance && b.y >= a.y && b.y+b.h <= a.y+a.h
}

func (l label) area() area {
	return area{l.x, l.y - l.font.size*3/4, l.font.width(l.text), l.font.size*3/4 + l.font.size/4}
}

// layout is what stands on a page.
type layout struct {
	page   area
	boxes  []rectangle
	labels []label
	badges []badge
	lines  []line
	faults []string
}

// line is a piece of a line without corners.
type line struct {
	area
	class string
}

// LayoutFaults returns what is wrong with the picture of a drawing.
func LayoutFaults(d *Drawing) []string {
	p := newSVGPage(d)
	l := &layout{page: area{0, 0, p.w, p.h}}
	for _, s := range p.shapes {
		switch s := s.(type) {
		case rectangle:
			l.boxes = append(l.boxes, s)
		case label:
			l.labels = append(l.labels, s)
		case badge:
			l.badges = append(l.badges, s)
		case stroke:
			for i := 1; i < len(s.points); i++ {
				a, b := s.points[i-1], s.points[i]
				if a.x != b.x && a.y != b.y {
					l.fault("a line from %v to %v is aslant", a, b)
				}
				l.lines = append(l.lines, line{area{min(a.x, b.x), min(a.y, b.y), max(a.x, b.x) - min(a.x, b.x), max(a.y, b.y) - min(a.y, b.y)}, s.class})
			}
		}
	}
	l.checkBoxes()
	l.checkLabels()
	l.checkLines()
	return l.faults
}

func (l *layout) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

func (r rectangle) area() area { return area{r.x, r.y, r.w, r.h} }

// checkBoxes: two boxes are apart, or one is in the other.
func (l *layout) checkBoxes() {
	for i, a := range l.boxes {
		if !l.page.holds(a.area(), 0) {
			l.fault("the box %s %s is not on the page", a.class, a.area())
		}
		for _, b := range l.boxes[:i] {
			if a.area().meets(b.area()) && !a.area().holds(b.area(), 0) && !b.area().holds(a.area(), 0) || a == b {
				l.fault("the boxes %s %s and %s %s overlap", a.class, a.area(), b.class, b.area())
			}
		}
	}
}

// checkLabels: text is in its box, away from other text.
func (l *layout) checkLabels() {
	for i, a := range l.labels {
		if !l.page.holds(a.area(), 4) {
			l.fault("the text %q is not on the page", a.text)
		}
		for _, b := range l.boxes {
			if a.area().meets(b.area()) && !b.area().holds(a.area(), 4) {
				l.fault("the text %q %s sticks out of the box %s %s", a.text, a.area(), b.class, b.area())
			}
		}
		for _, b := range l.labels[:i] {
			if a.area().meets(b.area()) {
				l.fault("the texts %q and %q overlap", a.text, b.text)
			}
		}
		for _, b := range l.badges {
			if a.area().meets(area{b.x - badgeRadius, b.y - badgeRadius, 2 * badgeRadius, 2 * badgeRadius}) {
				l.fault("a badge is on the text %q", a.text)
			}
		}
	}
}

// checkLines: a line crosses no text, and no box but frames; one that begins in a card
// ends there.
func (l *layout) checkLines() {
	for _, a := range l.lines {
		thick := area{a.x, a.y, max(a.w, 1), max(a.h, 1)}
		for _, b := range l.labels {
			if thick.meets(b.area()) {
				l.fault("a line %s crosses the text %q", a.area, b.text)
			}
		}
		for _, b := range l.boxes {
			inside := area{b.x + 1, b.y + 1, b.w - 2, b.h - 2}
			if b.class != "frame" && thick.meets(inside) && (!b.area().holds(a.area, 0) || !isCard(b.class)) {
				l.fault("a line %s crosses the box %s %s", a.area, b.class, b.area())
			}
		}
	}
}

func isCard(class string) bool { return class == "card" || len(class) > 5 && class[:5] == "card " }
