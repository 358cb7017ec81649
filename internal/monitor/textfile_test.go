package monitor_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/netplan-overlay/netplan-overlay/internal/monitor"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// node_exporter finds a file that is whole, and none when nobody watches any more.
func TestTextfile(t *testing.T) {
	h, dir := &host{s: full()}, runDir(t)
	path := filepath.Join(dir, "netplan-overlay.prom")
	stop := serve(t, h, monitor.Config{Textfile: path, Every: time.Millisecond})
	until(t, "the file is there", func() bool { _, err := os.Stat(path); return err == nil })
	h.set(func(h *host) { h.s.Objects = 77 })
	until(t, "it is written again", func() bool {
		b, _ := os.ReadFile(path)
		return bytes.Contains(b, []byte("netplan_overlay_objects 77\n"))
	})
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for range 100 {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p := expfmt.NewTextParser(model.UTF8Validation)
		l, err := p.TextToMetricFamilies(bytes.NewReader(b))
		if err != nil || l["netplan_overlay_state_since_timestamp_seconds"] == nil || l["go_goroutines"] != nil || l["process_open_fds"] != nil {
			t.Fatalf("%v:\n%s", err, b)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// A directory that isn't there is told once, and not each time.
func TestTextfileError(t *testing.T) {
	var said lines
	m, err := monitor.New(monitor.Config{
		Status: func() *status.Status { return full() }, Textfile: filepath.Join(runDir(t), "none", "x.prom"), Every: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(&said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := m.Serve(ctx); err != nil {
		t.Error(err)
	}
	if n := strings.Count(said.String(), "could not be written"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, said.String())
	}
}

// lines can be written to by several goroutines.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("gave up waiting until %s", what)
}
