package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// What SECURITY.md says that each command keeps, it keeps, and there is no other one.
func TestSecurityTable(t *testing.T) {
	hostOnly(t)
	b, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]kernel.Capabilities{
		"CAP_SYS_ADMIN": sysAdmin, "CAP_NET_ADMIN": netAdmin, "CAP_NET_RAW": netRaw, "CAP_KILL": kill, "CAP_DAC_OVERRIDE": override, "CAP_DAC_READ_SEARCH": reading,
	}
	told := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(line, "| `") || strings.Contains(cells[1], "NETPLAN") {
			continue
		}
		var want kernel.Capabilities
		for _, name := range regexp.MustCompile("CAP_[A-Z_]+").FindAllString(cells[2], -1) {
			if names[name] == 0 {
				t.Errorf("SECURITY.md tells of %s", name)
			}
			want |= names[name]
		}
		if want == 0 && !strings.Contains(cells[2], "nothing") {
			continue // another table
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			command, flag, _ := strings.Cut(m[1], " --")
			told[command] = true
			given := func(f string) bool { return f == flag }
			if got := needs(command, given).Keep; got != want && command != "lab test" {
				t.Errorf("SECURITY.md says that %s keeps %s; it keeps %b", m[1], cells[2], got)
			}
		}
	}
	var all func(c *cobra.Command)
	root := newRoot(&common{ui: terminal()})
	all = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			all(sub)
		}
		if name := strings.TrimPrefix(c.CommandPath(), root.Name()+" "); c != root && !c.HasSubCommands() && !c.Hidden && !told[name] {
			t.Errorf("SECURITY.md doesn't tell of %s", name)
		}
	}
	all(root)
}

