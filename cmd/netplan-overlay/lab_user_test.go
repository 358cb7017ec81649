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
)

// nobody is a user without any rights.
const nobody = 65534

// asNobody makes a command of the tool run as a user without rights, from a copy that
// everybody may read, in a directory that everybody may write.
func asNobody(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := toolCommand(t, args...)
	cmd.Path, cmd.Dir = filepath.Join(dir, "tool"), dir
	cmd.Env = append(cmd.Env, "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// publicDir returns a directory for asNobody, with a topology of the name in it.
func publicDir(t *testing.T, name string) (dir, file string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become somebody without rights; the other tests of the lab run without them just now")
	}
	needRoot(t)
	dir, err := os.MkdirTemp("", "netplan-overlay")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	program, err := os.ReadFile(toolCommand(t).Path)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "topology.yaml")
	text := strings.Replace(two("vxlan"), "name: classic", "name: "+name, 1)
	if err := errors.Join(os.Chmod(dir, 0o777), os.WriteFile(filepath.Join(dir, "tool"), program, 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	needUserNamespaces(t)
	return dir, file
}

// needUserNamespaces skips a test where nobody but root may make namespaces; in CI
// that is an error.
func needUserNamespaces(t *testing.T) {
	t.Helper()
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--net", "true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	err := cmd.Run()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("this kernel lets no ordinary user make namespaces: %v", err)
	default:
		t.Skipf("this kernel lets no ordinary user make namespaces: %v", err)
	}
}

// An ordinary user has a lab like root's, and nothing of it is left.
func TestLabRootless(t *testing.T) {
	dir, file := publicDir(t, "rootless")
	r := runTool(t, asNobody(t, dir, "lab", "test", "-f", file))
	if r.code != exitOK || !strings.Contains(r.out, "OK: all 2 pairs are reachable.") {
		t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	up := asNobody(t, dir, "lab", "up", "-f", file)
	inside := asNobody(t, dir, "lab", "exec", "vm1/ns245", "--", "sleep", "1000")
	for _, cmd := range []*exec.Cmd{up, inside} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it ought to have ended
			_ = cmd.Wait()
		})
		waitForLab(t, func() *exec.Cmd { return asNobody(t, dir, "lab", "exec", "vm1", "--", "true") })
	}
	r = runTool(t, asNobody(t, dir, "lab", "exec", "vm2", "--", "netplan-overlay", "plan", "--detailed-exitcode", "-f", file))
	if r.code != exitOK || !strings.Contains(r.out, "No changes.") {
		t.Errorf("plan inside: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if r := runTool(t, toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "true")); r.code != exitError || !strings.Contains(r.err, "no lab") {
		t.Errorf("another user's lab: exit code %d: %s", r.code, r.err)
	}
	children := waitForDescendants(t, up.Process.Pid, 2)
	if err := up.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = up.Wait() // killed
	if err := inside.Wait(); err == nil {
		t.Error("a command inside ended well although the lab was killed")
	}
	waitGone(t, children)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// waitForLab waits until a command inside ends well.
func waitForLab(t *testing.T, command func() *exec.Cmd) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		r := runTool(t, command())
		if r.code == exitOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the lab doesn't come up: %s", r.err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// waitGone waits until the processes have ended.
func waitGone(t *testing.T, pids []int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d is still there", pid)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// What commands make inside a host stays there for the next ones, also on a host that
// has no namespaces of its own, and is no other host's.
func TestLabKeepsChanges(t *testing.T) {
	hostOnly(t)
	_, file := runningLab(t, "lab-keeps")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(args ...string) result {
		return runTool(t, toolCommand(t, append([]string{"lab", "exec", "-f", file}, args...)...))
	}
	more := strings.Replace(string(text), "{ns245: 172.245.0.2/24}", "{ns245: 172.245.0.2/24, more: 172.245.0.3/24}", 1)
	changed := filepath.Join(filepath.Dir(file), "changed.yaml")
	if err := os.WriteFile(changed, []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := exec("vm1", "netplan-overlay", "apply", "--auto-approve", "-f", changed); r.code != exitOK {
		t.Fatalf("apply: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if r := exec("vm1/more", "ip", "-br", "address", "show", "eth0"); !strings.Contains(r.out, "172.245.0.3/24") {
		t.Errorf("the new namespace has\n%s%s", r.out, r.err)
	}
	for _, cmd := range []string{"destroy --auto-approve -f " + file, "plan -f " + file} { // vm2 is then as if it had had none
		if r := exec(append([]string{"vm2", "netplan-overlay"}, strings.Fields(cmd)...)...); r.code != exitOK {
			t.Fatalf("%s: exit code %d\n%s%s", cmd, r.code, r.out, r.err)
		}
	}
	if r := exec("vm2", "ip", "netns", "add", "mine"); r.code != exitOK {
		t.Fatalf("ip netns add: %s", r.err)
	}
	if r := exec("vm2", "ip", "netns", "exec", "mine", "ip", "-br", "link"); r.code != exitOK || !strings.Contains(r.out, "lo") {
		t.Errorf("ip netns exec: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if r := exec("vm1", "ip", "netns"); strings.Contains(r.out, "mine") {
		t.Errorf("vm1 has vm2's namespace:\n%s", r.out)
	}
}

// A host that has no namespace from the start keeps those that are made later.
func TestLabBareHost(t *testing.T) {
	needSandbox(t)
	file := filepath.Join(t.TempDir(), "topology.yaml")
	name := fmt.Sprintf("lab-bare-%d", os.Getpid())
	text := strings.NewReplacer("name: classic", "name: "+name, "    namespaces: {ns246: 172.246.0.2/24}\n", "").Replace(two("vxlan"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	startLab(t, file)
	tool := func(args ...string) result {
		return runTool(t, toolCommand(t, append([]string{"lab", "exec", "-f", file, "vm2"}, args...)...))
	}
	if r := tool("ip", "netns", "add", "mine"); r.code != exitOK {
		t.Fatalf("ip netns add: %s", r.err)
	}
	if r := tool("ip", "netns", "exec", "mine", "true"); r.code != exitOK {
		t.Errorf("ip netns exec: exit code %d: %s", r.code, r.err)
	}
}

// Whoever asks for a command decides how it ends.
func TestLabExecEnds(t *testing.T) {
	hostOnly(t)
	up, file := runningLab(t, "lab-ends")
	before := len(descendants(up.Process.Pid))
	for _, tc := range []struct {
		name   string
		signal syscall.Signal
		script string
		code   int // -1: the client was killed
	}{
		{"terminated", syscall.SIGTERM, "exec sleep 1000", 128 + 15},
		{"handled", syscall.SIGINT, "trap 'exit 3' INT; echo; while :; do sleep 0.1; done", 3},
		{"killed", syscall.SIGKILL, "sleep 1000", -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "sh", "-c", "echo ready; "+tc.script)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := 1 + strings.Count(tc.script, "echo")
			for b := make([]byte, 1); lines > 0; { // as soon as it runs, and has its trap
				if _, err := out.Read(b); err != nil {
					t.Fatal(err)
				}
				lines -= strings.Count(string(b), "\n")
			}
			if err := cmd.Process.Signal(tc.signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // looked at below
			if got := cmd.ProcessState.ExitCode(); got != tc.code {
				t.Errorf("exit code %d, want %d", got, tc.code)
			}
			deadline := time.Now().Add(10 * time.Second)
			for len(descendants(up.Process.Pid)) > before {
				if time.Now().After(deadline) {
					t.Fatal("the command still runs")
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	t.Run("left in the background", func(t *testing.T) {
		pid := runTool(t, toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!")).out
		if r := runTool(t, toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "kill", "-0", strings.TrimSpace(pid))); r.code != exitOK {
			t.Errorf("it is gone: %s", r.err)
		}
	})
	t.Run("a large environment", func(t *testing.T) {
		cmd := toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "sh", "-c", "echo ${#A} ${#B}")
		cmd.Env = append(cmd.Env, "A="+strings.Repeat("x", 100_000), "B="+strings.Repeat("y", 100_000))
		if r := runTool(t, cmd); r.out != "100000 100000\n" {
			t.Errorf("it has %q, exit code %d: %s", r.out, r.code, r.err)
		}
	})
}

// Labs of different names don't disturb each other; without -f, which one is meant
// must be clear.
func TestTwoLabs(t *testing.T) {
	hostOnly(t)
	_, one := runningLab(t, "lab-one")
	_, two := runningLab(t, "lab-two")
	for _, file := range []string{one, two} {
		r := runTool(t, toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "netplan-overlay", "plan", "-f", file))
		if r.code != exitOK || !strings.Contains(r.out, "No changes.") {
			t.Errorf("%s: exit code %d\n%s%s", file, r.code, r.out, r.err)
		}
	}
	r := runTool(t, toolCommand(t, "lab", "exec", "vm1", "--", "true"))
	pid := strconv.Itoa(os.Getpid())
	if r.code != exitError || !strings.Contains(r.err, "lab-one-"+pid) || !strings.Contains(r.err, "lab-two-"+pid) || !strings.Contains(r.err, "-f FILE") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// A variable that is left over somewhere doesn't make the machine itself a lab.
func TestLabStageIsNotBelieved(t *testing.T) {
	hostOnly(t)
	needRoot(t)
	file := filepath.Join(t.TempDir(), "topology.yaml")
	if err := os.WriteFile(file, []byte(two("vxlan")), 0o600); err != nil {
		t.Fatal(err)
	}
	marker := filepath.Join("/run", fmt.Sprintf("netplan-overlay-test-%d", os.Getpid()))
	script := `mount -t tmpfs tmpfs /run && touch "$1" && "$0" lab test -f "$2" && test -e "$1"`
	cmd := exec.Command("unshare", "--mount", "--net", "sh", "-c", script, toolCommand(t).Path, marker, file)
	cmd.Env = append(os.Environ(), asTool+"=1", "NETPLAN_OVERLAY_LAB_STAGE=sandbox")
	if r := runTool(t, cmd); r.code != exitOK || !strings.Contains(r.out, "OK:") {
		t.Errorf("exit code %d: /run is hidden, or there was no lab\n%s%s", r.code, r.out, r.err)
	}
}
