package render

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// page collects a text, to be written at once.
type page struct {
	buf   bytes.Buffer
	color bool
}

// painted is text that is fit to be printed: clean, and perhaps in colour.
type painted string

// printf adds text. Arguments of type string are cleaned; painted ones are taken
// as they are.
func (p *page) printf(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = clean(s)
		}
	}
	fmt.Fprintf(&p.buf, format, args...)
}

// writeTo writes what was collected.
func (p *page) writeTo(w io.Writer) error {
	if _, err := w.Write(p.buf.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// clean makes a string safe to print. Names and aliases come from the kernel,
// which takes nearly any byte from anyone who may set them: escape sequences must
// not reach a terminal.
func clean(s string) string {
	bad := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// width returns the number of columns that s takes when it is printed.
func width(s string) int { return utf8.RuneCountInString(clean(s)) }

// style is an ANSI SGR parameter list.
type style string

// The styles.
const (
	bold    style = "1"
	faint   style = "2"
	red     style = "31"
	green   style = "32"
	yellow  style = "33"
	magenta style = "35"
	cyan    style = "36"
)

// paint returns the cleaned text in the style, if the page has colours.
func (p *page) paint(s style, text string) painted {
	text = clean(text)
	if !p.color || s == "" || text == "" {
		return painted(text)
	}
	return painted("\x1b[" + string(s) + "m" + text + "\x1b[0m")
}

// symbol returns the action's symbol in its colour.
func (p *page) symbol(a diff.Action) painted {
	return p.paint(actionStyle(a), string(rune(a)))
}

func actionStyle(a diff.Action) style {
	switch a {
	case diff.Create:
		return green
	case diff.Update:
		return yellow
	case diff.Replace:
		return magenta
	case diff.Delete:
		return red
	}
	return cyan
}
