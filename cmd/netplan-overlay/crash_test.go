package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dieVar makes the tool die at a point: the number of the request to the kernel, or of
// the finished step, whichever comes.
const dieVar = "NETPLAN_OVERLAY_TEST_DIE_AT"

// dieAt returns what counts the points and kills this process at one of them.
func dieAt(point string) func() {
	n, err := strconv.Atoi(point)
	if err != nil {
		return nil
	}
	sig := syscall.SIGKILL
	if n, err := strconv.Atoi(os.Getenv(dieOfVar)); err == nil {
		sig = syscall.Signal(n)
	}
	return func() {
		if n--; n == 0 {
			_ = syscall.Kill(os.Getpid(), sig)
			if sig == syscall.SIGKILL {
				select {} // until it strikes
			}
		}
	}
}

// dieOfVar is the number of the signal that comes at the point; SIGKILL by default.
const dieOfVar = "NETPLAN_OVERLAY_TEST_DIE_OF"

// crowded is a topology with so many objects that there are many points to die at.
func crowded(backend string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: classic\nbackend: %s\nnodes:\n", backend)
	for i := 1; i <= 30; i++ {
		fmt.Fprintf(&b, "  vm%d:\n    address: 192.168.32.%d\n    bridges: {br%d: 172.16.%d.1/24}\n", i, i, i, i)
		if i == 1 {
			b.WriteString("    namespaces:\n")
			for j := 1; j <= 6; j++ {
				fmt.Fprintf(&b, "      ns%d: {interfaces: {eth0: {addresses: 172.16.1.%d/24, mac: \"02:00:00:00:01:%02d\"}}}\n", j, 10+j, j)
			}
		}
	}
	return b.String()
}

// everyVar says how many points apart the tool is killed; 1 is at every one.
const everyVar = "NETPLAN_OVERLAY_TEST_SWEEP_EVERY"

// every is how many points apart the tool is killed, by default so many that the
// tests end soon; the virtual machine is slow.
func every() int {
	if n, err := strconv.Atoi(os.Getenv(everyVar)); err == nil && n > 0 {
		return n
	}
	if os.Getenv(reliabilityVar) != "" {
		return stride()
	}
	if slow() {
		return 47
	}
	return 11
}

// sweep lets apply die at one point after the other, and calls after with what came of
// it, until apply lives. It returns the last point and how many were tried.
func (h *host) sweep(file string, before, after func()) (last, tried int) {
	h.w.t.Helper()
	defer os.Unsetenv(dieVar)
	step := every()
	for point := 1; ; point += step {
		before()
		os.Setenv(dieVar, strconv.Itoa(point))
		r := h.tool("apply", "-f", file, "--auto-approve")
		os.Unsetenv(dieVar)
		if r.code == exitOK {
			return last, tried
		}
		if r.code != -1 {
			h.w.t.Fatalf("point %d: exit code %d\n%s%s", point, r.code, r.out, r.err)
		}
		after()
		if h.w.t.Failed() {
			h.w.t.Fatalf("at point %d", point)
		}
		last, tried = point, tried+1
	}
}

// Killed at any point, the next apply converges, and leaves what a run does that was
// not killed.
func TestKilledAnywhereConverges(t *testing.T) {
	w := newWorld(t, "192.168.32.1/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", crowded("vxlan"))
	destroy := func() {
		t.Helper()
		if r := h.tool("destroy", "-f", file, "--auto-approve"); r.code != exitOK {
			t.Fatalf("destroy: exit code %d\n%s%s", r.code, r.out, r.err)
		}
	}
	h.apply(file)
	want := h.shape()
	last, tried := h.sweep(file, destroy, func() {
		h.apply(file)
		h.converged(file)
		if d := cmp.Diff(want, h.shape()); d != "" {
			t.Errorf("the host after the crash and another run (-want +got):\n%s", d)
		}
	})
	t.Logf("killed at %d points, the last one being %d", tried, last)
	if last < 200 {
		t.Errorf("there were only %d points to die at", last)
	}
	proved(t, "SIGKILL at each request and after each step of apply, and apply again", tried, "the next run finishes, and leaves what one leaves that was not killed")
}

// Killed at any point of a switch of the backend, the run can be taken back.
func TestKilledAnywhereRecovers(t *testing.T) {
	w := newWorld(t, "192.168.32.1/24")
	h := w.hosts[0]
	old, file := w.file("old.yaml", crowded("vxlan")), w.file("topology.yaml", crowded("{type: vxlan, vni: 2, port: 4789}"))
	var want string
	last, tried := h.sweep(file, func() {
		h.apply(old)
		if want == "" {
			want = h.shape()
		}
	}, func() {
		r := h.tool("apply", "-f", file, "--recover")
		if r.code != exitOK && !strings.Contains(r.err, "nothing to recover") {
			t.Errorf("recover: exit code %d\n%s%s", r.code, r.out, r.err)
		}
		h.converged(old)
		if d := cmp.Diff(want, h.shape()); d != "" {
			t.Errorf("the host after the run was taken back (-want +got):\n%s", d)
		}
	})
	t.Logf("killed at %d points, the last one being %d", tried, last)
	if last < 100 {
		t.Errorf("there were only %d points to die at", last)
	}
	proved(t, "SIGKILL at each request and after each step of a switch, and apply --recover", tried, "the host is as before the run")
}

// A command after a crash says so.
func TestCrashIsTold(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.1/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", crowded("vxlan"))
	os.Setenv(dieVar, "20")
	r := h.tool("apply", "-f", file, "--auto-approve")
	os.Unsetenv(dieVar)
	if r.code != -1 {
		t.Fatalf("it lives: exit code %d", r.code)
	}
	if r := h.apply(file); !strings.Contains(r.err, "was interrupted after") || !strings.Contains(r.err, "--recover") {
		t.Errorf("the next run doesn't tell: %s", r.err)
	}
	if r := h.apply(file); strings.Contains(r.err, "interrupted") {
		t.Errorf("the run after that tells it still: %s", r.err)
	}
	if r := h.tool("apply", "-f", file, "--recover"); r.code != exitError || !strings.Contains(r.err, "nothing to recover") {
		t.Errorf("recover: exit code %d: %s", r.code, r.err)
	}
}
