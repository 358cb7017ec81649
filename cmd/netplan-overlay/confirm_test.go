package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// changingHost is a host that has one topology, the file of another one, and how the host
// looked before.
type changingHost struct {
	*host
	old, file string
	before    string
}

func newChanging(t *testing.T) *changingHost {
	t.Helper()
	w := newWorld(t, "192.168.32.245/24")
	h := &changingHost{host: w.hosts[0], old: w.file("old.yaml", two("vxlan")), file: w.file("topology.yaml", two("{type: vxlan, vni: 7}"))}
	h.apply(h.old)
	h.before = h.shape()
	return h
}

// asBefore ends the test unless the host looks as it did, to iproute2 and to plan.
func (h *changingHost) asBefore() {
	h.w.t.Helper()
	if d := cmp.Diff(h.before, h.shape()); d != "" {
		h.w.t.Fatalf("the host after the change was taken back (-want +got):\n%s", d)
	}
	h.converged(h.old)
}

// guards returns the processes that guard a run of the host.
func (h *host) guards() []int {
	h.w.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		h.w.t.Fatal(err)
	}
	var pids []int
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(b), guardCommand+"\x00"+h.runDir()) {
			continue // it has ended, or is none
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err != nil {
			h.w.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// unguarded waits until no run is guarded any more.
func (h *host) unguarded() {
	h.w.t.Helper()
	h.w.until("the guard has ended", func() bool { return len(h.guards()) == 0 })
}

// guarded returns the one guard.
func (h *host) guarded() int {
	h.w.t.Helper()
	pids := h.guards()
	if len(pids) != 1 {
		h.w.t.Fatalf("%d processes guard the run", len(pids))
	}
	return pids[0]
}

// A change that is confirmed stays; until then, every command tells that it waits, and
// no other change is made.
func TestConfirmed(t *testing.T) {
	h := newChanging(t)
	if r := h.apply(h.file, "--confirm", "60s"); !strings.Contains(r.out, "netplan-overlay confirm") {
		t.Errorf("apply doesn't say how to confirm: %s", r.out)
	}
	h.guarded()
	r := h.tool("plan", "-f", h.old)
	if r.code != exitOK || !strings.Contains(r.err, "unless it is confirmed") {
		t.Errorf("plan meanwhile: exit code %d: %s", r.code, r.err)
	}
	r = h.tool("apply", "-f", h.old, "--auto-approve")
	if r.code != exitError || !strings.Contains(r.err, "waits to be confirmed until") {
		t.Errorf("apply meanwhile: exit code %d: %s", r.code, r.err)
	}
	if r := h.tool("confirm"); r.code != exitOK || !strings.Contains(r.out, "Confirmed") {
		t.Fatalf("confirm: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	h.unguarded()
	h.converged(h.file)
	if r := h.tool("confirm"); r.code != exitError || !strings.Contains(r.err, "nothing waits to be confirmed") {
		t.Errorf("confirm again: exit code %d: %s", r.code, r.err)
	}
	left, err := filepath.Glob(h.runDir() + "/*@*/*")
	if err != nil || len(left) != 2 || filepath.Base(left[0]) != "applied" || filepath.Base(left[1]) != "sysctl.json" {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A change that nobody confirms is taken back, although the shell that it was started
// from is killed meanwhile, with all that belongs to it.
func TestUnconfirmed(t *testing.T) {
	h := newChanging(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-c", `"$@" && echo applied && exec sleep 1000`, "sh",
		self, "apply", "-f", h.file, "--auto-approve", "--confirm", "2s", "--node", h.name, "--netns-dir", h.dir, "--run-dir", h.runDir())
	shell.Env = append(os.Environ(), asTool+"=1")
	pipe, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	shell.Stdout, shell.Stderr = pipe, pipe
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := h.door.In("", shell.Start); err != nil {
		t.Fatal(err)
	}
	h.w.until("the change is made", func() bool {
		b, err := os.ReadFile(pipe.Name())
		return err == nil && strings.Contains(string(b), "applied")
	})
	h.converged(h.file)
	h.guarded()
	_ = syscall.Kill(-shell.Process.Pid, syscall.SIGHUP) // as a lost terminal does
	_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
	_ = shell.Wait()

	h.unguarded()
	h.asBefore()
	r := h.tool("confirm")
	if r.code != exitError || !strings.Contains(r.err, "nobody confirmed it by") {
		t.Errorf("confirm, too late: exit code %d: %s", r.code, r.err)
	}
	h.apply(h.file)
	if r := h.tool("confirm"); strings.Contains(r.err, "nobody") {
		t.Errorf("the next run doesn't end the talk of the last one: %s", r.err)
	}
}

// Whatever happens to the process that makes the change, at whatever point: all of it
// is there, and waits to be confirmed, or nothing.
func TestConfirmSignals(t *testing.T) {
	hostOnly(t)
	h := newChanging(t)
	const last = 24 // there are no more points
	step := 3
	if slow() {
		step = 11
	}
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			h.w.t = t
			for point := 1; point <= last; point += step {
				t.Setenv(dieVar, strconv.Itoa(point))
				t.Setenv(dieOfVar, strconv.Itoa(int(sig)))
				r := h.tool("apply", "-f", h.file, "--auto-approve", "--confirm", "60s")
				os.Unsetenv(dieVar)
				if r.code == exitOK { // all was done
					h.converged(h.file)
					if rec := h.tool("apply", "--recover"); rec.code != exitOK {
						t.Fatalf("recover: exit code %d: %s", rec.code, rec.err)
					}
				} else if sig == syscall.SIGHUP {
					t.Fatalf("point %d: it does not outlive its terminal: exit code %d\n%s%s", point, r.code, r.out, r.err)
				}
				h.unguarded()
				h.asBefore()
			}
		})
	}
}

// When the guard dies, the next command says so, and the change can be taken back or
// kept.
func TestGuardDies(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		file func(h *changingHost) string // that the host is as, in the end
	}{
		{"recover", []string{"apply", "--recover"}, func(h *changingHost) string { return h.old }},
		{"confirm", []string{"confirm"}, func(h *changingHost) string { return h.file }},
		{"another apply", []string{"apply", "--auto-approve"}, func(h *changingHost) string { return h.file }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newChanging(t)
			h.apply(h.file, "--confirm", "60s")
			if err := syscall.Kill(h.guarded(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			h.unguarded()
			r := h.tool("plan", "-f", h.file)
			if !strings.Contains(r.err, "has died") || !strings.Contains(r.err, "apply --recover") {
				t.Errorf("plan doesn't tell: %s", r.err)
			}
			if r := h.tool(append(tc.args, "-f", h.file)...); r.code != exitOK {
				t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
			}
			h.converged(tc.file(h))
			if r := h.tool("plan", "-f", h.file); r.err != "" {
				t.Errorf("it is told still: %s", r.err)
			}
		})
	}
}

// Told to end, as at shutdown or by who ends a session, the guard takes back at once.
func TestGuardTerminated(t *testing.T) {
	hostOnly(t)
	h := newChanging(t)
	h.apply(h.file, "--confirm", "1h")
	if err := syscall.Kill(h.guarded(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	h.unguarded()
	h.asBefore()
}

// No time, or one without end, is no way to confirm.
func TestConfirmTime(t *testing.T) {
	hostOnly(t)
	h := newChanging(t)
	for _, d := range []string{"-1s", "25h", "soon"} {
		if r := h.tool("apply", "-f", h.file, "--auto-approve", "--confirm="+d); r.code != exitError {
			t.Errorf("--confirm=%s: exit code %d: %s", d, r.code, r.err)
		}
	}
	h.asBefore()
}

// A change after which pairs are silent that answered before is taken back; one that
// harms nobody stays.
func TestVerifiedApply(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	old, file := w.file("old.yaml", two("vxlan")), w.file("topology.yaml", two("{type: vxlan, vni: 7}"))
	w.applyAll(old)
	w.hosts[0].ping("ns245", "172.246.0.2")
	h := w.hosts[0]
	before := h.shape()
	for _, confirm := range [][]string{nil, {"--confirm", "60s"}} {
		r := h.tool(append([]string{"apply", "-f", file, "--auto-approve", "--verify"}, confirm...)...)
		if want := "vm1/ns245 -> vm2/ns246 (172.246.0.2)"; r.code != exitRolledBack || !strings.Contains(r.err, want) {
			t.Errorf("%v: exit code %d, want %d, and %q\n%s%s", confirm, r.code, exitRolledBack, want, r.out, r.err)
		}
		h.unguarded()
		if d := cmp.Diff(before, h.shape()); d != "" {
			t.Fatalf("%v: the host after the change was taken back (-want +got):\n%s", confirm, d)
		}
	}
	smaller := w.file("topology.yaml", "mtu: 1400\n"+two("vxlan"))
	h.apply(smaller, "--verify")
	h.converged(smaller)
}

// On a host that has nothing yet, there is nothing to lose.
func TestVerifiedFirstApply(t *testing.T) {
	hostOnly(t)
	h := newWorld(t, "192.168.32.245/24").hosts[0]
	file := h.w.file("topology.yaml", two("vxlan"))
	h.apply(file, "--verify")
	h.converged(file)
}

// What destroy removes comes back, too.
func TestUnconfirmedDestroy(t *testing.T) {
	h := newChanging(t)
	if r := h.tool("destroy", "-f", h.old, "--auto-approve", "--confirm", "1s"); r.code != exitOK {
		t.Fatalf("destroy: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if links := h.ip("-br", "link"); strings.Contains(links, "br245") {
		t.Errorf("it is still there:\n%s", links)
	}
	h.unguarded()
	h.asBefore()
	h.inside("ns245", "link", "show", "dev", "eth0")
}

// The guard can do what taking a run back needs, and no more.
func TestGuardConfined(t *testing.T) {
	hostOnly(t)
	needPure(t)
	h := newChanging(t)
	h.apply(h.file, "--confirm", "60s")
	const changing = netAdmin | sysAdmin
	comesTo(t, h.guarded(), rights{Effective: changing, Permitted: changing, Bounding: changing, NoNewPrivileges: true})
	if r := h.tool("confirm"); r.code != exitOK {
		t.Errorf("confirm: exit code %d: %s", r.code, r.err)
	}
	h.unguarded()
}
