package spec

import "strings"

// maxKey is how long a key may be here; yaml.v3 looks for its colon within 1,024
// characters.
const maxKey = 1000

// scalarAt is a scalar in the text.
type scalarAt struct {
	from, to int // without quotes
	end      int // behind it
	quoted   bool
	key      bool // a colon follows that makes it a key
}

// put adds the cell of a scalar that begins here.
func (r *reader) put(s scalarAt, up uint32, index int) uint32 {
	i := r.add(up, scalar, index)
	c := r.tree.at(i)
	c.in, c.size = uint32(s.from), uint32(s.to-s.from)
	if !s.quoted && isNull(r.text[s.from:s.to]) {
		c.kind |= nullBit
	}
	return i
}

// isNull says whether YAML takes a word for null.
func isNull(s string) bool {
	return s == "~" || s == "null" || s == "Null" || s == "NULL"
}

// scalar looks at the scalar that begins here.
func (r *reader) scalar(inFlow bool) (s scalarAt, ok bool) {
	switch c := r.text[r.at]; {
	case c == '"' || c == '\'':
		s, ok = r.quoted(c, inFlow)
	case !r.beginsPlain(c) || r.at == r.start && c == '.':
		return s, false
	case inFlow:
		s, ok = r.flowPlain()
	default:
		s, ok = r.blockPlain()
	}
	if s.key && (s.end-r.at > maxKey || r.text[s.from:s.to] == "<<") {
		return s, false
	}
	return s, ok
}

// beginsPlain says whether a character begins a plain scalar, whatever follows.
func (r *reader) beginsPlain(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	case c == '-':
		return r.at+1 < len(r.text) && r.text[r.at+1] >= '0' && r.text[r.at+1] <= 'z'
	}
	return c > ' ' && strings.IndexByte("_./~+$(<=", c) >= 0
}

// quoted looks at a scalar in quotes: in one line, of ASCII, without escapes.
func (r *reader) quoted(quote byte, inFlow bool) (s scalarAt, ok bool) {
	for i := r.at + 1; i < len(r.text); i++ {
		c := r.text[i]
		if c == quote {
			s = scalarAt{from: r.at + 1, to: i, end: i + 1, quoted: true}
			if i++; i == len(r.text) {
				return s, true
			}
			switch r.text[i] {
			case ':':
				s.key = inFlow || r.blankAt(i+1)
				return s, s.key
			case ' ', '\n', ',', ']', '}':
				return s, true
			}
			return s, false
		}
		if c < ' ' || c > '~' || c == '\\' && quote == '"' {
			return s, false
		}
	}
	return s, false
}

// blockPlain looks at a plain scalar outside of brackets, which ends with the line, a
// comment, or the colon behind a key.
func (r *reader) blockPlain() (s scalarAt, ok bool) {
	i := r.at
	for ; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == ':' && r.blankAt(i+1):
			return scalarAt{from: r.at, to: i, end: i, key: true}, true
		case c == '\n':
			return scalarAt{from: r.at, to: i, end: i}, true
		case c == ' ':
			next := i
			for next < len(r.text) && r.text[next] == ' ' {
				next++
			}
			if next == len(r.text) || r.text[next] == '\n' || r.text[next] == '#' {
				return scalarAt{from: r.at, to: i, end: i}, true
			}
			if r.text[next] == ':' {
				return s, false
			}
			i = next - 1
		case c < ' ' || c > '~':
			return s, false
		}
	}
	return scalarAt{from: r.at, to: i, end: i}, true
}

// flowPlain looks at a plain scalar in brackets, which also ends with what divides
// entries.
func (r *reader) flowPlain() (s scalarAt, ok bool) {
	for i := r.at; i < len(r.text); i++ {
		switch c := r.text[i]; c {
		case ',', ']', '}', '\n':
			return scalarAt{from: r.at, to: i, end: i}, true
		case ':':
			if r.blankAt(i + 1) {
				return scalarAt{from: r.at, to: i, end: i, key: true}, true
			}
			if next := r.text[i+1]; next == ',' || next == ']' || next == '}' {
				return s, false
			}
		case ' ':
			next := i
			for next < len(r.text) && r.text[next] == ' ' {
				next++
			}
			if next == len(r.text) || r.text[next] == ':' || r.text[next] == '#' {
				return s, false
			}
			if c := r.text[next]; c == ',' || c == ']' || c == '}' || c == '\n' {
				return scalarAt{from: r.at, to: i, end: i}, true
			}
			i = next - 1
		case '[', '{', '?':
			return s, false
		default:
			if c < ' ' || c > '~' {
				return s, false
			}
		}
	}
	return s, false
}
