package watch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/watch"
)

// quick is a pace for tests: a series of changes is over after 30 ms.
var quick = watch.Pace{Quiet: 30 * time.Millisecond, Limit: 300 * time.Millisecond, Poll: time.Hour, Retry: 5 * time.Millisecond}

// follower collects what is delivered of some files.
type follower struct {
	t    *testing.T
	dir  string
	mu   sync.Mutex
	seen []string // the text of each revision, or its error
}

// follow follows paths below a new directory, which prepare fills.
func follow(t *testing.T, pace watch.Pace, prepare func(f *follower), paths ...string) *follower {
	t.Helper()
	f := &follower{t: t, dir: t.TempDir()}
	prepare(f)
	for i, p := range paths {
		paths[i] = filepath.Join(f.dir, p)
	}
	files, err := watch.NewFiles(paths, pace)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- files.Run(ctx, f.take) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *follower) take(r watch.Revision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Err != nil {
		f.seen = append(f.seen, "error: "+r.Err.Error())
		return
	}
	var l []string
	for _, s := range r.Sources {
		l = append(l, string(s.Data))
	}
	f.seen = append(f.seen, strings.Join(l, "|"))
}

func (f *follower) revisions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// comes waits until the last revision is the text, and returns how many there were.
func (f *follower) comes(text string) int {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		l := f.revisions()
		if len(l) > 0 && strings.Contains(l[len(l)-1], text) {
			return len(l)
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%q did not come: %q", text, l)
		}
	}
}

// path returns a path in the directory.
func (f *follower) path(name string) string { return filepath.Join(f.dir, name) }

// write writes in place.
func (f *follower) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// ok ends the test on an error.
func (f *follower) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *follower) mkdir(name string)    { f.t.Helper(); f.ok(os.MkdirAll(f.path(name), 0o755)) }
func (f *follower) link(to, name string) { f.t.Helper(); f.ok(os.Symlink(to, f.path(name))) }
func (f *follower) move(from, to string) { f.t.Helper(); f.ok(os.Rename(f.path(from), f.path(to))) }
func (f *follower) remove(name string)   { f.t.Helper(); f.ok(os.RemoveAll(f.path(name))) }
func (f *follower) flip(to, name string) {
	f.t.Helper()
	f.link(to, name+".new")
	f.move(name+".new", name)
}
func (f *follower) chmod(name string, m os.FileMode) { f.t.Helper(); f.ok(os.Chmod(f.path(name), m)) }