// Each command keeps but what it needs, as soon as it has read its files.
func TestConfined(t *testing.T) {
	hostOnly(t)
	needPure(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	h.apply(file)
	for i, tc := range []struct {
		args []string
		want rights
	}{
		{[]string{"version"}, only(0)},
		{[]string{"help"}, only(0)},
		{[]string{"completion", "bash"}, only(0)},
		{[]string{"validate", "-f", file}, only(0)},
		{[]string{"init"}, only(0)},
		{[]string{"init", "--out", filepath.Join(w.dir, "t.yaml")}, only(override)},
		{[]string{"schema"}, only(0)},
		{[]string{"explain", "nodes.address"}, only(0)},
		{[]string{"render", "-f", file}, only(0)},
		{[]string{"render", "-f", file, "--assume", "--node", "vm2"}, only(0)},
		{[]string{"graph", "-f", file}, only(0)},
		{[]string{"graph", "-f", file, "--out", filepath.Join(w.dir, "g.svg")}, only(override)},
		{[]string{"graph", "-f", file, "--plan"}, only(sysAdmin)},
		{[]string{"graph", "-f", file, "--base", file}, only(0)},
		{[]string{"observe", "-f", file}, only(sysAdmin)},
		{[]string{"plan", "-f", file}, only(sysAdmin)},
		{[]string{"plan", "-f", file, "--out", filepath.Join(w.dir, "p.plan")}, only(sysAdmin | override)},
		{[]string{"plan", "-f", file, "--base", file}, only(0)},
		{[]string{"observe", "--out", filepath.Join(w.dir, "s.json")}, only(sysAdmin | override)},
		{[]string{"verify", "-f", file}, only(sysAdmin | netRaw)},
		{[]string{"apply", "-f", file, "--auto-approve"}, only(sysAdmin | netAdmin)},
		{[]string{"apply", "-f", file, "--auto-approve", "--verify"}, only(sysAdmin | netAdmin | netRaw)},
		{[]string{"apply", "--recover"}, only(sysAdmin | netAdmin)},
		{[]string{"confirm"}, only(0)},
		{[]string{"destroy", "-f", file, "--auto-approve"}, only(sysAdmin | netAdmin)},
		{[]string{"lab", "exec", "vm1", "--", "true"}, only(0)},
		{[]string{"nonesuch"}, only(0)},
	} {
		if sampledOut(i) {
			continue
		}
		t.Run(strings.Join(tc.args[:min(len(tc.args), 2)], " "), func(t *testing.T) {
			outer := w.t
			w.t = t
			defer func() { w.t = outer }()
			comesTo(t, h.startStuck(tc.args...), tc.want)
		})
	}
}

// While it reads its files, a command may read those of whoever uses sudo; apply has
// nothing more than what it needs then and afterwards, also while it waits for the lock.
func TestConfinedFromTheStart(t *testing.T) {
	hostOnly(t)
	needPure(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	id, err := h.door.ID()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(h.runDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(lockPath(h, id))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]uint64{"validate": 0, "observe": sysAdmin, "apply": sysAdmin | netAdmin} {
		args := []string{command, "-f", "-", "--netns-dir", h.dir, "--run-dir", h.runDir()}
		if command == "apply" {
			args = append(args, "--auto-approve", "--lock-timeout", "60s")
		}
		cmd := toolCommand(t, args...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = fullPipe(t)
		if err := h.door.In("", cmd.Start); err != nil {
			t.Fatal(err)
		}
		endAfterwards(t, cmd)
		comesTo(t, cmd.Process.Pid, only(want|search))
		if _, err := stdin.Write([]byte(two("vxlan"))); err != nil {
			t.Fatal(err)
		}
		stdin.Close()
		comesTo(t, cmd.Process.Pid, only(want))
	}
}

func lockPath(h *host, id uint64) string {
	return filepath.Join(h.runDir(), fmt.Sprintf("lock-%d", id))
}

// ownRights are those that the tests run with.
func ownRights(t *testing.T) rights {
	t.Helper()
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		t.Fatal(err)
	}
	return parseRights(t, string(b))
}

// A lab for a test keeps what it takes to make it; in one that waits for commands, a
// command has what its user has.
func TestLabConfined(t *testing.T) {
	hostOnly(t)
	needPure(t)
	own := ownRights(t)
	if own.Permitted != own.Bounding || own.NoNewPrivileges {
		t.Skip("this root lacks rights itself")
	}
	t.Run("test", func(t *testing.T) {
		cmd := toolCommand(t, "lab", "test", "-f", "../../examples/classic.yaml")
		cmd.Stdout = fullPipe(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		endAfterwards(t, cmd)
		const both = netAdmin | sysAdmin
		const most = both | netRaw | search | 1<<unix.CAP_SETPCAP
		comesTo(t, waitForDescendants(t, cmd.Process.Pid, 1)[0], only(both|netRaw))
		comesTo(t, cmd.Process.Pid, rights{Effective: both, Permitted: most, Bounding: most})
	})
	t.Run("up", func(t *testing.T) {
		up, file := runningLab(t, "lab-rights")
		want := rights{Effective: netAdmin | sysAdmin | netRaw | kill, Permitted: own.Permitted, Bounding: own.Bounding}
		comesTo(t, up.Process.Pid, want)
		comesTo(t, waitForDescendants(t, up.Process.Pid, 1)[0], want)
		r := runTool(t, toolCommand(t, "lab", "exec", "-f", file, "vm1", "--", "cat", "/proc/self/status"))
		if r.code != exitOK {
			t.Fatalf("exit code %d: %s", r.code, r.err)
		}
		own.Inheritable = 0
		if d := cmp.Diff(own, parseRights(t, r.out)); d != "" {
			t.Errorf("a command in the lab (-want +got):\n%s", d)
		}
	})
}

// A user who was given some capabilities, as a service is, needs not be root: he keeps
// what is needed of them, and passes on but what the guard of a run needs.
func TestConfinedService(t *testing.T) {
	hostOnly(t)
	needPure(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	dir, file := publicDir(t, "service")
	state := filepath.Dir(h.dir)
	if err := errors.Join(os.Chmod(filepath.Dir(w.dir), 0o755), os.Chown(state, nobody, nobody), os.Chown(h.dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	service := func(args ...string) *exec.Cmd {
		cmd := asNobody(t, dir, append(args, "--netns-dir", h.dir, "--run-dir", h.runDir())...)
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN, unix.CAP_NET_RAW}
		return cmd
	}
	run := func(cmd *exec.Cmd) {
		t.Helper()
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := h.door.In("", cmd.Start); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %v\n%s%s", cmd.Args[1:], err, &out, &errs)
		}
	}
	bounding := ownRights(t).Bounding // to shrink that needs CAP_SETPCAP; no_new_privs does as well

	cmd := service("plan", "-f", file)
	cmd.Stdout, cmd.Stderr = fullPipe(t), fullPipe(t)
	if err := h.door.In("", cmd.Start); err != nil {
		t.Fatal(err)
	}
	endAfterwards(t, cmd)
	want := only(sysAdmin)
	want.Bounding = bounding
	comesTo(t, cmd.Process.Pid, want)

	run(service("apply", "-f", file, "--auto-approve", "--confirm", "60s"))
	want = only(sysAdmin | netAdmin)
	want.Bounding = bounding
	comesTo(t, h.guarded(), want)
	run(service("confirm"))
	h.unguarded()
	run(service("plan", "-f", file, "--detailed-exitcode"))
	run(service("destroy", "-f", file, "--auto-approve"))
}

// What root may read and write by sudo in somebody's own directory, it still may.
func TestFilesOfOthers(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	home := filepath.Join(w.dir, "home")
	file, plan := filepath.Join(home, "topology.yaml"), filepath.Join(home, "p.plan")
	err := errors.Join(os.Mkdir(home, 0o700), os.WriteFile(file, []byte(two("vxlan")), 0o600), os.Chown(file, 1000, 1000), os.Chown(home, 1000, 1000))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"plan", "-f", file, "--out", plan}, {"apply", "-f", file, "--plan", plan}, {"validate", "-f", file}} {
		if r := h.tool(args...); r.code != exitOK {
			t.Fatalf("%v: exit code %d\n%s%s", args, r.code, r.out, r.err)
		}
	}
}
