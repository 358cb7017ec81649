package logs

import (
	"fmt"
	"io"
	"log/slog"
)

// Format is how records are written.
type Format string

// The formats.
const (
	Auto Format = "auto" // text on a terminal, else JSON
	Text Format = "text"
	JSON Format = "json"
)

// ParseFormat reads a format.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Auto, Text, JSON:
		return f, nil
	}
	return "", fmt.Errorf("%q: it is auto, text or json", s)
}

// Options say how to log.
type Options struct {
	Format   Format // "": Auto
	Level    slog.Level
	Terminal bool // what is written to is a terminal
	Journal  bool // it is systemd's journal, which keeps time and priority itself: see IsJournal
}

// New returns a logger that writes to w.
func New(w io.Writer, o Options) *slog.Logger {
	if o.Format == JSON || o.Format != Text && !o.Terminal {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: inSeconds}))
	}
	return slog.New(newText(w, o))
}

// inSeconds names the unit of durations, which would be nanoseconds else.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
	}
	return a
}