// Each way in which programs write files leads to just one revision, with what was
// written.
func TestWriters(t *testing.T) {
	for _, c := range []struct {
		name    string
		path    string // that is followed; "": topology.yaml
		prepare func(f *follower)
		write   func(f *follower)
	}{
		{name: "in place", write: func(f *follower) { f.write("topology.yaml", "new") }},
		{name: "atomic rename", write: func(f *follower) {
			f.write(".topology.yaml.tmp", "new")
			f.move(".topology.yaml.tmp", "topology.yaml")
		}},
		{name: "an editor with a backup", write: func(f *follower) { // vim with backupcopy=no, emacs
			f.move("topology.yaml", "topology.yaml~")
			f.write("topology.yaml", "new")
			f.chmod("topology.yaml", 0o600)
			f.remove("topology.yaml~")
		}},
		{name: "removed and made again, as git checkout does", write: func(f *follower) {
			f.remove("topology.yaml")
			f.write("topology.yaml", "new")
		}},
		{name: "a ConfigMap", path: "mount/topology.yaml", prepare: func(f *follower) {
			f.mkdir("mount/..v1")
			f.write("mount/..v1/topology.yaml", "old")
			f.link("..v1", "mount/..data")
			f.link("..data/topology.yaml", "mount/topology.yaml")
		}, write: func(f *follower) {
			f.mkdir("mount/..v2")
			f.write("mount/..v2/topology.yaml", "new")
			f.flip("..v2", "mount/..data")
			f.remove("mount/..v1")
		}},
		{name: "a ConfigMap, as a directory", path: "mount", prepare: func(f *follower) {
			f.mkdir("mount/..v1")
			f.write("mount/..v1/a.yaml", "old")
			f.link("..v1", "mount/..data")
			f.link("..data/a.yaml", "mount/a.yaml")
		}, write: func(f *follower) {
			f.mkdir("mount/..v2")
			f.write("mount/..v2/a.yaml", "new")
			f.flip("..v2", "mount/..data")
			f.remove("mount/..v1")
		}},
		{name: "git-sync", path: "root/current/sub/topology.yaml", prepare: func(f *follower) {
			f.mkdir("root/worktrees/1/sub")
			f.write("root/worktrees/1/sub/topology.yaml", "old")
			f.link("worktrees/1", "root/current")
		}, write: func(f *follower) {
			f.mkdir("root/worktrees/2/sub")
			f.write("root/worktrees/2/sub/topology.yaml", "new")
			f.flip("worktrees/2", "root/current")
			f.remove("root/worktrees/1")
		}},
		{name: "the directory replaced", path: "conf/topology.yaml", prepare: func(f *follower) {
			f.mkdir("conf")
			f.write("conf/topology.yaml", "old")
		}, write: func(f *follower) {
			f.mkdir("conf.new")
			f.write("conf.new/topology.yaml", "new")
			f.move("conf", "conf.old")
			f.move("conf.new", "conf")
		}},
		{name: "a directory above replaced", path: "a/b/c/topology.yaml", prepare: func(f *follower) {
			f.mkdir("a/b/c")
			f.write("a/b/c/topology.yaml", "old")
		}, write: func(f *follower) {
			f.mkdir("x/b/c")
			f.write("x/b/c/topology.yaml", "new")
			f.move("a", "y")
			f.move("x", "a")
		}},
		{name: "a file more in a directory", path: "conf", prepare: func(f *follower) {
			f.mkdir("conf")
			f.write("conf/a.yaml", "old")
		}, write: func(f *follower) { f.write("conf/b.yml", "new") }},
		{name: "an absolute link to elsewhere, whose target is written", path: "conf/topology.yaml", prepare: func(f *follower) {
			f.mkdir("conf")
			f.mkdir("elsewhere")
			f.write("elsewhere/t", "old")
			f.link(f.path("elsewhere/t"), "conf/topology.yaml")
		}, write: func(f *follower) { f.write("elsewhere/t", "new") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := c.path
			if path == "" {
				path = "topology.yaml"
			}
			prepare := c.prepare
			if prepare == nil {
				prepare = func(f *follower) { f.write("topology.yaml", "old") }
			}
			f := follow(t, quick, prepare, path)
			f.comes("old")
			c.write(f)
			f.comes("new")
			f.write("over.yaml", "") // it is not of the topology
			time.Sleep(3 * quick.Quiet)
			if n := f.comes("new"); n != 2 {
				t.Errorf("not one revision of one change: %q", f.revisions())
			}
		})
	}
}

// What leaves the text as it is, is no change.
func TestNoChange(t *testing.T) {
	f := follow(t, quick, func(f *follower) { f.write("topology.yaml", "same") }, "topology.yaml")
	f.comes("same")
	now := time.Now()
	f.ok(os.Chtimes(f.path("topology.yaml"), now, now))
	f.write("topology.yaml", "same")
	f.write("other.yaml", "another")
	f.write("x", "same")
	f.move("x", "topology.yaml")
	time.Sleep(5 * quick.Quiet)
	if l := f.revisions(); len(l) != 1 {
		t.Errorf("revisions: %q", l)
	}
}

