package render

// Distances in pixels.
const (
	boxPad    = 8   // from a box's edge to its text
	markRoom  = 14  // for the symbol before a line
	textRoom  = 336 // of the longest line
	lineInset = 12  // of what belongs to the line above
)

// column is lines of text, one below the other, without the box around them.
type column struct {
	sketch
	marked bool // there is room for symbols
}

func newColumn(marked bool) *column {
	return &column{sketch: sketch{h: boxPad - 2}, marked: marked}
}

// line adds a line, broken where it is too long, and returns the height of its middle.
func (c *column) line(f font, s string, m Mark, inset int) int {
	middle := c.h + f.lineHeight()/2
	x := boxPad + inset
	if c.marked {
		if m != 0 {
			c.add(label{x, c.h + f.ascent(), fontName(), m.symbol(), m})
		}
		x += markRoom
	}
	for _, part := range f.wrap(s, textRoom-inset) {
		c.add(label{x, c.h + f.ascent(), f, part, m})
		c.w = max(c.w, x+f.width(part)+boxPad)
		c.h += f.lineHeight()
	}
	return middle
}

// name adds a name and behind it, if there is room, what is named so.
func (c *column) name(f font, s, what string, m Mark) {
	const gap = 10
	top, n := c.h, len(c.shapes)
	c.line(f, s, m, 0)
	first := label{}
	for _, x := range c.shapes[n:] {
		if l := x.(label); l.y == top+f.ascent() {
			first = l
		}
	}
	x, caption := first.x+f.width(first.text)+gap, fontCaption()
	if right := x + caption.width(what); right <= textRoom {
		c.add(label{x, first.y, caption, what, 0})
		c.w = max(c.w, right+boxPad)
		return
	}
	c.line(caption, what, 0, 0)
}

// end leaves room below the last line.
func (c *column) end() *column {
	c.h += boxPad - 3
	return c
}

// boxColumn tells of something with a name.
func boxColumn(b *Box, what string, marked bool) *column {
	c := newColumn(marked)
	c.name(fontName(), b.Name, what, b.Mark)
	c.lines(b.Lines)
	return c.end()
}

func (c *column) lines(l []Line) {
	for _, x := range l {
		c.line(fontAddress(), x.Text, x.Mark, 0)
	}
}

// namespaceColumn tells of a namespace, and at which height its interfaces are.
func namespaceColumn(n *Namespace, marked bool) (*column, []int) {
	c := newColumn(marked)
	c.name(fontName(), n.Name, "namespace", n.Mark)
	var heights []int
	inset := besides(n, marked)
	for _, i := range n.Interfaces {
		heights = append(heights, c.iface(i, inset))
	}
	c.lines(n.Lines)
	return c.end(), heights
}

// besides returns how far to the right the addresses of a namespace's interfaces stand
// if they stand beside the names, or 0: there is no room for that.
func besides(n *Namespace, marked bool) int {
	const room = 300
	names, addresses := 0, 0
	for _, i := range n.Interfaces {
		names = max(names, fontAddress().width(i.Name))
		for _, l := range i.Lines {
			addresses = max(addresses, fontAddress().width(l.Text))
		}
	}
	inset := names + lineInset
	if marked {
		inset += markRoom
	}
	if inset+addresses > room {
		return 0
	}
	return inset
}

// iface adds an interface, and returns the height of its name.
func (c *column) iface(i *Interface, inset int) int {
	top := c.h
	middle := c.line(fontAddress(), i.Name, i.Mark, 0)
	bottom := c.h
	if inset == 0 {
		inset = lineInset
	} else if len(i.Lines) > 0 {
		c.h = top
	}
	for _, l := range i.Lines {
		c.line(fontAddress(), l.Text, l.Mark, inset)
	}
	c.h = max(c.h, bottom)
	return middle
}
