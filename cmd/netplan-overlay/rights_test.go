package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The capabilities as /proc/PID/status has them.
const (
	netAdmin = 1 << unix.CAP_NET_ADMIN
	netRaw   = 1 << unix.CAP_NET_RAW
	sysAdmin = 1 << unix.CAP_SYS_ADMIN
	kill     = 1 << unix.CAP_KILL
	search   = 1 << unix.CAP_DAC_READ_SEARCH
	override = 1 << unix.CAP_DAC_OVERRIDE
)

// rights are what a thread may do.
type rights struct {
	Effective, Permitted, Inheritable, Bounding, Ambient uint64
	NoNewPrivileges                                      bool
}

// only is what has nothing but some capabilities, and can gain none.
func only(c uint64) rights { return rights{Effective: c, Permitted: c, NoNewPrivileges: true} }

// rightsOf reads those of all threads of a process; it has none where they differ.
func rightsOf(t *testing.T, pid int) (rights, bool) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(files) == 0 {
		t.Fatalf("process %d has no threads: %v", pid, err)
	}
	var all rights
	for i, f := range files {
		b, err := os.ReadFile(f)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it ended meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		r := parseRights(t, string(b))
		if i > 0 && r != all {
			return rights{}, false
		}
		all = r
	}
	return all, true
}

func parseRights(t *testing.T, status string) rights {
	t.Helper()
	var r rights
	fields := map[string]*uint64{
		"CapEff": &r.Effective, "CapPrm": &r.Permitted, "CapInh": &r.Inheritable, "CapBnd": &r.Bounding, "CapAmb": &r.Ambient,
	}
	found := 0
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if to := fields[name]; to != nil {
			n, err := strconv.ParseUint(value, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			*to = n
			found++
		}
		if name == "NoNewPrivs" {
			r.NoNewPrivileges = value == "1"
			found++
		}
	}
	if found != 6 {
		t.Fatalf("the kernel tells %d of 6 rights:\n%s", found, status)
	}
	return r
}

// comesTo waits until all threads of a process have these rights. A process that has
// more, or less, never comes to them.
func comesTo(t *testing.T, pid int, want rights) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, same := rightsOf(t, pid)
		if same && got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the process's rights (the same on all threads: %v; -want +got):\n%s", same, cmp.Diff(want, got))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// fullPipe is a pipe that whoever writes into it waits at.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := unix.Write(fds[1], make([]byte, 4096)); err != nil {
			break
		}
	}
	if err := unix.SetNonblock(fds[1], false); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(fds[0]), "reader"), os.NewFile(uintptr(fds[1]), "writer")
	t.Cleanup(func() { r.Close(); w.Close() })
	return w
}

// startStuck starts the tool on the host; it waits where it would print something.
func (h *host) startStuck(args ...string) int {
	h.w.t.Helper()
	cmd := toolCommand(h.w.t, append(args, "--netns-dir", h.dir, "--run-dir", h.runDir())...)
	cmd.Stdout, cmd.Stderr = fullPipe(h.w.t), fullPipe(h.w.t)
	if err := h.door.In("", cmd.Start); err != nil {
		h.w.t.Fatal(err)
	}
	endAfterwards(h.w.t, cmd)
	return cmd.Process.Pid
}

func endAfterwards(t *testing.T, cmd *exec.Cmd) {
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
}

// needPure skips a test of capabilities where the program is linked with cgo.
func needPure(t *testing.T) {
	t.Helper()
	needRoot(t)
	if linkedWithCgo() {
		if os.Getenv("CI") != "" {
			t.Fatal("the tests are linked with cgo; make runs them with CGO_ENABLED=0")
		}
		t.Skip("linked with cgo: run with CGO_ENABLED=0, as make does")
	}
}

func linkedWithCgo() bool {
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_GETPID, 0, 0, 0)
	return errno == syscall.ENOTSUP
}
