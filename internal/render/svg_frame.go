package render

// Distances in and around the frames of links, in pixels.
const (
	framePad  = 16
	frameGap  = 20 // between frames, and between cards
	stubRoom  = 28 // for a line to a card, with a badge on it
	linkInset = 16 // of the line that leads to the router, from the frame's right edge
)

// frame is a link of the underlay with its hosts in rows of cards. In each row a line
// below the cards is the link; a line above is the overlay, which the page draws for
// the first row.
type frame struct {
	link   *Link
	plain  bool // the link carries plain packets of all hosts
	cards  []*card
	wide   int // of each card
	across int // cards in a row
	title  []string
	inset  int // at the right edge, for the line that leads to the router or joins rows
	w, h   int
	rows   []frameRow
}

// frameRow is a row of cards at its place.
type frameRow struct {
	bus   int // height of the overlay's line, in all rows but the first
	cards int // height of the cards' upper edges
	link  int // height of the link's line
}

// newFrame arranges the hosts of a link in a room of some width, or more where a card
// takes more.
func newFrame(d *Drawing, l *Link, room int) *frame {
	f := &frame{link: l, plain: d.Plain, inset: linkInset}
	for _, h := range l.Hosts {
		c := newCard(h, d.Marked)
		f.cards = append(f.cards, c)
		f.wide = max(f.wide, c.w)
	}
	n := len(f.cards)
	f.across = max(1, (room-2*framePad-linkInset+frameGap)/(f.wide+frameGap))
	f.across = min(f.across, max(n, 1))
	rows := (n + f.across - 1) / f.across
	if rows > 0 {
		f.across = (n + rows - 1) / rows
	}
	if rows < 2 && !d.Routed {
		f.inset = 0
	}
	f.w = 2*framePad + f.inset + max(cardLeast, f.across*(f.wide+frameGap)-frameGap)
	f.place(rows)
	return f
}

// place finds the heights of all rows, and what is said of the link below.
func (f *frame) place(rows int) {
	y := stubRoom
	if rows == 0 {
		y = framePad - 4
	}
	for i := range rows {
		r := frameRow{}
		if i > 0 {
			r.bus = y
			y += stubRoom
		}
		top, bottom := 0, 0
		for _, c := range f.row(i) {
			top, bottom = max(top, c.top), max(bottom, c.height())
		}
		r.cards = y + top
		r.link = r.cards + bottom + stubRoom
		y = r.link + frameGap
		f.rows = append(f.rows, r)
	}
	if rows > 0 {
		y -= frameGap - 8
	}
	f.title = fontCaption().wrap(f.caption(), f.w-2*framePad-f.inset)
	if f.link.More > 0 {
		f.title = append(f.title, fontCaption().wrap(f.link.moreText(), f.w-2*framePad-f.inset)...)
	}
	f.h = y + len(f.title)*fontCaption().lineHeight() + 10
}

// lengthen makes the frame as high as those beside it.
func (f *frame) lengthen(h int) {
	if n := len(f.rows); n > 0 {
		f.rows[n-1].link += h - f.h
	}
	f.h = h
}

func (f *frame) caption() string {
	switch {
	case len(f.link.Subnets) == 0 && len(f.cards) == 0:
		return ""
	case len(f.link.Subnets) == 0:
		return "not on a link that is known"
	case f.plain && len(f.cards)+f.link.More > 1:
		return f.link.title() + " · plain routes between these hosts"
	}
	return f.link.title()
}

func (f *frame) row(i int) []*card {
	return f.cards[i*f.across : min((i+1)*f.across, len(f.cards))]
}

func (f *frame) column(i int) int { return framePad + i*(f.wide+frameGap) }

// down is where the line is that joins the link's rows, and leads to the router.
func (f *frame) down() int { return f.w - f.inset }

// underlay draws the link itself.
func (f *frame) underlay(s *sketch, x, y int, routed bool) {
	class := choose(f.plain, "carry", "under-line")
	for i, r := range f.rows {
		left, right := f.w, 0
		for j, c := range f.row(i) {
			b := c.bottom()
			at := f.column(j) + b.x
			left, right = min(left, at), max(right, at)
			from := r.cards + b.y
			mark := Mark(0)
			if f.plain {
				mark = c.host.Joint
			}
			s.add(stroke{[]point{{x + at, y + from}, {x + at, y + r.link}}, wireClass(class, mark)})
			if mark != 0 {
				s.add(badge{x + at, y + r.link - stubRoom/2, mark})
			}
		}
		if routed || len(f.rows) > 1 {
			right = f.down()
		} else {
			left, right = left-framePad/2, right+framePad/2
		}
		s.add(stroke{[]point{{x + left, y + r.link}, {x + right, y + r.link}}, class + " bus"})
	}
	if n := len(f.rows); n > 1 {
		s.add(stroke{[]point{{x + f.down(), y + f.rows[0].link}, {x + f.down(), y + f.rows[n-1].link}}, class + " bus"})
	}
}

// overlay draws the lines that lead from the overlay to a row: from a line at the height
// bus, which begins at left, or from a bar where left is 0.
func (f *frame) overlay(s *sketch, x, y, i, bus, left int) (right int) {
	r := f.rows[i]
	for j, c := range f.row(i) {
		for k, p := range c.ports() {
			at := x + f.column(j) + p.x
			to := y + r.cards + p.y
			mark := c.host.jointOf(c.host.Endpoints[k])
			s.add(stroke{[]point{{at, bus}, {at, to}}, wireClass("carry", mark)})
			if mark != 0 {
				s.add(badge{at, y + r.cards - c.top - stubRoom/2, mark})
			}
			right = max(right, at)
		}
	}
	if left > 0 && right > 0 {
		s.add(stroke{[]point{{left, bus}, {right, bus}}, "carry bus"})
	}
	return right
}

// content draws the cards, and what is said of the link.
func (f *frame) content(s *sketch, x, y int) {
	for i, r := range f.rows {
		for j, c := range f.row(i) {
			s.put(c.draw(f.wide), x+f.column(j), y+r.cards)
		}
	}
	top := f.h - 10 - len(f.title)*fontCaption().lineHeight()
	for _, line := range f.title {
		s.add(label{x + framePad, y + top + fontCaption().ascent(), fontCaption(), line, 0})
		top += fontCaption().lineHeight()
	}
}
