package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// toolCommand is the tool on this machine, outside all hosts.
func toolCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), asTool+"=1", "NO_COLOR=1")
	return cmd
}

func runTool(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return result{out: out.String(), err: errs.String(), code: cmd.ProcessState.ExitCode()}
}

// needSandbox skips a test where the kernel lets this user make no namespaces; in CI
// that is an error.
func needSandbox(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		needRoot(t)
		return
	}
	err := exec.Command("unshare", "--user", "--map-root-user", "--net", "true").Run()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("this kernel lets no ordinary user make namespaces: %v", err)
	default:
		t.Skipf("this kernel lets no ordinary user make namespaces: %v", err)
	}
}

// Every example runs in the lab, and every pair of it is reachable.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			needSandbox(t)
			if b, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			} else if strings.Contains(string(b), "ipip") {
				needIPIP(t)
			}
			r := runTool(t, toolCommand(t, "lab", "test", "-f", file, "--format", "json"))
			var m struct {
				Pairs []struct {
					OK      bool
					RTT     int64 `json:"rtt_ns"`
					PathMTU int   `json:"path_mtu"`
				}
				Failed int
			}
			if err := json.Unmarshal([]byte(r.out), &m); err != nil || r.code != exitOK {
				t.Fatalf("exit code %d, %v\n%s%s", r.code, err, r.out, r.err)
			}
			if len(m.Pairs) < 2 || m.Failed != 0 {
				t.Errorf("%d pairs, %d failed", len(m.Pairs), m.Failed)
			}
			for _, p := range m.Pairs {
				if !p.OK || p.RTT <= 0 || p.PathMTU < 1280 {
					t.Errorf("implausible: %+v", p)
				}
			}
		})
	}
}

// A pair that cannot be reached makes the lab fail, and is named.
func TestLabFails(t *testing.T) {
	hostOnly(t)
	needSandbox(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "topology.yaml")
	// A namespace without a route back answers nobody outside its subnet.
	text := strings.Replace(two("vxlan"), "{ns246: 172.246.0.2/24}",
		"{ns246: {interfaces: {eth0: 172.246.0.2/24}, routes: []}}", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runTool(t, toolCommand(t, "lab", "test", "-f", file))
	if r.code != exitError || !strings.Contains(r.out, "FAIL vm1/ns245 -> vm2/ns246 (172.246.0.2): no answer") {
		t.Errorf("exit code %d, want %d and the pair\n%s%s", r.code, exitError, r.out, r.err)
	}
}

// runningLab starts "lab up" and waits until it can be used.
func runningLab(t *testing.T, name string) (*exec.Cmd, string) {
	t.Helper()
	needSandbox(t)
	file := filepath.Join(t.TempDir(), "topology.yaml")
	name = fmt.Sprintf("%s-%d", name, os.Getpid()) // other runs of the tests have theirs
	text := strings.Replace(two("vxlan"), "name: classic", "name: "+name, 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return startLab(t, file), file
}

// startLab starts "lab up" with the file, and waits until it can be used.
func startLab(t *testing.T, file string) *exec.Cmd {
	t.Helper()
	up := toolCommand(t, "lab", "up", "-f", file)
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = up.Process.Kill() // it may have ended
		_ = up.Wait()
	})
	waitForLab(t, func() *exec.Cmd { return toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "true") })
	return up
}

func TestLabExec(t *testing.T) {
	_, file := runningLab(t, "lab-exec")
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string // on stdout, or on stderr where the exit code isn't 0
	}{
		{"ip on a host", []string{"vm1", "--", "ip", "-br", "address", "show", "br245"}, 0, "172.245.0.1/24"},
		{"without the dashes", []string{"vm1", "ip", "-br", "link", "show", "eth0"}, 0, "eth0"},
		{"in a namespace", []string{"vm2/ns246", "--", "ip", "route"}, 0, "default via 172.246.0.1"},
		{"ip netns finds the host's own", []string{"vm2", "--", "ip", "netns", "list"}, 0, "ns246"},
		{"the tool itself", []string{"vm1", "--", "netplan-overlay", "plan", "-f", file}, 0, "No changes. vm1 matches lab-exec"},
		{"sysfs of the host", []string{"vm2", "--", "ls", "/sys/class/net"}, 0, "br246"},
		{"exit code", []string{"vm1", "--", "sh", "-c", "exit 7"}, 7, ""},
		{"killed", []string{"vm1", "--", "sh", "-c", "kill -9 $$"}, 137, ""},
		{"unknown node", []string{"vm9", "--", "true"}, 1, "it has vm1, vm2"},
		{"unknown namespace", []string{"vm1/nope", "--", "true"}, 1, `vm1 has no namespace "nope"; it has ns245`},
		{"unknown command", []string{"vm1", "--", "no-such-command"}, 127, "no-such-command"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := runTool(t, toolCommand(t, append([]string{"lab", "exec", "-f", file}, tc.args...)...))
			text := r.out
			if tc.code != 0 {
				text = r.err
			}
			if r.code != tc.code || !strings.Contains(text, tc.want) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", r.code, tc.code, tc.want, r.out, r.err)
			}
		})
	}
	t.Run("stdin", func(t *testing.T) {
		cmd := toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "cat")
		cmd.Stdin = strings.NewReader("hello\n")
		if r := runTool(t, cmd); r.out != "hello\n" {
			t.Errorf("cat says %q, exit code %d: %s", r.out, r.code, r.err)
		}
	})
	t.Run("a second lab of the name", func(t *testing.T) {
		if r := runTool(t, toolCommand(t, "lab", "up", "-f", file)); r.code != exitError || !strings.Contains(r.err, "is running already") {
			t.Errorf("exit code %d: %s", r.code, r.err)
		}
	})
}

