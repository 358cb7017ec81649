package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const rolloutScript = "../../examples/ci/rollout.sh"

// fleet lets scripts reach the world's hosts by ssh, sudo and netplan-overlay, as they
// would a real fleet: it returns the environment for that.
func (w *world) fleet() []string {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	bin := filepath.Join(w.dir, "bin")
	programs := map[string]string{
		"ssh": `while [ "$1" != -- ]; do shift; done
node=$2
shift 2
[ ! -e "$FLEET/$node/unreachable" ] || { echo "ssh: connect to host $node port 22: No route to host" >&2; exit 255; }
mkdir -p "$FLEET/$node/home"
cd "$FLEET/$node/home"
echo "$node" >>"$FLEET/calls"
NETPLAN_OVERLAY_NETNS_DIR=$FLEET/$node/netns NETPLAN_OVERLAY_RUN_DIR=$FLEET/$node/run exec nsenter --net="/run/netns/$PREFIX$node" sh -c "$*"`,
		"sudo":            `[ "$1" = -n ] && shift; exec "$@"`,
		"install":         `while [ $# -gt 1 ]; do from=$1; shift; done; cp "$from" installed`,
		"netplan-overlay": asTool + `=1 exec '` + self + `' "$@"`,
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		w.t.Fatal(err)
	}
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	return append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "FLEET="+w.dir, "PREFIX="+w.id, "NO_COLOR=1", "SSH_CONNECTION=")
}

// The script that the recipes apply with, on two hosts.
func TestRollout(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	env := w.fleet()
	rollout := func(args ...string) (string, error) {
		cmd := exec.Command(rolloutScript, args...)
		cmd.Env = env
		b, err := cmd.CombinedOutput()
		return string(b), err
	}
	rolls := func(args ...string) string {
		t.Helper()
		out, err := rollout(args...)
		if err != nil {
			t.Fatalf("rollout %v: %v\n%s", args, err, out)
		}
		return out
	}
	before := two("vxlan")
	file := w.file("topology.yaml", before)
	if out := rolls(file); strings.Count(out, "Confirmed") != 2 {
		t.Errorf("not each host's change was confirmed:\n%s", out)
	}
	for _, h := range w.hosts {
		h.converged(file)
	}
	w.hosts[0].ping("ns245", "172.246.0.2")
	if b, err := os.ReadFile(filepath.Join(w.dir, "vm2", "home", "installed")); string(b) != before {
		t.Errorf("what is to be found at boot is not what was rolled out: %v %s", err, b)
	}

	// Where nothing differs, nothing waits to be confirmed.
	if out := rolls(file, "vm1"); strings.Contains(out, "Confirmed") {
		t.Errorf("a host that was right already was changed:\n%s", out)
	}

	// In phases, over to another VNI.
	other := w.file("other.yaml", two("{type: vxlan, vni: 77}"))
	rolls("--phases", other)
	for _, h := range w.hosts {
		h.converged(other)
	}
	w.hosts[1].ping("ns246", "172.245.0.2")

	// A host that cannot be reached ends it before the next one.
	if err := os.WriteFile(filepath.Join(w.dir, "vm1", "unreachable"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := rollout(file); err == nil || !strings.Contains(out, "No route to host") || strings.Contains(out, "== vm2") {
		t.Errorf("vm1 was unreachable: %v\n%s", err, out)
	}
	w.hosts[1].converged(other)

	if out, err := rollout(w.file("broken.yaml", "nodes: 1"), "vm2"); err == nil || strings.Contains(out, "==") {
		t.Errorf("a broken file was rolled out: %v\n%s", err, out)
	}
}
