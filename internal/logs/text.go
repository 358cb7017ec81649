package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// text writes a record as a line for people:
//
//	14:03:11 WARN  left alone: link br245  why=contested detail="mtu was put right 5 times"
//
// and for the journal with its priority in front (sd-daemon(3)), and without the time.
type text struct {
	to      *target
	level   slog.Level
	journal bool
	groups  string // "a.b.", before the names of attributes
	attrs   string // those of With, as they are written
}

// target is what all loggers that were made of one write to.
type target struct {
	mu sync.Mutex
	w  io.Writer
}

func newText(w io.Writer, o Options) *text {
	return &text{to: &target{w: w}, level: o.Level, journal: o.Journal}
}

// Enabled implements slog.Handler.
func (h *text) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements slog.Handler.
func (h *text) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	if h.journal {
		fmt.Fprintf(&b, "<%d>", priority(r.Level))
	} else {
		if !r.Time.IsZero() {
			b.WriteString(r.Time.Format(time.TimeOnly) + " ")
		}
		fmt.Fprintf(&b, "%-5s ", r.Level)
	}
	b.WriteString(printable(r.Message))
	var attrs bytes.Buffer
	r.Attrs(func(a slog.Attr) bool {
		write(&attrs, h.groups, a)
		return true
	})
	if h.attrs != "" || attrs.Len() > 0 {
		b.WriteString(" " + h.attrs + attrs.String())
	}
	b.WriteByte('\n')
	h.to.mu.Lock()
	defer h.to.mu.Unlock()
	_, err := h.to.w.Write(b.Bytes())
	return err
}

// WithAttrs implements slog.Handler.
func (h *text) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b bytes.Buffer
	for _, a := range attrs {
		write(&b, h.groups, a)
	}
	c := *h
	c.attrs += b.String()
	return &c
}

// WithGroup implements slog.Handler.
func (h *text) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.groups += name + "."
	}
	return &c
}

// write adds an attribute: " why=contested". Those without a value are left out.
func write(b *bytes.Buffer, groups string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			groups += a.Key + "."
		}
		for _, inner := range v.Group() {
			write(b, groups, inner)
		}
		return
	}
	s := worded(v)
	if a.Equal(slog.Attr{}) || s == "" {
		return
	}
	fmt.Fprintf(b, " %s=%s", printable(groups+a.Key), quoted(s))
}

// worded writes a value, durations in no more digits than people read.
func worded(v slog.Value) string {
	switch v.Kind() {
	case slog.KindDuration:
		return rounded(v.Duration()).String()
	case slog.KindTime:
		return v.Time().Format(time.TimeOnly)
	}
	if l, ok := v.Any().([]string); ok {
		return strings.Join(l, ", ")
	}
	return v.String()
}

// rounded leaves three digits of a duration.
func rounded(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 || d/unit <= -1000 {
		unit *= 10
	}
	return d.Round(unit)
}

// quoted puts quotes where a reader could not tell where a value ends.
func quoted(s string) string {
	if strings.ContainsAny(s, " =\"\\") || printable(s) != s {
		return strconv.Quote(s)
	}
	return s
}

// printable escapes what could command a terminal: names come from the kernel, which
// takes nearly any byte.
func printable(s string) string {
	bad := func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// priority is that of syslog(3).
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}
