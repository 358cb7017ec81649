package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// status asks the watcher how the host is.
func (w *watcher) status() *status.Status {
	w.h.w.t.Helper()
	r := w.h.tool("status", "-o", "json")
	var s status.Status
	if err := json.Unmarshal([]byte(r.out), &s); err != nil {
		w.h.w.t.Fatalf("%s: status: %v\n%s%s", w.h.name, err, r.out, r.err)
	}
	return &s
}

// is waits until the status is as asked for.
func (w *watcher) is(what string, ok func(*status.Status) bool) *status.Status {
	w.h.w.t.Helper()
	var s *status.Status
	w.h.w.until("the status says: "+what, func() bool {
		if r := w.h.tool("status", "-o", "json"); r.code == exitError {
			return false
		}
		s = w.status()
		return ok(s)
	})
	return s
}

func inSync(s *status.Status) bool { return s.State == status.InSync && s.Pending == nil }

// count returns how often it has said something.
func (w *watcher) count(text string) int { return strings.Count(w.out.String(), text) }

// with returns the topology of two hosts with a bridge more on the first.
func with(more string) string {
	return strings.Replace(two("vxlan"), "{br245: 172.245.0.1/24}", "{br245: 172.245.0.1/24, "+more+"}", 1)
}

// The file is taken when it changes, and just then; what can't be used changes nothing.
func TestWatchFile(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	inForce := func(n int) {
		t.Helper()
		w.until("a revision is in force", func() bool { return watch.count(`"msg":"in force: `) >= n })
		if got := watch.count(`"msg":"in force: `); got != n {
			t.Fatalf("%d revisions were put in force, want %d", got, n)
		}
	}
	inForce(1)

	w.file("topology.yaml", with("brx: 10.99.0.1/24")) // in place
	inForce(2)
	watch.right(file)
	h.ip("link", "show", "brx")

	w.file("topology.yaml", with("brx: 10.99.0.1/24")) // the same again
	before := h.everything()
	for _, bad := range []string{"", "nodes: [", two("vxlan") + "\nnope: 1\n", "apiVersion: netplan-overlay/v1\nname: classic\nbackend: vxlan\nnodes: {}\n"} {
		w.file("topology.yaml", bad)
		s := watch.is("the file cannot be used", func(s *status.Status) bool { return !s.Source.OK })
		if s.State != status.InSync || s.Revision == nil {
			t.Errorf("after a file %q: state %s, revision %v", bad, s.State, s.Revision)
		}
		if r := h.tool("status"); r.code != exitChanges {
			t.Errorf("status with a bad file: exit code %d\n%s", r.code, r.out)
		}
		w.file("topology.yaml", with("brx: 10.99.0.1/24"))
		watch.is("in sync again", inSync)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	watch.is("the file is gone", func(s *status.Status) bool { return !s.Source.OK })
	if after := h.everything(); !slices.Equal(after, before) {
		t.Errorf("bad files have changed the host:\n%s\nbefore:\n%s", after, before)
	}
	h.ip("link", "set", "brx", "mtu", "1300") // the old one stays in force
	w.until("the bridge is as it was", func() bool { return strings.Contains(h.ip("link", "show", "brx"), "mtu 1450") })
	inForce(2)

	next := w.file("next", two("vxlan"))
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
	inForce(3)
	watch.right(file)
	if strings.Contains(h.ip("link", "show"), "brx") {
		t.Error("the bridge is still there that the file no longer has")
	}
}

// Where the path leads through a link to a work tree that is named by its commit, as
// git-sync publishes it, the commit is told.
func TestWatchCommit(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	one, other := strings.Repeat("0123456789", 4), strings.Repeat("abcdef0123", 4)
	for _, c := range []string{one, other} {
		if err := os.MkdirAll(filepath.Join(w.dir, c), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.file(one+"/topology.yaml", two("vxlan"))
	w.file(other+"/topology.yaml", with("brx: 10.99.0.1/24"))
	link := filepath.Join(w.dir, "current")
	if err := os.Symlink(one, link); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(link, "topology.yaml")
	watch := h.watch(file)
	watch.is("in sync at the first commit", func(s *status.Status) bool { return inSync(s) && s.Revision.Commit == one })
	fresh := link + ".new"
	if err := os.Symlink(other, fresh); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, link); err != nil {
		t.Fatal(err)
	}
	watch.is("in sync at the second commit", func(s *status.Status) bool { return inSync(s) && s.Revision.Commit == other })
	watch.right(file)
}

// What a killed process has left of a file that it was writing is gone at the latest when
// the next topology is kept.
func TestWatchSweeps(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	left, old := h.runDir()+"-state/.new-LEFT", time.Now().Add(-time.Hour)
	if err := errors.Join(os.WriteFile(left, nil, 0o600), os.Chtimes(left, old, old)); err != nil {
		t.Fatal(err)
	}
	w.file("topology.yaml", strings.Replace(two("vxlan"), "nodes:", "mtu: 1480\nnodes:", 1))
	w.until("it is gone", func() bool {
		_, err := os.Stat(left)
		return errors.Is(err, fs.ErrNotExist)
	})
	watch.right(file)
}

// A start without the file uses the last good topology.
func TestWatchLastGood(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	first := h.watch(file)
	first.is("in sync", inSync)
	first.stop(syscall.SIGTERM)
	away := w.dir + "/away.yaml"
	if err := os.Rename(file, away); err != nil {
		t.Fatal(err)
	}
	h.ip("link", "delete", "br245")
	second := h.watch(file)
	s := second.is("the last good topology is in force", func(s *status.Status) bool { return s.State == status.InSync })
	if !s.Revision.Restore || s.Source.OK {
		t.Errorf("revision %+v, source %+v", s.Revision, s.Source)
	}
	second.right(away)
	if err := os.Rename(away, file); err != nil {
		t.Fatal(err)
	}
	second.is("the file is in force", func(s *status.Status) bool { return inSync(s) && s.Source.OK && !s.Revision.Restore })
	second.stop(syscall.SIGTERM)

	// What is not what was kept is not used.
	state, err := filepath.Glob(h.runDir() + "-state/last-good-*")
	if err != nil || len(state) != 1 {
		t.Fatalf("%v %v", state, err)
	}
	if err := os.WriteFile(state[0], []byte("0123 \n[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	third := h.watch(file)
	third.says("cannot be used")
	third.is("it waits for a topology", func(s *status.Status) bool { return s.State == status.Waiting })
}

// A revision that fails is taken back, and not tried again until it changes; what was in
// force stays so. So does one that a guard stands against, until somebody applies it.
func TestWatchRefusedRevisions(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file, "--approve-impact", "brief", "--max-destroy", "3")
	watch.is("in sync", inSync)
	repaired := func() { // what is in force stays so
		t.Helper()
		h.ip("route", "delete", "172.246.0.0/24")
		w.until("the route is there again", func() bool { return strings.Contains(h.ip("route"), "172.246.0.0/24") })
	}
	pending := func(why status.PendingWhy, text string) {
		t.Helper()
		s := watch.is("pending: "+string(why), func(s *status.Status) bool { return s.Pending != nil && s.Pending.Why == why })
		if !strings.Contains(s.Pending.Detail, text) {
			t.Errorf("pending %s: %s, and not %q", why, s.Pending.Detail, text)
		}
		repaired()
	}

	h.ip("link", "add", "brx", "type", "bridge") // somebody else's
	w.file("topology.yaml", with("brx: 10.99.0.1/24"))
	pending(status.PendingRefused, "conflict")
	w.file("topology.yaml", two("{type: vxlan, port: 4789}"))
	pending(status.PendingImpact, "disruptive")
	w.file("topology.yaml", strings.Replace(strings.Replace(two("vxlan"), "vm1", "vm9", 1), ".245\n", ".99\n", 1))
	pending(status.PendingWaiting, "vm1")

	// A sysctl that no kernel has fails when it is written; what came before is taken back.
	impossible := strings.Replace(with("bry: 10.98.0.1/24"), "{ns245: 172.245.0.2/24}",
		"{ns245: {interfaces: {eth0: {addresses: [172.245.0.2/24]}}, sysctls: {net.ipv4.no_such_thing: 1}}}", 1)
	w.file("topology.yaml", impossible)
	pending(status.PendingFailed, "no_such_thing")
	if strings.Contains(h.ip("link"), "bry") {
		t.Error("a revision that failed has left a bridge")
	}
	failures := func() uint64 { return watch.status().Counters.Revisions[status.FateFailed] }
	w.file("topology.yaml", impossible)
	if n := failures(); n != 1 {
		t.Errorf("a revision that failed was tried %d times", n)
	}
	_ = watch.cmd.Process.Signal(syscall.SIGHUP)
	w.until("it is tried again on reload", func() bool { return failures() == 2 })

	// Whoever applies by hand what is held puts it in force.
	w.file("topology.yaml", two("{type: vxlan, port: 4789}"))
	pending(status.PendingImpact, "disruptive")
	h.apply(file)
	watch.is("in sync by hand", inSync)
	if !strings.Contains(h.ip("-d", "link", "show", "vxlan1"), "dstport 4789") {
		t.Error("watch has taken back what was applied by hand")
	}
	if n := watch.count("dstport"); n > 0 {
		t.Errorf("watch itself has changed the port:\n%s", watch.out.String())
	}
	watch.right(file)
}

// Where somebody has applied another revision since, a start falls back to nothing: what
// he has made stays.
func TestWatchFallsBackToNothing(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	first := h.watch(file)
	first.is("in sync", inSync)
	first.stop(syscall.SIGTERM)
	h.apply(w.file("other.yaml", with("brx: 10.99.0.1/24")))
	for _, text := range []string{"nodes: [", strings.ReplaceAll(two("vxlan"), "br245: 172.245.0.1/24", "")} {
		w.file("topology.yaml", text)
		watch := h.watch(file)
		watch.is("not in force", func(s *status.Status) bool {
			return s.Pending != nil && s.Revision == nil && s.State != status.Starting
		})
		watch.stop(syscall.SIGTERM)
		h.ip("link", "show", "brx")
	}
}

// Whoever changes the file and applies it at once is not taken back meanwhile; and whoever
// applies what was refused at first puts it in force.
func TestWatchAppliedByHand(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	h.ip("link", "add", "br245", "type", "bridge") // somebody else's, but much like ours
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.is("refused", func(s *status.Status) bool { return s.Pending != nil && s.Pending.Why == status.PendingRefused })
	h.apply(file, "--adopt")
	watch.is("in force by hand", inSync)

	for i := range 5 {
		w.file("topology.yaml", with(fmt.Sprintf("brx: 10.99.%d.1/24", i)))
		h.apply(file)
		index := h.linkIndex("brx")
		watch.is("in sync", func(s *status.Status) bool { return inSync(s) && s.Revision.Digest == h.digest(file) })
		if now := h.linkIndex("brx"); now != index {
			t.Fatalf("watch has made the bridge again: it was %s, and is %s", index, now)
		}
	}
	if strings.Contains(watch.out.String(), `"action":"delete"`) {
		t.Errorf("watch has taken back what was applied by hand")
	}
}

// digest is that of a file, as the plan tells it.
func (h *host) digest(file string) string {
	top, _, err := spec.Load([]string{file}, nil)
	if err != nil {
		h.w.t.Fatal(err)
	}
	return top.Digest
}
