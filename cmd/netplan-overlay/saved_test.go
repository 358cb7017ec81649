package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// savedPlan makes a host that is to get a smaller MTU, and saves the plan.
func savedPlan(t *testing.T) (h *host, file, plan string) {
	t.Helper()
	w := newWorld(t, "192.168.32.245/24")
	h = w.hosts[0]
	file = w.file("topology.yaml", two("vxlan"))
	h.apply(file)
	w.file("topology.yaml", strings.Replace(two("vxlan"), "nodes:", "mtu: 1400\nnodes:", 1))
	plan = filepath.Join(w.dir, "p.plan")
	if r := h.tool("plan", "-f", file, "--out", plan); r.code != exitOK {
		t.Fatalf("plan --out: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	return h, file, plan
}

// A saved plan is executed without asking, and just once.
func TestSavedPlan(t *testing.T) {
	h, file, plan := savedPlan(t)
	if st, err := os.Stat(plan); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the plan's file: %v, %v", st.Mode(), err)
	}
	if r := h.tool("apply", "-f", file, "--plan", plan); r.code != exitOK {
		t.Fatalf("apply --plan: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	h.converged(file)
	if r := h.tool("apply", "-f", file, "--plan", plan); r.code != exitStale || !strings.Contains(r.err, "to update link br245 is not needed any more") {
		t.Errorf("a second time: exit code %d, want %d\n%s%s", r.code, exitStale, r.out, r.err)
	}
}

// A saved plan that is not what would be done now is not executed, and says why.
func TestStalePlan(t *testing.T) {
	hostOnly(t)
	for _, tc := range []struct {
		name  string
		drift func(h *host, file, plan string)
		code  int
		want  string
	}{
		{"an attribute changed", func(h *host, _, _ string) { h.ip("link", "set", "br245", "mtu", "1420") }, exitStale, "mtu of link br245 was 1450, and is 1420"},
		{"an object went", func(h *host, _, _ string) { h.ip("link", "delete", "vxlan1") }, exitStale, "link vxlan1"},
		{"an object came", func(h *host, _, _ string) { h.ip("route", "add", "10.7.0.0/16", "dev", "eth0", "proto", "157") }, exitStale, "to delete route 10.7.0.0/16 is needed now, too"},
		{"the file changed", func(h *host, file, _ string) { h.w.file("topology.yaml", two("vxlan")) }, exitStale, "the topology's files have changed"},
		{"another node", func(h *host, _, _ string) { h.name = "vm2" }, exitStale, "it is of the node vm1, not vm2"},
		{"cut off", func(_ *host, _, plan string) { edit(t, plan, func(b []byte) []byte { return b[:len(b)-2] }) }, exitError, "cut off, or changed"},
		{"empty", func(_ *host, _, plan string) { edit(t, plan, func([]byte) []byte { return nil }) }, exitError, "it is no saved plan"},
		{"edited", func(_ *host, _, plan string) {
			edit(t, plan, func(b []byte) []byte { return bytes.Replace(b, []byte("1350"), []byte("1351"), 1) })
		}, exitError, "cut off, or changed"},
		{"of another version", func(_ *host, _, plan string) {
			edit(t, plan, func(b []byte) []byte { return bytes.Replace(b, []byte("plan 1 "), []byte("plan 9 "), 1) })
		}, exitError, "its format is 9"},
		{"writable by others", func(_ *host, _, plan string) {
			if err := os.Chmod(plan, 0o666); err != nil {
				t.Fatal(err)
			}
		}, exitError, "others may write"},
		{"a symbolic link", func(_ *host, _, plan string) {
			if err := os.Rename(plan, plan+".real"); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(plan+".real", plan); err != nil {
				t.Fatal(err)
			}
		}, exitError, "is a symbolic link, and is not followed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, file, plan := savedPlan(t)
			tc.drift(h, file, plan)
			before := h.snapshot()
			r := h.tool("apply", "-f", file, "--plan", plan)
			if r.code != tc.code || !strings.Contains(r.err, tc.want) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", r.code, tc.code, tc.want, r.out, r.err)
			}
			if after := h.snapshot(); after != before {
				t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

func edit(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}
