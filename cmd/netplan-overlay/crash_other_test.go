package main

import (
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// another is a topology of the same name that shares little with two("vxlan"): other
// names, addresses and peers, another backend.
func another() string {
	return strings.NewReplacer("br245", "brnew", "ns245", "nsnew", "172.245.0.2", "172.245.0.9", "vm2:", "vm7:", "172.246", "172.247").Replace(two("host-gw"))
}

// die runs apply so that it dies at a point; false says that it lived.
func (h *host) die(point int, file string) bool {
	h.w.t.Helper()
	os.Setenv(dieVar, strconv.Itoa(point))
	defer os.Unsetenv(dieVar)
	r := h.tool("apply", "-f", file, "--auto-approve")
	if r.code != exitOK && r.code != -1 {
		h.w.t.Fatalf("point %d: exit code %d\n%s%s", point, r.code, r.out, r.err)
	}
	return r.code == -1
}

// Killed at any point, the next apply converges also if the file has changed on the
// way, and leaves nothing of the old one.
func TestKilledAndAnotherFile(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	file, other := w.file("topology.yaml", two("vxlan")), w.file("other.yaml", another())
	bare := h.snapshot()
	h.apply(other)
	want := h.shape()
	tried := 0
	for point := 1; ; point += max(1, every()/2) {
		if r := h.tool("destroy", "-f", other, "--auto-approve"); r.code != exitOK {
			t.Fatalf("destroy: exit code %d\n%s%s", r.code, r.out, r.err)
		}
		if !h.die(point, file) {
			break
		}
		tried++
		h.apply(other)
		h.converged(other)
		if d := cmp.Diff(want, h.shape()); d != "" {
			t.Fatalf("killed at point %d, and another file applied (-want +got):\n%s", point, d)
		}
		if r := h.tool("apply", "-f", other, "--recover"); r.code != exitError || !strings.Contains(r.err, "nothing to recover") {
			t.Fatalf("point %d: there is something to recover: exit code %d\n%s%s", point, r.code, r.out, r.err)
		}
	}
	t.Logf("killed at %d points", tried)
	if tried < 2 {
		t.Errorf("there were only %d points to die at", tried)
	}
	h.apply(other)
	if r := h.tool("destroy", "-f", other, "--auto-approve"); r.code != exitOK || h.snapshot() != bare {
		t.Errorf("destroy leaves something: exit code %d\n%s%s\n%s\nbefore:\n%s", r.code, r.out, r.err, h.snapshot(), bare)
	}
}

// Killed after its last step, a run is told of once, and then over: the next apply has
// nothing to do.
func TestKilledAfterTheLastStep(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	lives := sort.Search(100, func(point int) bool {
		if r := h.tool("destroy", "-f", file, "--auto-approve"); r.code != exitOK {
			t.Fatalf("destroy: exit code %d\n%s%s", r.code, r.out, r.err)
		}
		return point > 0 && !h.die(point, file)
	})
	if r := h.tool("destroy", "-f", file, "--auto-approve"); r.code != exitOK || !h.die(lives-1, file) {
		t.Fatalf("it lives at point %d\n%s%s", lives-1, r.out, r.err)
	}
	h.converged(file)
	if r := h.apply(file); !strings.Contains(r.err, "was interrupted after") || !strings.Contains(r.out, "No changes") {
		t.Errorf("the next run:\n%s%s", r.out, r.err)
	}
	if r := h.apply(file); strings.Contains(r.err, "interrupted") {
		t.Errorf("the run after that tells it still: %s", r.err)
	}
	if r := h.tool("apply", "-f", file, "--recover"); r.code != exitError {
		t.Errorf("what was accepted can be taken back: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	h.converged(file)
}

// What is taken back is the run that died, whatever the file says by now: changed,
// without this node, or broken.
func TestRecoverNeedsNoFile(t *testing.T) {
	hostOnly(t)
	for _, tc := range []struct{ name, file string }{
		{"as it was", two("vxlan")},
		{"changed", another()},
		{"without this node", withoutNode(two("vxlan"), "vm1")},
		{"without nodes", head(two("vxlan")) + "nodes: {}\n"},
		{"broken", "nodes: {{{\n"},
		{"of another name", strings.Replace(two("vxlan"), "name: classic", "name: other", 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "192.168.32.245/24")
			h := w.hosts[0]
			bare := h.snapshot()
			file := w.file("topology.yaml", two("vxlan"))
			if !h.die(22, file) {
				t.Fatal("it lives")
			}
			if h.snapshot() == bare {
				t.Fatal("it has done nothing")
			}
			w.file("topology.yaml", tc.file)
			if r := h.tool("apply", "-f", file, "--recover"); r.code != exitOK || !strings.Contains(r.out, "Taken back: the run of") {
				t.Fatalf("recover: exit code %d\n%s%s", r.code, r.out, r.err)
			}
			if after := h.snapshot(); after != bare {
				t.Errorf("after recover:\n%s\nbefore everything:\n%s", after, bare)
			}
			if r := h.tool("apply", "-f", file, "--recover"); r.code != exitError || !strings.Contains(r.err, "nothing to recover") {
				t.Errorf("a second time: exit code %d\n%s%s", r.code, r.out, r.err)
			}
		})
	}
}

// Of several runs that died, the one that is meant must be said.
func TestRecoverOfSeveral(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	bare := h.snapshot()
	file, other := w.file("topology.yaml", two("vxlan")), w.file("other.yaml", strings.Replace(two("vxlan"), "name: classic", "name: other", 1))
	if !h.die(1, other) || !h.die(22, file) {
		t.Fatal("it lives")
	}
	broken := w.file("broken.yaml", "nodes: {{{\n")
	if r := h.tool("apply", "-f", broken, "--recover"); r.code != exitError || !strings.Contains(r.err, "several runs on this host were interrupted: classic/vm1, other/vm1; say which with --node and -f") {
		t.Errorf("without a word: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	for _, f := range []string{file, other} {
		if r := h.tool("apply", "-f", f, "--recover"); r.code != exitOK {
			t.Errorf("%s: exit code %d\n%s%s", f, r.code, r.out, r.err)
		}
	}
	if after := h.snapshot(); after != bare {
		t.Errorf("after recover:\n%s\nbefore everything:\n%s", after, bare)
	}
}
