package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is something wrong, or doubtful, at a place of a file.
type Problem struct {
	Code    Code
	Pos     Pos
	Path    string // nodes.vm1.bridges.br0; "" for the file as a whole
	Message string
	Hint    string // what to do; "" if the message says it all
	Warning bool   // doubtful only: it never blocks
	Line    string // the text of the line, around the place if it is long; "" for none

	caret int // the characters of Line before the place
}

// String puts the problem as
//
//	topology.yaml:12:9: nodes.vm1: unknown key "adress"; did you mean "address"? [NPO103]
//	   12 |   adress: 10.0.0.1
//	      |   ^
func (p Problem) String() string {
	var b strings.Builder
	if at := p.Pos.Full(); at != "" {
		b.WriteString(at + ": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	if p.Code != "" {
		b.WriteString(" [" + p.Code + "]")
	}
	return strings.Map(printable, b.String()) + p.excerpt()
}

// excerpt shows the line with a mark under the place.
func (p Problem) excerpt() string {
	if p.Line == "" {
		return ""
	}
	number := fmt.Sprintf("%6d", p.Pos.Line)
	return fmt.Sprintf("\n%s | %s\n%s | %s^", number, strings.Map(printable, p.Line), strings.Repeat(" ", len(number)), strings.Repeat(" ", p.caret))
}

// printable replaces what would move the caret or disturb a terminal: names may hold
// whatever a quoted text can.
func printable(r rune) rune {
	if r == utf8.RuneError || !unicode.IsPrint(r) {
		return ' '
	}
	return r
}

// InvalidError says that a topology has errors, which were returned as problems.
type InvalidError struct{ Errors int }

// Error counts the errors.
func (e *InvalidError) Error() string {
	if e.Errors == 1 {
		return "the topology has an error"
	}
	return fmt.Sprintf("the topology has %d errors", e.Errors)
}

// sorted orders problems by file as given, line and column, and leaves out what is
// told twice.
func sorted(problems []Problem, sources []Source) []Problem {
	rank := make(map[string]int, len(sources))
	for i, s := range sources {
		rank[s.Name] = i
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if d := rank[a.Pos.File] - rank[b.Pos.File]; d != 0 {
			return d
		}
		if d := a.Pos.before(b.Pos); d != 0 {
			return d
		}
		return strings.Compare(a.Message, b.Message)
	})
	return slices.Compact(problems)
}
