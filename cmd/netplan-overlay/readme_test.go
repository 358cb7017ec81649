package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readme returns README.md, or what it has between two texts.
func readme(t *testing.T, from, to string) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), from)
	part, _, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("README.md has nothing between %q and %q", from, to)
	}
	return part
}

// The topology that the README shows is the example.
func TestReadmeTopology(t *testing.T) {
	hostOnly(t)
	want := readme(t, "```yaml\n", "```")
	got, err := os.ReadFile("../../examples/classic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("examples/classic.yaml (-README +file):\n%s", d)
	}
}

var milliseconds = regexp.MustCompile(` *[0-9]+\.[0-9]{2} ms`)

// What the README says that the lab prints, it prints, but for the times.
func TestReadmeLab(t *testing.T) {
	needSandbox(t)
	want := readme(t, "lab test -f examples/classic.yaml\n", "```")
	r := runTool(t, toolCommand(t, "lab", "test", "-f", "../../examples/classic.yaml"))
	if d := cmp.Diff(milliseconds.ReplaceAllString(want, " TIME"), milliseconds.ReplaceAllString(r.out, " TIME")); d != "" {
		t.Errorf("the lab prints (-README +program):\n%s%s", d, r.err)
	}
}

// So is the plan.
func TestReadmePlan(t *testing.T) {
	hostOnly(t)
	want := readme(t, "plan -f topology.yaml\n", "\nvm1#")
	w := twoHosts(t)
	text, err := os.ReadFile("../../examples/classic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := w.file("topology.yaml", string(text))
	r := w.hosts[0].tool("plan", "-f", file)
	got := strings.ReplaceAll(r.out, filepath.Dir(file)+"/", "")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the plan is (-README +program):\n%s%s", d, r.err)
	}
}