// However a lab ends, nothing of it is left.
func TestLabLeavesNothing(t *testing.T) {
	hostOnly(t)
	for _, tc := range []struct {
		name   string
		signal syscall.Signal
		child  bool
		code   int // -1: it was killed itself
	}{
		{"interrupted", syscall.SIGINT, false, exitOK},
		{"terminated", syscall.SIGTERM, false, exitOK},
		{"killed", syscall.SIGKILL, false, -1},
		{"its inside killed", syscall.SIGKILL, true, exitError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			up, file := runningLab(t, "lab-nothing")
			// Something runs inside, which ought to go down with it.
			inside := toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "sleep", "1000")
			if err := inside.Start(); err != nil {
				t.Fatal(err)
			}
			children := waitForDescendants(t, up.Process.Pid, 2)
			victim := up.Process.Pid
			if tc.child {
				victim = children[0]
			}
			if err := syscall.Kill(victim, tc.signal); err != nil {
				t.Fatal(err)
			}
			_ = up.Wait() // looked at below
			if got := up.ProcessState.ExitCode(); got != tc.code {
				t.Errorf("exit code %d, want %d", got, tc.code)
			}
			_ = inside.Wait() // it may have ended before
			waitGone(t, children)
			r := runTool(t, toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "true"))
			if r.code != exitError || !strings.Contains(r.err, "no lab") {
				t.Errorf("exec after the end: exit code %d: %s", r.code, r.err)
			}
		})
	}
}

// alive says whether the process is there and no zombie.
func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !regexp.MustCompile(`\) [ZX] `).Match(b)
}

// waitForDescendants returns the processes below pid, the nearest first, as soon as
// there are at least n.
func waitForDescendants(t *testing.T, pid, n int) []int {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		if l := descendants(pid); len(l) >= n {
			return l
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d has not %d descendants", pid, n)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// descendants returns the processes below pid that have executed something: Go tries out
// the kernel by one that ends at once (checkClonePidfd, os/pidfd_linux.go). It has its
// parent's environment, which no program of ours gives to another one as it is.
func descendants(pid int) []int {
	var l []int
	own, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil // it ended meanwhile
	}
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children") // the pattern is sound
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it ended meanwhile
		}
		for _, field := range strings.Fields(string(b)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				continue
			}
			if environment, err := os.ReadFile("/proc/" + field + "/environ"); err == nil && len(environment) > 0 && !bytes.Equal(environment, own) { // a dead one has none
				l = append(l, child)
			}
		}
	}
	for _, child := range l {
		l = append(l, descendants(child)...)
	}
	return l
}

// With no way to make namespaces, one line says what to do.
func TestLabWithoutNamespaces(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to forbid namespaces to somebody else")
	}
	needRoot(t)
	file := filepath.Join(t.TempDir(), "topology.yaml")
	if err := os.WriteFile(file, []byte(two("vxlan")), 0o600); err != nil {
		t.Fatal(err)
	}
	// In a user namespace that may have no further ones, the kernel says ENOSPC.
	script := `echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -all --inh-caps -all "$0" lab test -f ` + file
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--mount-proc", "--pid", "--fork", "sh", "-c", script, toolCommand(t).Path)
	cmd.Env = append(os.Environ(), asTool+"=1")
	r := runTool(t, cmd)
	if r.code != exitError || !strings.Contains(r.err, "sudo") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("exit code %d, want %d and one line that says what to do\n%s%s", r.code, exitError, r.out, r.err)
	}
}
