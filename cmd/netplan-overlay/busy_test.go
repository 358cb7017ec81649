package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopped starts an apply that stops (SIGSTOP) at a point, in the middle of its steps
// and with the lock. It is killed at the end of the test.
func (h *host) stopped(file string, point int) *exec.Cmd {
	h.w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.w.t.Fatal(err)
	}
	cmd := exec.Command(self, "apply", "-f", file, "--auto-approve", "--node", h.name, "--netns-dir", h.dir, "--run-dir", h.runDir())
	cmd.Env = append(os.Environ(), asTool+"=1", dieVar+"="+strconv.Itoa(point), dieOfVar+"="+strconv.Itoa(int(syscall.SIGSTOP)))
	h.start("", cmd)
	h.door.Close()
	h.w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it may have ended before
	})
	h.w.until("apply has stopped", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		if err != nil {
			h.w.t.Fatal(err)
		}
		return strings.Contains(string(stat), ") T ")
	})
	return cmd
}

// While an apply has the lock, whoever only looks is not kept waiting, and writes
// nothing; whoever wants to change something is told who has it.
func TestReadersAreNotBlocked(t *testing.T) {
	hostOnly(t)
	if sameThere(t) {
		return
	}
	w := newWorld(t, underlay)
	h := w.hosts[0]
	file := w.file("topology.yaml", plentiful("vxlan", 2, 3))
	holder := h.stopped(file, 25)
	before := append(h.settledTruth(), h.rest()...)
	readers := [][]string{{"plan"}, {"plan", "--format", "json"}, {"observe"}, {"verify"}, {"render"}, {"validate"}}
	for _, r := range readers {
		began := time.Now()
		got := h.tool(append(r, "-f", file)...)
		if took := time.Since(began); took > 20*time.Second || got.code < 0 || strings.Contains(got.err, "lock") {
			t.Errorf("%v: exit code %d after %v\n%s", r, got.code, took, got.err)
		}
	}
	if d := lineDiff(before, append(h.truth(), h.rest()...)); len(d) > 0 {
		t.Errorf("looking has changed the host:\n%s", strings.Join(d, "\n"))
	}
	who := fmt.Sprintf("process %d (", holder.Process.Pid)
	for _, command := range []string{"apply", "destroy"} {
		r := h.tool(command, "-f", file, "--auto-approve", "--lock-timeout", "50ms")
		if r.code != exitError || !strings.Contains(r.err, who) || !strings.Contains(r.err, " apply -f "+file) || !strings.Contains(r.err, "--lock-timeout") {
			t.Errorf("%s: exit code %d, want %d and %q\n%s", command, r.code, exitError, who, r.err)
		}
	}
	proved(t, "apply stands still (SIGSTOP) with the lock", len(readers)+2, "who looks is not kept waiting; who wants to change something is told the holder")
}

// Whoever gives time gets the lock when its holder ends, well or badly; what the lock's
// file says of a dead one bothers nobody.
func TestLockIsWaitedFor(t *testing.T) {
	hostOnly(t)
	if sameThere(t) {
		return
	}
	for _, sig := range []syscall.Signal{syscall.SIGCONT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			w := newWorld(t, underlay)
			h := w.hosts[0]
			file := w.file("topology.yaml", plentiful("vxlan", 2, 3))
			holder := h.stopped(file, 25)
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			next := exec.Command(self, "apply", "-f", file, "--auto-approve", "--lock-timeout", "5m", "--node", h.name, "--netns-dir", h.dir, "--run-dir", h.runDir())
			next.Env = append(os.Environ(), asTool+"=1")
			errs := h.start("", next)
			h.door.Close()
			if err := holder.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if r := w.finish(next, errs); r.code != exitOK {
				t.Errorf("the next one ends with %d\n%s", r.code, r.err)
			}
			h.converged(file)
			proved(t, "the holder of the lock ends, or is killed, while another one waits", 1, "the other one gets the lock")
			text := h.lockText()
			if bytes.Contains(text, []byte(strconv.Itoa(holder.Process.Pid))) {
				t.Errorf("the lock's file still names the first holder: %s", text)
			}
		})
	}
}

// lockText returns what the lock's file says.
func (h *host) lockText() []byte {
	h.w.t.Helper()
	files, err := os.ReadDir(h.runDir())
	if err != nil {
		h.w.t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "lock-") {
			b, err := os.ReadFile(h.runDir() + "/" + f.Name())
			if err != nil {
				h.w.t.Fatal(err)
			}
			return b
		}
	}
	return nil
}
