package spec

import (
	"bytes"
	"unicode/utf8"
)

// maxExcerpt is how much of a line is shown, in characters.
const maxExcerpt = 100

// linesOf splits a text as YAML counts lines: at LF, CR, CR LF, and the Unicode
// breaks NEL, LS and PS (YAML 1.1, 4.2).
func linesOf(data []byte) [][]byte {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var l [][]byte
	start := 0
	for i := 0; i < len(data); {
		n := breakAt(data[i:])
		if n == 0 {
			i++
			continue
		}
		l = append(l, data[start:i])
		i += n
		start = i
	}
	return append(l, data[start:])
}

// breakAt returns the bytes of the line break that b begins with, 0 for none.
func breakAt(b []byte) int {
	switch b[0] {
	case '\n':
		return 1
	case '\r':
		if len(b) > 1 && b[1] == '\n' {
			return 2
		}
		return 1
	case 0xc2, 0xe2:
		switch r, n := utf8.DecodeRune(b); r {
		case '\u0085', '\u2028', '\u2029':
			return n
		}
	}
	return 0
}

// withLines gives sorted problems the text around their places. Each line is walked
// once, however many problems it has: a file that a program wrote may be one line.
func withLines(problems []Problem, sources []Source) {
	texts := make(map[string][]byte, len(sources))
	for _, s := range sources {
		if len(s.Data) <= MaxFile {
			texts[s.Name] = s.Data
		}
	}
	var lines [][]byte
	var at Pos
	var w lineWalk
	for i := range problems {
		p := &problems[i]
		if i == 0 || p.Pos.File != at.File {
			lines = linesOf(texts[p.Pos.File])
		}
		if p.Pos.Column == 0 || p.Pos.Line > len(lines) {
			continue
		}
		if p.Pos.File != at.File || p.Pos.Line != at.Line {
			w = lineWalk{text: lines[p.Pos.Line-1]}
			w.short = utf8.RuneCount(w.text) <= maxExcerpt
		}
		at = p.Pos
		p.Line, p.caret = w.around(p.Pos.Column - 1)
	}
}

// lineWalk goes through a line, from one column to a later one.
type lineWalk struct {
	text   []byte
	short  bool // it can be shown as a whole
	at     int  // the byte that we are at
	column int  // the characters before it
}

// around returns the text around a column, and how many characters of it stand
// before that.
func (w *lineWalk) around(column int) (string, int) {
	for w.column < column && w.at < len(w.text) {
		_, n := utf8.DecodeRune(w.text[w.at:])
		w.at += n
		w.column++
	}
	if w.short {
		return string(w.text), w.column
	}
	from, before := w.at, 0
	for ; before < maxExcerpt/2 && from > 0; before++ {
		_, n := utf8.DecodeLastRune(w.text[:from])
		from -= n
	}
	to := from
	for i := 0; i < maxExcerpt && to < len(w.text); i++ {
		_, n := utf8.DecodeRune(w.text[to:])
		to += n
	}
	return string(w.text[from:to]), before
}
