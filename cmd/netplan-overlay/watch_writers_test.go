package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// quietLong is longer than watch waits for the end of a series of changes.
const quietLong = 500 * time.Millisecond

// writers are the ways in which files are written, as shell scripts that run in a
// directory of their own. "text" prints what is to be written.
var writers = []struct{ name, path, prepare, write string }{
	{"a shell's redirection", "t.yaml", `text >t.yaml`, `text >t.yaml`},
	{"cp", "t.yaml", `text >t.yaml`, `text >new; cp new t.yaml`},
	{"mv", "t.yaml", `text >t.yaml`, `text >.new; mv .new t.yaml`},
	{"sed -i", "t.yaml", `text >t.yaml`, `sed -i "s|.*|$(text)|" t.yaml`},
	{"an editor with a backup", "t.yaml", `text >t.yaml`, `mv t.yaml t.yaml~; text >t.yaml; chmod 600 t.yaml; rm t.yaml~`},
	{"slowly, and a half that would be valid", "t.yaml", `text >t.yaml`, `{ echo "x-half: 1"; sleep 1; text; } >t.yaml`},
	{"git checkout", "work/t.yaml", `git init -q work; cd work; text >t.yaml; git add .; git commit -qm one`,
		`git clone -q work other; (cd other; text >t.yaml; git commit -qam two); cd work; git fetch -q ../other HEAD; git checkout -q FETCH_HEAD`},
	{"a ConfigMap", "mount/t.yaml", `mkdir -p mount/..1; text >mount/..1/t.yaml; ln -s ..1 mount/..data; ln -s ..data/t.yaml mount/t.yaml`,
		`mkdir mount/..2; text >mount/..2/t.yaml; ln -s ..2 mount/..data_tmp; mv -T mount/..data_tmp mount/..data; rm -r mount/..1`},
	{"a ConfigMap, as a directory", "mount", `mkdir -p mount/..1; text >mount/..1/t.yaml; ln -s ..1 mount/..data; ln -s ..data/t.yaml mount/t.yaml`,
		`mkdir mount/..2; text >mount/..2/t.yaml; ln -s ..2 mount/..data_tmp; mv -T mount/..data_tmp mount/..data; rm -r mount/..1`},
	{"git-sync", "root/current/sub/t.yaml", `mkdir -p root/trees/1/sub; text >root/trees/1/sub/t.yaml; ln -s trees/1 root/current`,
		`mkdir -p root/trees/2/sub; text >root/trees/2/sub/t.yaml; ln -s trees/2 root/new; mv -T root/new root/current; rm -r root/trees/1`},
	{"the directory replaced", "conf/t.yaml", `mkdir conf; text >conf/t.yaml`, `mkdir next; text >next/t.yaml; mv conf was; mv next conf; rm -r was`},
}

// far is a topology file with a peer more, whose subnet tells which one and in which
// revision.
func far(peer, revision int) string {
	return fmt.Sprintf("nodes: {far%d: {address: 192.168.32.%d, bridges: {br0: 10.%d.%d.1/24}}}\n", peer, 100+peer, 100+peer, revision)
}

func farSubnet(peer, revision int) string { return fmt.Sprintf("10.%d.%d.0/24", 100+peer, revision) }

// desk is a directory in which a file is written.
type desk struct {
	*world
	dir, file string
}

func (w *world) desk(name, path string) desk {
	w.t.Helper()
	d := desk{w, filepath.Join(w.dir, name), filepath.Join(w.dir, name, path)}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	return d
}

// run runs a script of a writer.
func (d desk) run(script, text string) {
	d.t.Helper()
	cmd := exec.Command("sh", "-euc", "text() { printf '%s\\n' \"$TEXT\"; }; "+script)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "TEXT="+strings.TrimSuffix(text, "\n"), "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.org", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.org")
	if b, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v\n%s", script, err, b)
	}
}

// Each way in which programs write files leads to just one look at the host, which puts
// the new revision in force; what leaves the text as it is, to none; and what somebody is
// still writing is not taken, be it ever so valid. One process follows all of them.
func TestWatchWriters(t *testing.T) {
	hostOnly(t)
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("this machine has no git")
	}
	w := twoHosts(t)
	h := w.hosts[0]
	var desks []desk
	var args []string
	for i, c := range writers {
		d := w.desk(fmt.Sprint("writer", i), c.path)
		d.run(c.prepare, far(i, 1))
		desks, args = append(desks, d), append(args, "-f", d.file)
	}
	watch := h.watch(w.file("topology.yaml", two("vxlan")), args...)
	watch.is("in sync", inSync)
	routed := func(i, revision int) func() bool {
		return func() bool { return strings.Contains(h.ip("route"), farSubnet(i, revision)) }
	}
	for i, c := range writers {
		before := watch.status().Counters
		desks[i].run(c.write, far(i, 2))
		w.until(c.name+": the new revision is in force", routed(i, 2))
		time.Sleep(quietLong)
		watch.looked(c.name, before, 1)
	}

	first := desks[0]
	before := watch.status().Counters
	for _, script := range []string{"touch t.yaml", "text >t.yaml", "text >new; mv new t.yaml", "chmod 600 t.yaml", "echo nonsense: >other.yaml", "cp t.yaml t.yaml~; rm t.yaml~"} {
		first.run(script, far(0, 2))
	}
	time.Sleep(2 * quietLong)
	watch.looked("the same text", before, 0)

	// A hundred changes a second, for a second and a half: one look when it is over.
	long := strings.Repeat("# so long that it takes more than one write\n", 20_000)
	for n := range 150 {
		path := first.file
		if n%2 == 1 {
			path += ".new"
		}
		w.write(path, far(0, 3+n)+long+"x-end: 1\n")
		if n%2 == 1 {
			w.rename(path, first.file)
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.until("the last of many revisions is in force", routed(0, 152))
	time.Sleep(quietLong)
	after := watch.status().Counters
	if n := after.Passes[status.PassFile] - before.Passes[status.PassFile]; n > 4 || after.Revisions[status.FateInvalid] > 0 {
		t.Errorf("150 changes led to %d looks; %d revisions were invalid", n, after.Revisions[status.FateInvalid])
	}
}

// looked ends the test unless there were so many looks because of the files since then, each
// of which has put a revision in force.
func (w *watcher) looked(what string, before status.Counters, want uint64) {
	w.h.w.t.Helper()
	after := w.status().Counters
	looks := after.Passes[status.PassFile] - before.Passes[status.PassFile]
	applied := after.Revisions[status.FateApplied] - before.Revisions[status.FateApplied]
	if looks != want || applied != want || after.Revisions[status.FateInvalid] > 0 {
		w.h.w.t.Errorf("%s: %d looks, %d revisions in force, want %d; %d invalid ones", what, looks, applied, want, after.Revisions[status.FateInvalid])
	}
}

func (w *world) write(path, text string) {
	w.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rename(from, to string) {
	w.t.Helper()
	if err := os.Rename(from, to); err != nil {
		w.t.Fatal(err)
	}
}
