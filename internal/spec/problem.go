package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is something wrong, or doubtful, at a place of a file.
type Problem struct {
	Pos     Pos
	Path    string // nodes.vm1.bridges.br0; "" for the file as a whole
	Message string
	Hint    string // what to do; "" if the message says it all
	Warning bool   // doubtful only: it never blocks
	Line    string // the text of the line, for the caret; "" for none
}

// String puts the problem as
//
//	topology.yaml:12:9: nodes.vm1: unknown key "adress"; did you mean "address"?
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
	b.WriteString(p.caret())
	return b.String()
}

// caret shows the line with a mark under the place; a long line is cut around it.
func (p Problem) caret() string {
	const most = 100
	if p.Line == "" || p.Pos.Column == 0 {
		return ""
	}
	text := []rune(strings.Map(printable, p.Line))
	column := min(p.Pos.Column-1, len(text))
	if start := column - most/2; start > 0 && len(text) > most {
		text, column = text[start:], column-start
	}
	text = text[:min(len(text), most)]
	number := fmt.Sprintf("%6d", p.Pos.Line)
	return fmt.Sprintf("\n%s | %s\n%s | %s^", number, string(text), strings.Repeat(" ", len(number)), strings.Repeat(" ", column))
}

// printable replaces what would move the caret or disturb a terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r == utf8.RuneError {
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
