package spec

import (
	"unicode/utf8"
	"unsafe"
)

// reader reads the plain subset of YAML that topologies are mostly written in: block maps
// and lists, flow maps and lists, scalars on one line that are plain or quoted without
// escapes, comments. It takes a twentieth of the time of yaml.v3, and makes the same tree
// (FuzzReader). It reads nothing otherwise than yaml.v3 does: whatever it isn't sure of,
// it refuses, and whatever is wrong, so that all errors come from there.
type reader struct {
	tree   *tree
	text   string
	at     int // the byte that we are at
	line   int // its line, from 1
	start  int // where that begins
	indent int // the column of what comes next, from 0; -1: nothing more
}

// plain reads a file; ok is false, and nothing is added, where yaml.v3 has to read it.
func (t *tree) plain(s Source) (root node, ok bool) {
	t.open(file{name: s.Name, text: unsafe.String(unsafe.SliceData(s.Data), len(s.Data))}) // nobody changes it: see Source
	r := &reader{tree: t, text: t.files[len(t.files)-1].text, line: 1}
	i, ok := r.document()
	if !ok {
		t.abandon()
		return node{}, false
	}
	return node{t, i}, true
}

func (r *reader) document() (uint32, bool) {
	if !r.next() || r.indent != 0 {
		return 0, false
	}
	if r.text[r.at] == '{' {
		i, ok := r.flow(0, 0, 0)
		return i, ok && r.endOfLine() && r.indent < 0
	}
	i := r.add(0, mapping, 0)
	return i, r.blockMap(i, 0, 0) && r.indent < 0
}

// add adds a cell for what begins here.
func (r *reader) add(up uint32, s shape, index int) uint32 {
	return r.tree.add(cell{up: up, line: uint32(r.line), column: uint32(r.at-r.start) + 1, kind: uint32(s) | uint32(index)<<indexShift})
}

// next goes from the beginning of a line to what comes next, across empty lines and
// comments.
func (r *reader) next() bool {
	for {
		for r.at < len(r.text) && r.text[r.at] == ' ' {
			r.at++
		}
		if r.at == len(r.text) {
			r.indent = -1
			return true
		}
		switch r.text[r.at] {
		case '\n':
			r.newLine()
		case '#':
			if !r.comment() {
				return false
			}
		default:
			r.indent = r.at - r.start
			return true
		}
	}
}

func (r *reader) newLine() {
	r.at++
	r.line++
	r.start = r.at
}

// comment goes to the end of the line.
func (r *reader) comment() bool {
	for r.at < len(r.text) && r.text[r.at] != '\n' {
		c := r.text[r.at]
		switch {
		case c >= utf8.RuneSelf:
			if !r.wide() {
				return false
			}
		case c < ' ' && c != '\t' || c == 0x7f:
			return false
		default:
			r.at++
		}
	}
	return true
}

// wide goes across a character that isn't ASCII, if that neither ends a line nor is one
// that YAML refuses.
func (r *reader) wide() bool {
	c, n := utf8.DecodeRuneInString(r.text[r.at:])
	if c < 0xa0 || c == '\u2028' || c == '\u2029' || c == '\ufeff' || c == utf8.RuneError || c == 0xfffe || c == 0xffff {
		return false
	}
	r.at += n
	return true
}

// endOfLine goes from the end of a value to what comes next.
func (r *reader) endOfLine() bool {
	blank := r.spaces()
	switch {
	case r.at == len(r.text):
	case r.text[r.at] == '\n':
		r.newLine()
	case r.text[r.at] != '#' || !blank || !r.comment():
		return false
	}
	return r.next()
}

// spaces goes across spaces, and says whether there were any.
func (r *reader) spaces() bool {
	from := r.at
	for r.at < len(r.text) && r.text[r.at] == ' ' {
		r.at++
	}
	return r.at > from
}

// blankAt says whether what stands there ends a word: a space, the end of the line or
// that of the file.
func (r *reader) blankAt(i int) bool {
	return i >= len(r.text) || r.text[i] == ' ' || r.text[i] == '\n'
}

// dash says whether an item of a list begins here.
func (r *reader) dash() bool { return r.text[r.at] == '-' && r.blankAt(r.at+1) }

// blockMap reads the entries of a map whose keys stand at a column.
func (r *reader) blockMap(m uint32, column, depth int) bool {
	if depth >= maxDepth {
		return false
	}
	keys := keySet{tree: r.tree, of: m}
	for {
		s, ok := r.scalar(false)
		if !ok || !s.key || keys.first(r.text[s.from:s.to]) != 0 {
			return false
		}
		k := r.put(s, m, 0)
		r.at = s.end + 1
		keys.add(k)
		if !r.blockValue(k, column, depth+1) {
			return false
		}
		if r.indent != column {
			return r.indent < column
		}
	}
}

// blockValue reads the value of a key, from behind its colon to the line behind the
// value.
func (r *reader) blockValue(k uint32, column, depth int) bool {
	here := *r
	if r.spaces(); r.at < len(r.text) && r.text[r.at] != '\n' && r.text[r.at] != '#' {
		_, ok := r.inLine(k, 0, depth)
		return ok && r.endOfLine()
	}
	r.at = here.at
	if !r.endOfLine() {
		return false
	}
	switch {
	case r.indent >= column && r.indent >= 0 && r.dash():
		return r.blockList(r.add(k, list, 0), r.indent, depth, r.indent == column)
	case r.indent > column:
		return r.blockMap(r.add(k, mapping, 0), r.indent, depth)
	}
	i := here.add(k, scalar, 0)
	r.tree.at(i).kind |= nullBit
	return true
}

// blockList reads the items of a list whose dashes stand at a column: that of the map
// around it if it is flush.
func (r *reader) blockList(l uint32, column, depth int, flush bool) bool {
	if depth >= maxDepth {
		return false
	}
	last := uint32(0)
	for index := 0; ; index++ {
		r.at++
		if !r.spaces() || r.at == len(r.text) || r.text[r.at] == '\n' || r.text[r.at] == '#' || r.dash() {
			return false
		}
		i, ok := r.blockItem(l, index, depth+1)
		if !ok {
			return false
		}
		r.tree.append(l, last, i)
		last = i
		switch {
		case r.indent < column, r.indent == column && flush && !r.dash():
			return true
		case r.indent > column || !r.dash():
			return false
		}
	}
}

// blockItem reads an item to the line behind it: a map may begin in the line of its dash.
func (r *reader) blockItem(l uint32, index, depth int) (uint32, bool) {
	if c := r.text[r.at]; c != '{' && c != '[' {
		s, ok := r.scalar(false)
		if !ok {
			return 0, false
		}
		if s.key {
			m := r.add(l, mapping, index)
			return m, r.blockMap(m, r.at-r.start, depth)
		}
	}
	i, ok := r.inLine(l, index, depth)
	return i, ok && r.endOfLine()
}

// inLine reads a value that begins in the line of its key or dash.
func (r *reader) inLine(up uint32, index, depth int) (uint32, bool) {
	if c := r.text[r.at]; c == '{' || c == '[' {
		return r.flow(up, index, depth)
	}
	s, ok := r.scalar(false)
	if !ok || s.key || depth > maxDepth {
		return 0, false
	}
	i := r.put(s, up, index)
	r.at = s.end
	return i, true
}
