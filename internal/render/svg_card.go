package render

import "slices"

// Distances in a host's card, in pixels.
const (
	cardPad   = 12
	cardGap   = 9  // between boxes
	laneGap   = 20 // between the lines that lead down from bridges
	laneInset = 10 // of the line within its lane
	cardLeast = 150
	headInset = 4
	tabInset  = 14
)

// card is a host: its devices of the overlay as tabs above, its addresses on the
// underlay as a tab below.
type card struct {
	host  *Host
	head  *column
	tree  *tree
	above []*column
	below *column
	w     int // at least
	top   int // of the card itself, below the tabs
	body  int // the card's own height
}

func newCard(h *Host, marked bool) *card {
	c := &card{host: h, head: headColumn(h, marked), tree: newTree(h, marked), below: underlayColumn(h.Underlay)}
	tabs := 2*tabInset - cardGap
	for _, e := range h.Endpoints {
		t := boxColumn(e, "overlay", marked)
		c.above = append(c.above, t)
		c.top = max(c.top, t.h)
		tabs += t.w + cardGap
	}
	c.w = max(cardLeast, c.head.w+2*headInset, c.tree.w+cardPad, 2*tabInset+c.below.w, tabs)
	c.body = headInset + c.head.h + headInset
	if c.tree.h > 0 {
		c.body += cardGap - headInset + c.tree.h + cardPad
	}
	return c
}

// height is that of the card with the tabs below, without those above.
func (c *card) height() int { return c.body + c.below.h }

// draw draws the card w wide, with its upper left corner at 0, 0: the tabs above are
// above that.
func (c *card) draw(w int) *sketch {
	s := &sketch{w: w, h: c.height()}
	s.add(opening{"host", c.host.Name})
	x := tabInset
	for i, t := range c.above {
		s.add(rectangle{x, -t.h, t.w, t.h, boxClass("port", c.host.Endpoints[i].Mark), 4})
		s.put(&t.sketch, x, -t.h)
		x += t.w + cardGap
	}
	s.add(rectangle{0, 0, w, c.body, boxClass("card", c.host.Mark), 8})
	s.add(rectangle{headInset, headInset, w - 2*headInset, c.head.h, "head", 5})
	s.put(&c.head.sketch, headInset, headInset)
	s.put(c.tree.draw(w-cardPad), 0, headInset+c.head.h+cardGap)
	if len(c.host.Underlay) > 0 {
		s.add(rectangle{tabInset, c.body, c.below.w, c.below.h, "under", 4})
		s.put(&c.below.sketch, tabInset, c.body)
	}
	s.add(closing{})
	return s
}

// ports returns where lines from the overlay end, seen from the card's corner.
func (c *card) ports() []point {
	var l []point
	x := tabInset
	for _, t := range c.above {
		l = append(l, point{x + t.w/2, -t.h})
		x += t.w + cardGap
	}
	return l
}

// bottom returns where the line to the underlay ends.
func (c *card) bottom() point { return point{tabInset + c.below.w/2, c.height()} }

// headColumn tells of the host itself.
func headColumn(h *Host, marked bool) *column {
	c := newColumn(marked)
	c.line(fontHost(), h.Name, h.Mark, 0)
	for _, l := range slices.Concat(h.Lines, h.peerLines()) {
		c.line(fontCaption(), l.Text, l.Mark, 0)
	}
	return c.end()
}

// underlayColumn tells how the host is known on the underlay.
func underlayColumn(l []string) *column {
	c := newColumn(false)
	if len(l) == 0 {
		c.h = 0
		return c
	}
	c.name(fontAddress(), l[0], "underlay", 0)
	for _, s := range l[1:] {
		c.line(fontAddress(), s, 0, 0)
	}
	return c.end()
}

// boxClass is the class of a box of which something becomes.
func boxClass(class string, m Mark) string {
	if m == 0 {
		return class
	}
	return class + " m-" + m.String()
}

// wireClass is that of a line.
func wireClass(class string, m Mark) string {
	if m == 0 {
		return class
	}
	return class + " w-" + m.String()
}
