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
	if r := h.tool("graph", "-f", file, "--plan", "--base", file); r.code != exitError || !strings.Contains(r.err, "only one of them") {
		t.Errorf("--plan --base: exit code %d\n%s", r.code, r.err)
	}
}

// graph --base draws what changes on all nodes between two versions of a file.
func TestGraphBase(t *testing.T) {
	hostOnly(t)
	dir := t.TempDir()
	was, is := filepath.Join(dir, "was.yaml"), filepath.Join(dir, "is.yaml")
	for path, text := range map[string]string{was: two("vxlan"), is: strings.Replace(two("vxlan"), "  vm2:", "  vm3:", 1)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := runTool(t, toolCommand(t, "graph", "-f", is, "--base", was, "--format", "dot"))
	for _, want := range []string{`label="+ vm3\n`, `label="- vm2\n`, `label="~ vm1\n`, "legend"} {
		if r.code != exitOK || !strings.Contains(r.out, want) {
			t.Errorf("%q is not in the drawing: exit code %d\n%s%s", want, r.code, r.out, r.err)
		}
	}
}
