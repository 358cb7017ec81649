package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Where the run-time files find no room, nothing is changed, or all is taken back: what
// cannot be noted is not done.
func TestFullRunDirectory(t *testing.T) {
	hostOnly(t)
	if sameThere(t) {
		return
	}
	w := newWorld(t, underlay)
	h := w.hosts[0]
	file := w.file("topology.yaml", plentiful("vxlan", 2, 3))
	before := h.settledTruth()
	if err := os.MkdirAll(h.runDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	tried := map[int]int{}
	for pages := 1; tried[exitOK] == 0; pages++ {
		if err := unix.Mount("tmpfs", h.runDir(), "tmpfs", 0, fmt.Sprintf("mode=0755,size=%d", pages*os.Getpagesize())); err != nil {
			t.Fatal(err)
		}
		r := h.tool("apply", "-f", file, "--auto-approve")
		d := h.becomes(before)
		if err := unix.Unmount(h.runDir(), unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
		tried[r.code]++
		if r.code != exitOK && (len(d) > 0 || !strings.Contains(r.err, "no space left")) || r.code == exitStuck {
			t.Fatalf("with %d pages: exit code %d\n%s\nnot as before:\n%s", pages, r.code, r.err, strings.Join(d, "\n"))
		}
		if pages > 100 {
			t.Fatal("there never is room enough")
		}
	}
	if tried[exitError] == 0 || tried[exitRolledBack] == 0 {
		t.Errorf("the exit codes are %v", tried)
	}
	proved(t, "there is no room under /run, or it runs out", tried[exitError]+tried[exitRolledBack],
		fmt.Sprintf("%d times exit code 1 and nothing was changed, %d times 3 and all is as before", tried[exitError], tried[exitRolledBack]))
}
