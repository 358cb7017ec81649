package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/monitor"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// seen lets a host be seen as it is said to be, until the test ends.
func (h *host) seen(s *atomic.Pointer[status.Status]) {
	h.w.t.Helper()
	netns, err := h.door.ID()
	if err != nil {
		h.w.t.Fatal(err)
	}
	m, err := monitor.New(monitor.Config{Status: s.Load, RunDir: h.runDir(), Netns: netns})
	if err != nil {
		h.w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Serve(ctx) }()
	h.w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			h.w.t.Error(err)
		}
		if err := m.Close(); err != nil {
			h.w.t.Error(err)
		}
	})
}

// status asks the process that watches just this host, and its exit code says whether
// somebody has to look.
func TestStatusCommand(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24", "192.168.32.246/24")
	h, other := w.hosts[0], w.hosts[1]
	if r := h.tool("status"); r.code != exitError || !strings.Contains(r.err, "nobody watches this host") || !strings.Contains(r.err, "netplan-overlay watch") {
		t.Fatalf("nobody watches: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	var now atomic.Pointer[status.Status]
	set := func(change func(s *status.Status)) {
		s := &status.Status{
			Version: "test", Now: time.Now(), Started: time.Now(), Topology: "classic", Node: "vm1", State: status.InSync, Since: time.Now(),
			Source: status.Source{OK: true}, Revision: &status.Revision{Digest: "3f2a"},
		}
		change(s)
		now.Store(s)
	}
	set(func(*status.Status) {})
	h.seen(&now)
	held := []status.Held{{Kind: "link", Object: "link br245", Why: status.HeldContested}}
	for _, tc := range []struct {
		name      string
		change    func(s *status.Status)
		code      int
		out, told string
	}{
		{"in sync", func(*status.Status) {}, exitOK, "vm1 matches classic since ", ""},
		{"peers down", func(s *status.Status) { s.Peers = []status.Peer{{Node: "vm2", State: status.Down}} }, exitOK, "1 down", ""},
		{"waiting", func(s *status.Status) { s.State = status.Waiting }, exitChanges, "vm1 has been waiting since ", "waiting\n"},
		{"held", func(s *status.Status) { s.State, s.Held = status.Drifted, held }, exitChanges, "Left alone: 1 object", "drifted; objects left alone: 1 (contested)\n"},
		{"pending", func(s *status.Status) { s.Pending = &status.Pending{Why: status.PendingFailed} }, exitChanges, "Not in force: ", "a revision is not in force (failed)\n"},
		{"no files", func(s *status.Status) { s.Source = status.Source{Error: "gone"} }, exitChanges, "gone", "the files cannot be used\n"},
		{"dry run", func(s *status.Status) { s.Drift = []status.Drift{{Kind: "link"}} }, exitChanges, "Differs: 1 object", "objects that differ: 1\n"},
	} {
		set(tc.change)
		r := h.tool("status")
		if r.code != tc.code || !strings.Contains(r.out, tc.out) || r.err != "" {
			t.Errorf("%s: exit code %d, want %d and %q\n%s%s", tc.name, r.code, tc.code, tc.out, r.out, r.err)
		}
		r = h.tool("status", "-o", "json")
		var s status.Status
		if err := json.Unmarshal([]byte(r.out), &s); err != nil || r.code != tc.code || r.err != tc.told || s.State != now.Load().State {
			t.Errorf("%s: exit code %d, %v, told %q, want %q\n%s", tc.name, r.code, err, r.err, tc.told, r.out)
		}
	}
	if r := other.tool("status", "--run-dir", h.runDir()); r.code != exitError || !strings.Contains(r.err, "nobody watches this host") {
		t.Errorf("another host: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if r := h.tool("status", "-o", "yaml"); r.code != exitError || !strings.Contains(r.err, "text or json") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

// What watch says of itself is what has happened.
func TestStatusOfWatch(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	metrics := w.dir + "/x.prom"
	watch := h.watch(file, "--metrics-textfile", metrics)
	watch.is("in sync", inSync)
	r := h.tool("status")
	if r.code != exitOK || !strings.HasPrefix(r.out, "vm1 matches ") {
		t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	before := h.counted()
	h.ip("link", "set", "br245", "mtu", "1300")
	w.until("the drift is counted", func() bool { return h.counted().Drift["link"] == before.Drift["link"]+1 })
	if r := h.tool("status"); !strings.Contains(r.out, "update link br245: mtu 1300 -> ") || !strings.Contains(r.out, "(drift, ") {
		t.Errorf("the last change is not told:\n%s%s", r.out, r.err)
	}
	if r := h.in("", "cat", metrics); !strings.Contains(r.out, "\nnetplan_overlay_state{state=\"in-sync\"} ") {
		t.Errorf("the text file has %q, %s", r.out, r.err)
	}
	again := h.tool("watch", "-f", file, "--state-dir", h.runDir()+"-other")
	if again.code != exitError || !strings.Contains(again.err, "another process watches this host already") {
		t.Errorf("a second one: exit code %d\n%s%s", again.code, again.out, again.err)
	}
	w.file("topology.yaml", "nonsense")
	w.until("the file is told to be invalid", func() bool { r = h.tool("status"); return r.code == exitChanges })
	if !strings.HasPrefix(r.out, "vm1 matches ") || !strings.Contains(r.out, "Not in force: ") {
		t.Errorf("%s%s", r.out, r.err)
	}
	watch.stop(syscall.SIGTERM)
	if r := h.tool("status"); r.code != exitError || !strings.Contains(r.err, "nobody watches this host") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

// counted returns what watch has counted on the host so far.
func (h *host) counted() status.Counters {
	h.w.t.Helper()
	r := h.tool("status", "-o", "json")
	var s status.Status
	if err := json.Unmarshal([]byte(r.out), &s); err != nil {
		h.w.t.Fatalf("%v\n%s%s", err, r.out, r.err)
	}
	return s.Counters
}

// ask asks the process that watches the host for a path, and returns the HTTP status and
// the text. The path of its socket may be too long for an address.
func (h *host) ask(path string) (int, string) {
	h.w.t.Helper()
	must := func(err error) {
		h.w.t.Helper()
		if err != nil {
			h.w.t.Fatal(err)
		}
	}
	netns, err := h.door.ID()
	must(err)
	dir, err := os.Open(h.runDir())
	must(err)
	defer dir.Close()
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), monitor.SocketName(netns)))
		},
	}}
	r, err := c.Get("http://watch" + path)
	must(err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(err)
	return r.StatusCode, string(b)
}
