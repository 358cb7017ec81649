package render

import (
	"cmp"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// pagesURL is where the pages of codes are published.
const pagesURL = "https://github.com/netplan-overlay/netplan-overlay/blob/main/docs/errors.md"

// problemPath returns a file's path as annotations want it: relative to the working
// directory where it is below that, with slashes.
func problemPath(file, dir string) string {
	if filepath.IsAbs(file) && dir != "" {
		if r, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(r) {
			file = r
		}
	}
	return filepath.ToSlash(filepath.Clean(file))
}

// problemText is what a problem says, with its path in the topology and its hint, on
// one line that disturbs no terminal.
func problemText(p spec.Problem) string {
	s := p.Message
	if p.Path != "" {
		s = p.Path + ": " + s
	}
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return plain(s)
}

// plain replaces what cannot be printed, and what is no UTF-8.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// worstFirst puts errors before warnings, and leaves their order.
func worstFirst(problems []spec.Problem) []spec.Problem {
	l := slices.Clone(problems)
	slices.SortStableFunc(l, func(a, b spec.Problem) int { return cmp.Compare(rank(a), rank(b)) })
	return l
}

func rank(p spec.Problem) int {
	if p.Warning {
		return 1
	}
	return 0
}

func level(p spec.Problem) string {
	if p.Warning {
		return "warning"
	}
	return "error"
}

// problemDocument is a problem in JSON.
type problemDocument struct {
	Code    string `json:"code"`
	Level   string `json:"level"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// ProblemsJSON writes problems as JSON.
func ProblemsJSON(w io.Writer, problems []spec.Problem, dir string) error {
	d := struct {
		FormatVersion string            `json:"format_version"`
		Valid         bool              `json:"valid"`
		Problems      []problemDocument `json:"problems"`
	}{FormatVersion, true, []problemDocument{}}
	for _, p := range problems {
		d.Valid = d.Valid && p.Warning
		d.Problems = append(d.Problems, problemDocument{p.Code, level(p), plain(problemPath(p.Pos.File, dir)), p.Pos.Line, p.Pos.Column, plain(p.Path), plain(p.Message), plain(p.Hint)})
	}
	return writeJSON(w, d)
}
