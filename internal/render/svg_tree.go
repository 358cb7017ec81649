package render

// tree is the bridges of a host with the namespaces on them. From each bridge a line
// leads down, in a lane of its own where it passes other bridges, and branches off to
// the interfaces on it; so it crosses other lines, but never a box.
type tree struct {
	w, h   int
	marked bool
	boxes  []*treeBox
	rails  map[string]*rail // by bridge
	lanes  int
}

// treeBox is a bridge or a namespace at its place.
type treeBox struct {
	*column
	x, y     int
	class    string
	own      *rail // of a bridge
	branches []branch
}

// branch leads from a bridge's line to an interface.
type branch struct {
	rail   *rail
	height int // within the box
	mark   Mark
}

// rail is the line that leads down from a bridge.
type rail struct {
	lane     int
	last     int // the last box that it leads to; -1: none
	from, to int // heights
	mark     Mark
}

func newTree(h *Host, marked bool) *tree {
	t := &tree{marked: marked, rails: map[string]*rail{}}
	t.collect(h)
	t.assignLanes()
	y := 0
	for _, b := range t.boxes {
		b.y = y
		y += b.h + cardGap
		t.w = max(t.w, b.x+b.w)
		if b.own != nil {
			b.own.from, b.own.to = b.y+b.h, b.y+b.h
		}
		for _, br := range b.branches {
			br.rail.to = b.y + br.height
		}
	}
	t.h = max(0, y-cardGap)
	return t
}

// collect orders the boxes: each bridge, then the namespaces on it that are on no later
// one; at last those on none.
func (t *tree) collect(h *Host) {
	order := map[string]int{}
	for i, b := range h.Bridges {
		order[b.Name] = i
		t.rails[b.Name] = &rail{last: -1, mark: b.Mark}
	}
	under := make([][]*Namespace, len(h.Bridges)+1)
	for _, n := range h.Namespaces {
		at := -1
		for _, i := range n.Interfaces {
			if j, ok := order[i.Bridge]; ok {
				at = max(at, j)
			}
		}
		if at < 0 {
			at = len(h.Bridges)
		}
		under[at] = append(under[at], n)
	}
	for i, b := range h.Bridges {
		class := boxClass(choose(b.Local, "local", "bridge"), b.Mark)
		c := boxColumn(&b.Box, choose(b.Local, "bridge, local only", "bridge"), t.marked)
		t.boxes = append(t.boxes, &treeBox{column: c, class: class, own: t.rails[b.Name]})
		t.namespaces(under[i])
	}
	t.namespaces(under[len(h.Bridges)])
}

func (t *tree) namespaces(l []*Namespace) {
	for _, n := range l {
		c, heights := namespaceColumn(n, t.marked)
		b := &treeBox{column: c, class: boxClass("netns", n.Mark)}
		for i, x := range n.Interfaces {
			if r := t.rails[x.Bridge]; r != nil {
				r.last = len(t.boxes)
				b.branches = append(b.branches, branch{r, heights[i], x.Mark})
			}
		}
		t.boxes = append(t.boxes, b)
	}
}

// assignLanes gives each bridge a lane right of all lines that lead further down.
func (t *tree) assignLanes() {
	var active []*rail // by lane
	for i, b := range t.boxes {
		for len(active) > 0 && active[len(active)-1].last < i {
			active = active[:len(active)-1]
		}
		r := b.own
		if r == nil {
			continue
		}
		if len(active) > 0 {
			r.lane = active[len(active)-1].lane + 1
		}
		if r.last >= 0 {
			active = append(active, r)
		}
		b.x = cardPad + r.lane*laneGap
		t.lanes = max(t.lanes, r.lane+1)
	}
	for _, b := range t.boxes {
		if b.own == nil {
			b.x = cardPad + t.lanes*laneGap
		}
	}
}

func (r *rail) x() int { return cardPad + r.lane*laneGap + laneInset }

// draw draws the tree; its boxes end at right.
func (t *tree) draw(right int) *sketch {
	s := &sketch{w: right, h: t.h}
	for _, b := range t.boxes {
		if r := b.own; r != nil && r.to > r.from {
			s.add(stroke{[]point{{r.x(), r.from}, {r.x(), r.to}}, wireClass("wire", r.mark)})
		}
	}
	for _, b := range t.boxes {
		for _, br := range b.branches {
			y := b.y + br.height
			s.add(stroke{[]point{{br.rail.x(), y}, {b.x, y}}, wireClass("wire", br.mark)}, joint{br.rail.x(), y, "joint"})
		}
		s.add(rectangle{b.x, b.y, right - b.x, b.h, b.class, 4})
		s.put(&b.sketch, b.x, b.y)
	}
	return s
}
