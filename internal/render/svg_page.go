package render

import (
	"fmt"
	"math"
	"strings"
)

// Distances on the page, in pixels.
const (
	margin    = 28
	trunkRoom = 26 // for a line along an edge of the page
	pageLeast = 440
	pageUsual = 960
	pageMost  = 2000 // unless a card is wider
	barPad    = 9
)

// svgPage is a drawing on its way to a picture. From top to bottom: what it is, the
// overlay as a bar, shelves with the frames of links, a router as a bar. Beyond the
// first shelf, lines along the left edge lead from the overlay, along the right edge to
// the router.
type svgPage struct {
	sketch
	drawing *Drawing
	shelves []*shelf
	left    int // of the frames
	right   int
	back    sketch // below all lines
	lines   sketch
}

// shelf is a row of frames.
type shelf struct {
	frames []*frame
	x      []int
	y, h   int
}

func newSVGPage(d *Drawing) *svgPage {
	p := &svgPage{drawing: d, left: margin}
	p.arrange()
	y := p.heading(margin)
	y = p.carrier(y)
	y = p.place(y)
	y = p.router(y)
	p.w, p.h = p.right+margin, y+margin
	if p.trunkRight() {
		p.w += trunkRoom
	}
	whole := sketch{w: p.w, h: p.h}
	whole.put(&p.back, 0, 0)
	whole.put(&p.lines, 0, 0)
	whole.put(&p.sketch, 0, 0)
	p.sketch = whole
	return p
}

// carried says whether there is an overlay to be drawn beside the links.
func (p *svgPage) carried() bool { return len(p.drawing.Carrier) > 0 && !p.drawing.Plain }

func (p *svgPage) trunkLeft() bool {
	return p.carried() && (len(p.shelves) > 1 || len(p.shelves[0].frames[0].rows) > 1)
}

func (p *svgPage) trunkRight() bool { return p.drawing.Routed && len(p.shelves) > 1 }

// room returns how wide the frames may be for the page to be somewhat wider than high.
func (p *svgPage) room() int {
	area, widest := 0, 0
	for _, l := range p.drawing.Links {
		f := newFrame(p.drawing, l, 0)
		widest = max(widest, f.w)
		area += (f.w + frameGap) * (f.h + frameGap)
	}
	return max(widest, min(pageMost, max(pageUsual, int(math.Sqrt(1.8*float64(area))))))
}

// arrange puts frames onto shelves, in their order.
func (p *svgPage) arrange() {
	room := p.room()
	x := 0
	for _, l := range p.drawing.Links {
		f := newFrame(p.drawing, l, room)
		n := len(p.shelves)
		alone := len(f.rows) > 1 || n > 0 && len(p.shelves[n-1].frames[0].rows) > 1
		if n == 0 || alone || x+f.w > room {
			p.shelves = append(p.shelves, &shelf{})
			x = 0
			n++
		}
		s := p.shelves[n-1]
		s.frames = append(s.frames, f)
		s.x = append(s.x, x)
		s.h = max(s.h, f.h)
		x += f.w + frameGap
	}
	if p.trunkLeft() {
		p.left += trunkRoom
	}
	p.right = margin + pageLeast
	for _, s := range p.shelves {
		for i, f := range s.frames {
			s.x[i] += p.left
			p.right = max(p.right, s.x[i]+f.w)
		}
	}
}

// heading tells what the picture shows.
func (p *svgPage) heading(y int) int {
	for _, line := range fontTitle().wrap(p.drawing.Title, p.right-margin) {
		p.add(label{margin, y + fontTitle().ascent(), fontTitle(), line, 0})
		y += fontTitle().lineHeight()
	}
	for _, line := range append([]string{p.drawing.size()}, p.drawing.Notes...) {
		for _, part := range fontCaption().wrap(line, p.right-margin) {
			p.add(label{margin, y + fontCaption().ascent(), fontCaption(), part, 0})
			y += fontCaption().lineHeight()
		}
	}
	y += 8
	if p.drawing.Marked {
		y = p.legend(y)
	}
	return y
}

// size tells how much there is.
func (d *Drawing) size() string {
	hosts, links := 0, 0
	for _, l := range d.Links {
		hosts += len(l.Hosts) + l.More
		links += max(l.links, 1)
	}
	s := fmt.Sprintf("%s on %s", count(hosts, "host"), count(links, "link"))
	if d.Plain {
		s = strings.Join(d.Carrier, ", ") + " · " + s
	}
	return s
}