// A file that somebody writes is not read before he has closed it, however long he
// takes.
func TestHalfWritten(t *testing.T) {
	f := follow(t, quick, func(f *follower) { f.write("topology.yaml", "old") }, "topology.yaml")
	f.comes("old")
	out, err := os.Create(f.path("topology.yaml"))
	f.ok(err)
	for i := range 20 {
		_, err := fmt.Fprintf(out, "line %d\n", i)
		f.ok(err)
		time.Sleep(quick.Quiet)
	}
	if l := f.revisions(); len(l) != 1 {
		t.Errorf("read before it was written: %q", l)
	}
	f.ok(out.Close())
	if n := f.comes("line 19\n"); n != 2 {
		t.Errorf("revisions: %q", f.revisions())
	}
}

// A file that somebody leaves open is an error that is told once, until he closes it.
func TestLeftOpen(t *testing.T) {
	pace := quick
	pace.Write = 100 * time.Millisecond
	f := follow(t, pace, func(f *follower) { f.write("topology.yaml", "old") }, "topology.yaml")
	f.comes("old")
	out, err := os.Create(f.path("topology.yaml"))
	f.ok(err)
	_, err = out.WriteString("new")
	f.ok(err)
	f.comes("somebody is writing it")
	time.Sleep(3 * pace.Write)
	f.ok(out.Close())
	if n := f.comes("new"); n != 3 {
		t.Errorf("revisions: %q", f.revisions())
	}
}

// A hundred changes a second, by rename and in place: every revision is one that was
// written, and the last one comes.
func TestManyChanges(t *testing.T) {
	f := follow(t, quick, func(f *follower) { f.write("topology.yaml", "start") }, "topology.yaml")
	f.comes("start")
	whole := func(i int) string { return strings.Repeat(fmt.Sprintf("%d\n", i), 10_000) + "end" }
	for i := range 150 {
		if i%2 == 0 {
			f.write("topology.yaml", whole(i))
		} else {
			f.write("t", whole(i))
			f.move("t", "topology.yaml")
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.comes(whole(149))
	l := f.revisions()
	for _, r := range l[1:] {
		var i int
		if _, err := fmt.Sscanf(r, "%d\n", &i); err != nil || r != whole(i) {
			t.Errorf("a revision that nobody wrote, of %d bytes", len(r))
		}
	}
	if len(l) < 3 || len(l) > 50 {
		t.Errorf("%d revisions of 150 changes: they are put together, but not for ever", len(l))
	}
}

// Files that are not there are an error that is told once; when they come, they are
// followed.
func TestMissing(t *testing.T) {
	f := follow(t, quick, func(*follower) {}, "later/conf/topology.yaml")
	f.comes("error: ")
	f.mkdir("later")
	f.mkdir("later/conf")
	time.Sleep(3 * quick.Quiet)
	if l := f.revisions(); len(l) != 1 {
		t.Errorf("told more than once: %q", l)
	}
	f.write("later/conf/topology.yaml", "here")
	f.comes("here")
	f.remove("later")
	f.comes("error: ")
	f.mkdir("later/conf")
	f.write("later/conf/topology.yaml", "again")
	f.comes("again")
}

// Where there are no events, files are read from time to time.
func TestPoll(t *testing.T) {
	pace := quick
	pace.Poll = 20 * time.Millisecond
	dir := t.TempDir()
	f := follow(t, pace, func(f *follower) {
		f.ok(os.WriteFile(filepath.Join(dir, "t"), []byte("old"), 0o644))
		f.ok(os.Link(filepath.Join(dir, "t"), f.path("topology.yaml")))
	}, "topology.yaml")
	f.comes("old")
	// By its other name, the file changes without an event in the directory.
	f.ok(os.WriteFile(filepath.Join(dir, "t"), []byte("new"), 0o644))
	f.comes("new")
}

func TestLoop(t *testing.T) {
	f := follow(t, quick, func(f *follower) { f.link("topology.yaml", "topology.yaml") }, "topology.yaml")
	f.comes("symbolic links")
}
