package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeSSH is an ssh that notes what it is called with, and answers with what a file has
// for the host. The tool lets it gain nothing, so that it cannot look at a host itself.
const fakeSSH = `#!/bin/sh
echo "$*" >>"$FAKE_SSH/calls"
while [ "$1" != -- ]; do shift; done
host=${2#*@}
printf %s "$3" >"$FAKE_SSH/$host.command"
case $host in
hanging) sleep 100 & sleep 100 ;;
garbage) printf 'Welcome to \033[31mgarbage\n' ;;
old) echo 'Error: unknown flag: --out; see netplan-overlay observe --help' >&2; exit 1 ;;
bare) echo "sh: 1: netplan-overlay: not found" >&2; exit 127 ;;
lingering) sleep 2 & cat "$FAKE_SSH/vm1.json" ;;
*) [ -f "$FAKE_SSH/$host.json" ] && exec cat "$FAKE_SSH/$host.json"
   printf 'ssh: connect to host %s port 22: \033[31mNo route to host\n' "$host" >&2; exit 255 ;;
esac
`

// Hosts are asked by ssh, side by side, and each answer is told in the end.
func TestPlanBySSH(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	file := w.file("topology.yaml", two("vxlan"))
	w.hosts[0].apply(file)
	dir := filepath.Join(w.dir, "ssh")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(fakeSSH), 0o755); err != nil {
		t.Fatal(err)
	}
	plan := func(args ...string) result {
		t.Helper()
		cmd := toolCommand(t, append([]string{"plan", "-f", file, "--format", "json", "--detailed-exitcode", "--ssh-command", os.Args[0]}, args...)...)
		cmd.Env = append(cmd.Env, "FAKE_SSH="+dir, "PATH="+dir+":"+os.Getenv("PATH"))
		return runTool(t, cmd)
	}
	check := func(what string, r result, code int, nodes string, told ...string) {
		t.Helper()
		if r.code != code {
			t.Errorf("%s: exit code %d; want %d\n%s", what, r.code, code, r.err)
		}
		if nodes != "" {
			if got := nodesOf(t, r.out); got != nodes {
				t.Errorf("%s: %s; want %s", what, got, nodes)
			}
		}
		for _, x := range told {
			if !strings.Contains(r.err, x) {
				t.Errorf("%s: %q is not told:\n%s", what, x, r.err)
			}
		}
		if strings.Contains(r.err+r.out, "\x1b") {
			t.Errorf("%s: it commands the terminal", what)
		}
	}

	check("nobody answers", plan("--all-nodes", "--ssh-template", "root@{node}"), exitError, "",
		"node vm1: ssh root@vm1: ssh: connect to host vm1 port 22:", "No route to host", "vm2   root@vm2  error")
	for _, h := range w.hosts {
		// What the hosts were asked, they are asked now.
		line, err := os.ReadFile(filepath.Join(dir, h.name+".command"))
		if err != nil {
			t.Fatal(err)
		}
		r := h.in("", "sh", "-c", fmt.Sprintf("%s --netns-dir %s --run-dir %s", line, h.dir, h.runDir()))
		if r.code != exitOK {
			t.Fatalf("%s: %s", line, r.err)
		}
		if err := os.WriteFile(filepath.Join(dir, h.name+".json"), []byte(r.out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const change = "12 to add, 1 to change, 0 to destroy"
	check("all", plan("--all-nodes"), exitChanges, "vm1, vm2 create 13", "vm1   vm1   no changes", "vm2   vm2   "+change)
	check("one node of all", plan("--all-nodes", "--node", "vm1"), exitOK, "vm1", "vm1   vm1   no changes")
	check("by name", plan("--ssh", "root@vm2"), exitChanges, "vm2 create 13")
	check("as a node", plan("--ssh", "vm2=vm1"), exitError, "", "no device of this host has the node's underlay address 192.168.32.246")
	check("a connection that stays", plan("--ssh", "lingering", "--node", "vm1"), exitOK, "vm1")
	check("one that hangs", plan("--ssh", "vm2", "--ssh", "vm1=hanging", "--ssh-timeout", "300ms"), exitError, "",
		"node vm1: ssh hanging: no answer within 300ms", "vm1   hanging  error", "vm2   vm2      "+change)
	check("garbage", plan("--ssh", "vm1=garbage"), exitError, "", "what garbage answered: it is no snapshot")
	check("an old program", plan("--ssh", "vm1=old"), exitError, "", "on old: Error: unknown flag: --out", "is too old for it")
	check("no program", plan("--ssh", "vm1=bare"), exitError, "", "on bare: ", "with --ssh-command")
	check("an option", plan("--ssh", "vm1=-oProxyCommand=touch x"), exitError, "", "begins with -")
	check("a shell's words", plan("--ssh", "vm1=$(touch x)"), exitError, "", "has a character that no host name has")
	check("no such node", plan("--ssh", "vm7=vm1"), exitError, "", `has no node "vm7"`)
	check("two ways", plan("--ssh", "vm1", "--all-nodes"), exitError, "", "--ssh and --all-nodes: only one of them")

	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(calls), "-o BatchMode=yes -o ConnectTimeout=30 -T -- root@vm1 "+os.Args[0]+" observe --out - --topology-name classic --node vm1\n") {
		t.Errorf("ssh is called so:\n%s", calls)
	}
}
