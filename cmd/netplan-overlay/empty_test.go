package main

import (
	"os"
	"strings"
	"testing"
)

// withoutNode is a topology of the other node alone.
func withoutNode(text, name string) string {
	start := strings.Index(text, "  "+name+":")
	end := strings.Index(text[start+1:], "\n  vm")
	if end < 0 {
		return text[:start]
	}
	return text[:start] + text[start+1+end+1:]
}

// head is a topology up to its nodes.
func head(text string) string { return text[:strings.Index(text, "nodes:")] }

// bareNode is vm1 without its bridges and namespaces.
func bareNode(text string) string {
	return strings.Replace(strings.Replace(text, "    bridges:    {br245: 172.245.0.1/24}\n", "", 1), "    namespaces: {ns245: 172.245.0.2/24}\n", "", 1)
}

// An empty topology, or one without this node, changes nothing unless that is allowed;
// and one that cannot tell what it is changes nothing even then.
func TestEmptyTopology(t *testing.T) {
	hostOnly(t)
	text := two("vxlan")
	for _, tc := range []struct {
		name, file string
		want       string // in the error; with --allow-empty, it is an error still if never
		never      bool
	}{
		{"an empty file", "", "the file is empty", true},
		{"nothing but a comment", "# gone\n", "the file is empty", true},
		{"cut off before the nodes", head(text), "nodes is missing", true},
		{"cut off in the nodes", head(text) + "nodes:\n", "there are no nodes", true},
		{"a node without anything", head(text) + "nodes:\n  vm1:\n", "the node has no address", true},
		{"no nodes", head(text) + "nodes: {}\n", "run destroy, or apply --allow-empty", false},
		{"without this node", withoutNode(text, "vm1"), `topology classic has no node "vm1"; it has vm2 (192.168.32.246); nothing was changed; ` +
			"this host has what was made for classic/vm1: if the node is to have nothing any more, remove it with destroy --node vm1, or apply --allow-empty", false},
		{"a node that lost all", bareNode(text), "node vm1 has neither bridges nor namespaces any more, and the plan destroys all that it had", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "192.168.32.245/24")
			h := w.hosts[0]
			bare := h.snapshot()
			file := w.file("topology.yaml", text)
			h.apply(file)
			before := h.snapshot()
			w.file("topology.yaml", tc.file)
			tries := [][]string{{"plan"}, {"apply", "--auto-approve"}}
			if tc.never {
				tries = append(tries, []string{"plan", "--allow-empty"}, []string{"apply", "--auto-approve", "--allow-empty"}, []string{"destroy", "--auto-approve"})
			}
			for _, command := range tries {
				if r := h.tool(append(command, "-f", file)...); r.code != exitError || !strings.Contains(r.err, tc.want) {
					t.Errorf("%v: exit code %d, want %d and %q\n%s%s", command, r.code, exitError, tc.want, r.out, r.err)
				}
			}
			if after := h.snapshot(); after != before {
				t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
			}
			if tc.never {
				return
			}
			if r := h.tool("plan", "-f", file, "--allow-empty"); r.code != exitOK || !strings.Contains(r.out, "- netns ns245") {
				t.Errorf("plan --allow-empty: exit code %d\n%s%s", r.code, r.out, r.err)
			}
			h.apply(file, "--allow-empty")
			if after := h.snapshot(); tc.name != "a node that lost all" && after != bare {
				t.Errorf("after apply --allow-empty:\n%s\nbefore everything:\n%s", after, bare)
			}
			if r := h.tool("apply", "-f", file, "--auto-approve", "--allow-empty"); r.code != exitOK || !strings.Contains(r.out, "No changes") {
				t.Errorf("a second time: exit code %d\n%s%s", r.code, r.out, r.err)
			}
		})
	}
}

// Which node a topology lacks is told by the marks on the host; destroy needs no more.
// The other guards hold all the same.
func TestAbsentNode(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	bare := h.snapshot()
	file := w.file("topology.yaml", two("vxlan"))
	alone := func(args ...string) result { // without --node
		tool, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		return h.in("", tool, append(args, "-f", file, "--netns-dir", h.dir, "--run-dir", h.runDir())...)
	}
	for _, command := range [][]string{{"apply", "--allow-empty", "--auto-approve"}, {"destroy", "--auto-approve"}} {
		w.file("topology.yaml", two("vxlan"))
		h.apply(file)
		w.file("topology.yaml", withoutNode(two("vxlan"), "vm1"))
		if r := alone("apply", "--auto-approve"); r.code != exitError || !strings.Contains(r.err, "made for classic/vm1") {
			t.Errorf("apply: exit code %d, want %d and whose marks there are\n%s%s", r.code, exitError, r.out, r.err)
		}
		h.ip("address", "add", "10.99.0.1/24", "dev", "br245")
		before := h.snapshot()
		if r := alone(command...); r.code != exitError || !strings.Contains(r.err, "--allow-harm") {
			t.Errorf("%v: exit code %d, want %d and the harm\n%s%s", command, r.code, exitError, r.out, r.err)
		}
		if r := alone(append(command, "--allow-harm", "--max-destroy", "3")...); r.code != exitError || !strings.Contains(r.err, "--max-destroy 3 allows") {
			t.Errorf("%v --max-destroy 3: exit code %d, want %d and the limit\n%s%s", command, r.code, exitError, r.out, r.err)
		}
		if r := alone(append(command, "--allow-harm", "--max-impact", "brief")...); r.code != exitError || !strings.Contains(r.err, "--max-impact brief allows") {
			t.Errorf("%v --max-impact brief: exit code %d, want %d and the impact\n%s%s", command, r.code, exitError, r.out, r.err)
		}
		if after := h.snapshot(); after != before {
			t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
		}
		if r := alone(append(command, "--allow-harm")...); r.code != exitOK {
			t.Errorf("%v: exit code %d\n%s%s", command, r.code, r.out, r.err)
		}
		if after := h.snapshot(); after != bare {
			t.Errorf("after %v:\n%s\nbefore everything:\n%s", command, after, bare)
		}
	}
}
