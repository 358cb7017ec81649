package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// origins returns the origins of a plan's changes, by what changes.
func (h *host) origins(file string) map[string]string {
	h.w.t.Helper()
	r := h.tool("plan", "-f", file, "--format", "json")
	var p struct {
		Changes []struct{ Kind, Name, Origin string }
	}
	if err := json.Unmarshal([]byte(r.out), &p); err != nil {
		h.w.t.Fatalf("%v: %s", err, r.err)
	}
	m := map[string]string{}
	for _, c := range p.Changes {
		m[c.Kind+" "+c.Name] = c.Origin
	}
	return m
}

func (h *host) originOf(file, object, want string) {
	h.w.t.Helper()
	if got := h.origins(file); got[object] != want {
		h.w.t.Errorf("%s is %q, not %q: %v", object, got[object], want, got)
	}
}

// A plan tells what the file has changed from what somebody did to the host.
func TestOrigins(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	before := w.file("topology.yaml", two("vxlan"))
	h.originOf(before, "link br245", "spec")
	h.apply(before)

	h.ip("link", "set", "br245", "mtu", "1300")
	h.originOf(before, "link br245", "drift")
	if r := h.tool("plan", "-f", before); !strings.Contains(r.out, "(drift; impact: ") || !strings.Contains(r.out, "1 of 1 change is drift.") {
		t.Errorf("the plan doesn't tell:\n%s", r.out)
	}
	after := w.file("other.yaml", strings.Replace(two("vxlan"), "172.246.0.", "172.247.0.", 2))
	h.originOf(after, "link br245", "drift")
	h.originOf(after, "route 172.247.0.0/24", "spec")
	h.originOf(after, "route 172.246.0.0/24", "spec")

	// What was refused was not applied.
	if r := h.tool("apply", "-f", after, "--auto-approve", "--max-destroy", "0"); r.code != exitError || !strings.Contains(r.err, "--max-destroy") {
		t.Fatal(r.code, r.err)
	}
	h.originOf(after, "route 172.246.0.0/24", "spec")
	if left, err := filepath.Glob(filepath.Join(h.runDir(), "classic@vm1", ".*")); err != nil || len(left) > 0 {
		t.Error("a refused run leaves", left, err)
	}

	// An unconfirmed change is not what was applied last, before it is confirmed.
	h.apply(after, "--confirm", "60s")
	h.originOf(before, "route 172.246.0.0/24", "drift")
	if r := h.tool("confirm"); r.code != exitOK {
		t.Fatal(r.err)
	}
	h.originOf(before, "route 172.246.0.0/24", "spec")

	h.ip("link", "add", "left", "group", "157", "type", "bridge")
	h.ip("link", "set", "left", "alias", "netplan-overlay:classic/vm1")
	h.originOf(after, "link left", "orphan")

	// What is remembered is nothing that anything hangs on.
	applied := filepath.Join(h.runDir(), "classic@vm1", "applied")
	for _, text := range []string{"", "x\n", "x\n[]", "x\n[{\"Name\":\"a\",\"Data\":\"bm9kZXM6\"}]"} {
		if err := os.WriteFile(applied, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h.originOf(after, "link left", "")
	}
	h.apply(after)
	h.converged(after)
	if r := h.tool("destroy", "-f", after, "--auto-approve"); r.code != exitOK {
		t.Fatal(r.err)
	}
	if _, err := os.Stat(applied); err == nil {
		t.Error("destroy leaves what was applied last")
	}
}

// What was applied last is what was applied as a whole, and kept.
func TestAppliedLast(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	before := w.file("topology.yaml", two("host-gw"))
	after := w.file("other.yaml", strings.Replace(two("host-gw"), "172.246.0.", "172.247.0.", 2))
	dir := filepath.Join(h.runDir(), "classic@vm1")
	note := func() string {
		b, _ := os.ReadFile(filepath.Join(dir, "applied"))
		return string(b)
	}
	ok := func(args ...string) {
		t.Helper()
		if r := h.tool(args...); r.code != exitOK {
			t.Fatalf("%v: exit code %d\n%s%s", args, r.code, r.out, r.err)
		}
	}
	h.apply(before)
	first := note()
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"a change taken back", func() { h.apply(after, "--confirm", "60s"); ok("apply", "--recover") }},
		{"a removal taken back", func() { ok("destroy", "-f", before, "--auto-approve", "--confirm", "60s"); ok("apply", "--recover") }},
		{"a phase", func() { h.apply(after, "--phase", "commit") }},
		{"a phase that is confirmed", func() { h.apply(after, "--phase", "commit", "--confirm", "60s"); ok("confirm") }},
	} {
		c.do()
		if note() != first {
			t.Errorf("%s has changed what was applied last", c.name)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "applied.*")); err != nil || len(left) > 0 {
			t.Errorf("%s leaves %v %v", c.name, left, err)
		}
		h.apply(before)
	}

	// What another backend needs to know of the peers is found out for the former topology.
	h.ip("address", "del", "172.245.0.1/24", "dev", "br245")
	h.originOf(w.file("overlay.yaml", two("vxlan")), "address 172.245.0.1/24 on br245", "drift")

	ok("destroy", "-f", before, "--auto-approve", "--confirm", "60s")
	if note() != first {
		t.Error("what waits to be confirmed is taken for what was applied last")
	}
	ok("confirm")
	if note() != "" {
		t.Error("something is noted as applied after all was removed")
	}
}
