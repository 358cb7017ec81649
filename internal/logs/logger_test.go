package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/slogtest"
	"time"
	"unicode"

	"github.com/netplan-overlay/netplan-overlay/internal/logs"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// people is a logger for a terminal.
func people(b *bytes.Buffer) *slog.Logger { return logs.New(b, logs.Options{Terminal: true}) }

// Who reads decides on the form, unless it is said.
func TestFormat(t *testing.T) {
	const text, js, journal = `^\d\d:\d\d:\d\d INFO  hello  ?a=1\n$`, `^\{"time":"[^"]+","level":"INFO","msg":"hello","a":1\}\n$`, `^<6>hello  ?a=1\n$`
	for _, tc := range []struct {
		name string
		o    logs.Options
		want string
	}{
		{"a terminal", logs.Options{Terminal: true}, text},
		{"a file", logs.Options{}, js},
		{"the journal", logs.Options{Journal: true}, js},
		{"text in a file", logs.Options{Format: logs.Text}, text},
		{"text in the journal", logs.Options{Format: logs.Text, Journal: true}, journal},
		{"JSON on a terminal", logs.Options{Format: logs.JSON, Terminal: true}, js},
		{"auto", logs.Options{Format: logs.Auto, Terminal: true}, text},
	} {
		var b bytes.Buffer
		logs.New(&b, tc.o).Info("hello", "a", 1)
		if !regexp.MustCompile(tc.want).MatchString(b.String()) {
			t.Errorf("%s: %q, want %s", tc.name, b.String(), tc.want)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, format := range []logs.Format{logs.Text, logs.JSON} {
		var b bytes.Buffer
		l := logs.New(&b, logs.Options{Format: format, Level: slog.LevelWarn, Journal: true})
		l.Debug("no")
		l.Info("no")
		l.Warn("yes")
		l.Error("yes")
		if strings.Contains(b.String(), "no") || strings.Count(b.String(), "yes") != 2 {
			t.Errorf("%s: %s", format, b.String())
		}
	}
	var b bytes.Buffer
	l := logs.New(&b, logs.Options{Format: logs.Text, Level: slog.LevelDebug, Journal: true})
	l.Debug("d")
	l.Info("i")
	l.Warn("w")
	l.Error("e")
	if b.String() != "<7>d\n<6>i\n<4>w\n<3>e\n" {
		t.Errorf("the priorities are %q", b.String())
	}
}

func TestParseFormat(t *testing.T) {
	for _, s := range []string{"auto", "text", "json"} {
		if f, err := logs.ParseFormat(s); err != nil || string(f) != s {
			t.Errorf("%s: %v, %v", s, f, err)
		}
	}
	if _, err := logs.ParseFormat("xml"); err == nil || !strings.Contains(err.Error(), "auto, text or json") {
		t.Error(err)
	}
}

// The JSON is what slog asks of every handler. The text is it, too, as far as it can be:
// it is read back here.
func TestHandlers(t *testing.T) {
	for _, format := range []logs.Format{logs.JSON, logs.Text} {
		var b bytes.Buffer
		slogtest.Run(t, func(*testing.T) slog.Handler {
			b.Reset()
			return logs.New(&b, logs.Options{Format: format}).Handler()
		}, func(t *testing.T) map[string]any {
			m := map[string]any{}
			if format == logs.Text {
				return readBack(b.String())
			}
			if err := json.Unmarshal(b.Bytes(), &m); err != nil {
				t.Fatal(err)
			}
			return m
		})
	}
}

// readBack reads a line of text of which no value has spaces.
func readBack(line string) map[string]any {
	m := map[string]any{}
	for _, word := range strings.Fields(line) {
		name, value, has := strings.Cut(word, "=")
		switch {
		case strings.Count(word, ":") == 2:
			m["time"] = word
			continue
		case word == "INFO":
			m["level"] = word
			continue
		case !has:
			m["msg"] = word
			continue
		}
		in := m
		groups := strings.Split(name, ".")
		for _, g := range groups[:len(groups)-1] {
			if in[g] == nil {
				in[g] = map[string]any{}
			}
			in = in[g].(map[string]any)
		}
		in[groups[len(groups)-1]] = value
	}
	return m
}

// A line is a line, and says no more than people read.
func TestText(t *testing.T) {
	for _, tc := range []struct {
		log  func(l *slog.Logger)
		want string
	}{
		{func(l *slog.Logger) {
			logs.Change(l, &status.Change{Action: "update", Kind: "link", Object: "link br245", Attrs: []string{"mtu 1400 -> 1450", "up false -> true"}, Reason: "drift", Impact: "none", Duration: 3211987})
		}, `INFO  update link br245  action=update kind=link object="link br245" reason=drift impact=none duration=3.21ms attributes="mtu 1400 -> 1450, up false -> true"`},
		{func(l *slog.Logger) {
			logs.Drift(l, &status.Drift{Kind: "route", Object: "route default", Action: "create"}, "drift")
		}, `WARN  differs: route default  action=create kind=route object="route default" reason=drift`},
		{func(l *slog.Logger) {
			logs.InForce(l, &status.Revision{Digest: "3f2a", Commit: "0123"}, "classic", "vm1")
		}, `INFO  in force: classic  topology=classic node=vm1 revision=3f2a commit=0123 restored=false`},
		{func(l *slog.Logger) {
			logs.Pending(l, &status.Pending{Revision: status.Revision{Digest: "77"}, Why: status.PendingInvalid, Detail: "a.yaml:1:2: no\na.yaml:3:4: no"})
		}, `ERROR not in force  revision=77 why=invalid detail="a.yaml:1:2: no\na.yaml:3:4: no"`},
		{func(l *slog.Logger) {
			logs.Pending(l, &status.Pending{Why: status.PendingWaiting, Detail: "x"})
		}, `WARN  not in force  why=waiting detail=x`},
		{func(l *slog.Logger) {
			logs.Held(l, &status.Held{Kind: "link", Object: "link x", Why: status.HeldContested, Detail: "by y"})
		}, `WARN  left alone: link x  kind=link object="link x" why=contested detail="by y"`},
		{func(l *slog.Logger) {
			logs.Held(l, &status.Held{Kind: "link", Object: "link x", Why: status.HeldFailing, Detail: "no", Next: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
		}, `WARN  left alone: link x  kind=link object="link x" why=failing detail=no next=03:04:05`},
		{func(l *slog.Logger) {
			logs.Released(l, &status.Held{Kind: "link", Object: "link x", Why: status.HeldFailing})
		}, `INFO  not left alone any more: link x  kind=link object="link x" was=failing`},
		{func(l *slog.Logger) { logs.State(l, status.InSync, "") }, `INFO  in-sync  state=in-sync`},
		{func(l *slog.Logger) { logs.State(l, status.Waiting, "for it") }, `WARN  waiting  state=waiting reason="for it"`},
		{func(l *slog.Logger) { logs.State(l, status.Failing, "no") }, `ERROR failing  state=failing reason=no`},
		{func(l *slog.Logger) {
			logs.PassFailed(l, status.PassTimer, errors.New("a b"), 1234567*time.Microsecond)
		}, `ERROR could not look at the host, or put it right  trigger=timer error="a b" duration=1.23s`},
		{func(l *slog.Logger) { l.With("a", 1).WithGroup("g").Info("x", slog.Group("h", "b", 2), "c", "") }, `INFO  x  a=1 g.h.b=2`},
	} {
		var b bytes.Buffer
		tc.log(people(&b))
		if _, got, _ := strings.Cut(strings.TrimSuffix(b.String(), "\n"), " "); got != tc.want {
			t.Errorf("%s\nwant\n%s", got, tc.want)
		}
	}
}

// Programs find the same under names, and durations in seconds.
func TestChangeJSON(t *testing.T) {
	var b bytes.Buffer
	logs.Change(logs.New(&b, logs.Options{}), &status.Change{Action: "create", Kind: "route", Object: "route default", Reason: "drift", Impact: "none", Duration: 2500 * time.Microsecond})
	var m map[string]any
	if err := json.Unmarshal(b.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if _, has := m["attributes"]; has {
		t.Error("there are attributes where nothing is known of them")
	}
	for k, want := range map[string]any{"msg": "create route default", "object": "route default", "kind": "route", "reason": "drift", "impact": "none", "duration_seconds": .0025} {
		if m[k] != want {
			t.Errorf("%s is %v, want %v", k, m[k], want)
		}
	}
}

// Names that come from the kernel command no terminal, and begin no line.
func TestHostileNames(t *testing.T) {
	const evil = "\x1b[2J\n<0>gotcha\r\xff\u202e\""
	var b bytes.Buffer
	l := people(&b).With(evil, evil).WithGroup(evil)
	l.Info(evil, evil, evil, "error", errors.New(evil), "list", []string{evil})
	logs.Held(l, &status.Held{Kind: evil, Object: evil, Why: status.HeldWhy(evil), Detail: evil})
	if n := strings.Count(b.String(), "\n"); n != 2 {
		t.Errorf("there are %d lines", n)
	}
	for _, r := range b.String() {
		if r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			t.Fatalf("%q has %q", b.String(), r)
		}
	}
}

func TestIsJournal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[string]bool{
		fmt.Sprintf("%d:%d", st.Dev, st.Ino): true, fmt.Sprintf("%d:%d", st.Dev, st.Ino+1): false, "": false, "x": false, fmt.Sprint(st.Dev): false,
	} {
		if logs.IsJournal(f, stream) != want {
			t.Errorf("%q: %v", stream, !want)
		}
	}
}
