package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Bad input changes nothing on the host, and says where and what.
func TestBadInput(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	before := h.snapshot()
	good := two("vxlan")
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown key", "bridges:    {br245", "bridgs:    {br245", `did you mean "bridges"`},
		{"bad address", "172.245.0.1/24", "172.245.0.256/24", "topology.yaml:7:"},
		{"name too long", "br245", "averyverylongbridge", "15"},
		{"outside the bridge's subnet", "ns245: 172.245.0.2/24", "ns245: 172.99.0.2/24", "topology.yaml:8:"},
		{"tab", "nodes:", "\tnodes:", "topology.yaml:4"},
		{"not YAML", "nodes:", "nodes: {{{", "topology.yaml:"},
		{"no version", "apiVersion: netplan-overlay/v1\n", "", "apiVersion"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bad := strings.Replace(good, tc.old, tc.new, 1)
			if bad == good {
				t.Fatal("the input is not bad at all")
			}
			file := w.file("topology.yaml", bad)
			for _, command := range [][]string{{"validate"}, {"plan"}, {"apply", "--auto-approve"}} {
				r := h.tool(append(command, "-f", file)...)
				if r.code != exitError || !strings.Contains(r.err, tc.want) {
					t.Errorf("%s: exit code %d, want %d and %q\n%s", command[0], r.code, exitError, tc.want, r.err)
				}
			}
		})
	}
	if after := h.snapshot(); after != before {
		t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
	}
}

// Without privileges, the missing capability is named.
func TestMissingPrivileges(t *testing.T) {
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	w.must("chmod", "-R", "a+rX", w.dir)
	w.must("chmod", "a+rx", w.dir+"/..", w.dir+"/../..")
	w.must("chmod", "a+r", file)
	before := h.snapshot()
	cmd := exec.Command(self(t), "apply", "-f", file, "--auto-approve", "--node", "vm1", "--netns-dir", h.dir, "--run-dir", h.runDir())
	cmd.Env = []string{asTool + "=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	errs := h.startAs(cmd, 65534)
	r := w.finish(cmd, errs)
	if r.code != exitError || !strings.Contains(r.err, "CAP_NET_ADMIN") {
		t.Errorf("apply as nobody: exit code %d, want %d and the capability\n%s%s", r.code, exitError, r.out, r.err)
	}
	if after := h.snapshot(); after != before {
		t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
	}
}

// Nobody can approve where stdin is no terminal.
func TestNoTerminal(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	r := h.tool("apply", "-f", w.file("topology.yaml", two("vxlan")))
	if r.code != exitError || !strings.Contains(r.err, "--auto-approve") {
		t.Errorf("exit code %d, want %d and the hint\n%s%s", r.code, exitError, r.out, r.err)
	}
}

// Another topology on the same host is named.
func TestOtherTopology(t *testing.T) {
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	h.apply(w.file("topology.yaml", two("vxlan")))
	before := h.snapshot()
	other := w.file("other.yaml", strings.Replace(two("vxlan"), "name: classic", "name: other", 1))
	r := h.tool("apply", "-f", other, "--auto-approve")
	if r.code != exitError || !strings.Contains(r.err, "classic/vm1") {
		t.Errorf("exit code %d, want %d and the other topology's name\n%s%s", r.code, exitError, r.out, r.err)
	}
	if after := h.snapshot(); after != before {
		t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
	}
}

// self is the test binary, copied to where anybody may run it.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "netplan-overlay")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "tool")
	if err := os.WriteFile(copied, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

// startAs is start, as another user.
func (h *host) startAs(cmd *exec.Cmd, uid uint32) *bytes.Buffer {
	h.w.t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if err := h.door.In("", cmd.Start); err != nil {
		h.w.t.Fatal(err)
	}
	return &errs
}
