package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// graph draws a file without a host, and with --plan what changes on this one; the file
// that it writes has the form of its suffix.
func TestGraph(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	for _, tc := range []struct{ format, want string }{
		{"mermaid", "flowchart LR\n"}, {"dot", "graph {\n"}, {"svg", "<svg "},
	} {
		r := h.tool("graph", "-f", file, "--format", tc.format)
		if r.code != exitOK || !strings.HasPrefix(r.out, tc.want) || strings.Contains(r.out, "legend") {
			t.Errorf("--format %s: exit code %d\n%s%s", tc.format, r.code, r.out, r.err)
		}
	}
	before := h.tool("graph", "-f", file, "--plan")
	if before.code != exitOK || !strings.Contains(before.out, ":::create") {
		t.Errorf("nothing is created: exit code %d\n%s%s", before.code, before.out, before.err)
	}
	h.apply(file)
	after := h.tool("graph", "-f", file, "--plan")
	if after.code != exitOK || strings.Contains(after.out, ":::create") || !strings.Contains(after.out, "no changes") {
		t.Errorf("something changes: exit code %d\n%s%s", after.code, after.out, after.err)
	}
	for name, want := range map[string]string{"a.svg": "<svg ", "a.dot": "graph {", "a.md": "flowchart LR"} {
		path := filepath.Join(w.dir, name)
		if r := h.tool("graph", "-f", file, "-o", path); r.code != exitOK || r.out != "" {
			t.Errorf("--out %s: exit code %d\n%s%s", name, r.code, r.out, r.err)
		}
		if b, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %v\n%s", name, err, b)
		}
	}
	if r := h.tool("graph", "-f", file, "--format", "png"); r.code != exitError || !strings.Contains(r.err, "mermaid, dot or svg") {
		t.Errorf("--format png: exit code %d\n%s", r.code, r.err)
	}
	if r := h.tool("graph", "-f", file, "--max-hosts", "-1"); r.code != exitError {
		t.Errorf("--max-hosts -1: exit code %d", r.code)
	}
}