// legend tells the marks.
func (p *svgPage) legend(y int) int {
	const high, gap = 22, 8
	x := margin
	used := p.drawing.usedMarks()
	for _, m := range marks() {
		if !used[m] {
			continue
		}
		w := fontName().width(m.symbol()) + fontCaption().width(m.String()) + 6 + 2*boxPad
		if x+w > p.right {
			x, y = margin, y+high+gap
		}
		p.add(rectangle{x, y, w, high, boxClass("chip", m), 4},
			label{x + boxPad, y + 15, fontName(), m.symbol(), m},
			label{x + boxPad + 6 + fontName().width(m.symbol()), y + 15, fontCaption(), m.String(), 0})
		x += w + gap
	}
	return y + high + gap
}

// carrier draws the overlay as a bar.
func (p *svgPage) carrier(y int) int {
	if !p.carried() {
		return y
	}
	return p.bar(y, "overlay", strings.Join(p.drawing.Carrier, " · ")) + frameGap
}

// bar draws a bar across the page.
func (p *svgPage) bar(y int, class, text string) int {
	right := p.right
	if p.trunkRight() {
		right += trunkRoom
	}
	lines := fontCaption().wrap(text, right-margin-2*barPad)
	h := 2*barPad + len(lines)*fontCaption().lineHeight() - 2
	p.add(rectangle{margin, y, right - margin, h, class, 6})
	for i, line := range lines {
		p.add(label{margin + barPad, y + barPad + i*fontCaption().lineHeight() + fontCaption().ascent() - 1, fontCaption(), line, 0})
	}
	return y + h
}

// place draws the shelves with what leads to them.
func (p *svgPage) place(y int) int {
	bar := y - frameGap
	trunk := margin + trunkRoom/3
	last := 0
	for i, s := range p.shelves {
		bus, left := bar, 0
		if i > 0 {
			bus, left = y, trunk
			y += frameGap / 2
		}
		s.y = y
		for j, f := range s.frames {
			f.lengthen(s.h)
			p.frame(f, s.x[j], s)
			for k, r := range f.rows {
				switch {
				case !p.carried():
				case k > 0:
					last = s.y + r.bus
					f.overlay(&p.lines, s.x[j], s.y, k, last, trunk)
				default:
					if f.overlay(&p.lines, s.x[j], s.y, k, bus, left) > 0 && left > 0 {
						last = bus
					}
				}
			}
		}
		y = s.y + s.h
		if p.trunkRight() {
			y += frameGap
		}
		y += frameGap
	}
	if last > 0 {
		p.lines.add(stroke{[]point{{trunk, bar}, {trunk, last}}, "carry bus"})
	}
	return y
}

// frame draws a frame with all that is in it, as high as its shelf.
func (p *svgPage) frame(f *frame, x int, s *shelf) {
	p.back.add(rectangle{x, s.y, f.w, f.h, "frame", 10})
	f.underlay(&p.lines, x, s.y, p.drawing.Routed)
	f.content(&p.sketch, x, s.y)
}

// router draws what joins the links.
func (p *svgPage) router(y int) int {
	if !p.drawing.Routed {
		return y - frameGap
	}
	trunk := p.right + trunkRoom*2/3
	if p.trunkRight() {
		y -= frameGap
	}
	first := 0
	for i, s := range p.shelves {
		to, leftmost := s.y+s.h+frameGap/2, 0
		if i == len(p.shelves)-1 {
			to = y
		}
		for j, f := range s.frames {
			if len(f.rows) == 0 {
				continue
			}
			x := s.x[j] + f.down()
			p.lines.add(stroke{[]point{{x, s.y + f.rows[len(f.rows)-1].link}, {x, to}}, "under-line bus"})
			if leftmost == 0 {
				leftmost = x
			}
		}
		if to != y && leftmost > 0 {
			p.lines.add(stroke{[]point{{leftmost, to}, {trunk, to}}, "under-line bus"})
			if first == 0 {
				first = to
			}
		}
	}
	if first > 0 {
		p.lines.add(stroke{[]point{{trunk, first}, {trunk, y}}, "under-line bus"})
	}
	return p.bar(y, "router", "router between the links")
}
