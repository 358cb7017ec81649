package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// A first topology is valid, names the schema that lies beside it, and works in the lab.
func TestInit(t *testing.T) {
	hostOnly(t)
	needSandbox(t)
	for _, args := range [][]string{
		nil,
		{"--backend", "host-gw", "--name", "campus", "--nodes", "a=10.64.0.1,b=10.64.0.2", "--nodes", "c=10.64.0.3"},
	} {
		file := filepath.Join(t.TempDir(), "topology.yaml")
		r := inProcess(t, append([]string{"init", "-o", file}, args...)...)
		if r.code != exitOK || r.out != "" || !strings.Contains(r.err, "validate -f "+file) {
			t.Fatalf("init: exit code %d\n%s%s", r.code, r.out, r.err)
		}
		text := contents(t, file)
		if !strings.HasPrefix(text, "# yaml-language-server: $schema="+schemaFile+"\n") {
			t.Errorf("the file begins with %q", text[:70])
		}
		want, _ := schema.Text(schema.TopologyName)
		if got := contents(t, filepath.Join(filepath.Dir(file), schemaFile)); got != string(want) {
			t.Errorf("the schema beside it has %d bytes, want %d", len(got), len(want))
		}
		if printed := inProcess(t, append([]string{"init"}, args...)...); printed.out != text || printed.err != "" {
			t.Errorf("what is printed is not what is written:\n%s%s", printed.out, printed.err)
		}
		if r := runTool(t, toolCommand(t, "validate", "-f", file)); r.code != exitOK || r.err != "" {
			t.Errorf("validate: exit code %d\n%s%s", r.code, r.out, r.err)
		}
		if r := runTool(t, toolCommand(t, "lab", "test", "-f", file)); r.code != exitOK || !strings.Contains(r.out, "pairs are reachable") {
			t.Errorf("lab test: exit code %d\n%s%s", r.code, r.out, r.err)
		}
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What is there is not replaced; where one file is in the way, the other one is not written,
// either.
func TestInitKeepsFiles(t *testing.T) {
	hostOnly(t)
	for _, tc := range []struct {
		name   string
		before map[string]string
		args   []string
		want   string // of what is said
		after  map[string]string
	}{
		{"a topology", map[string]string{"t.yaml": "mine"}, nil, "t.yaml is there already; --force replaces it", map[string]string{"t.yaml": "mine"}},
		{"a schema", map[string]string{schemaFile: "mine"}, nil, schemaFile + " is there already; --force replaces it", map[string]string{schemaFile: "mine"}},
		{"a link", map[string]string{"t.yaml": "-> other", "other": "mine"}, nil, "t.yaml is there already", map[string]string{"other": "mine"}},
		{"a link, by force", map[string]string{"t.yaml": "-> other", "other": "mine"}, []string{"--force"}, "is a symbolic link, not a file: it is not replaced", map[string]string{"other": "mine"}},
		{"both, by force", map[string]string{"t.yaml": "mine", schemaFile: "mine"}, []string{"--force"}, "Wrote ", map[string]string{"t.yaml": "# yaml-l", schemaFile: "{\n"}},
		{"the same schema", map[string]string{schemaFile: "SCHEMA"}, nil, "Wrote ", map[string]string{"t.yaml": "# yaml-l", schemaFile: "{\n"}},
		{"a schema elsewhere", nil, []string{"--schema", "DIR/editor.json"}, "Wrote ", map[string]string{"t.yaml": "# yaml-language-server: $schema=editor.json\n", "editor.json": "{\n"}},
		{"a directory", nil, []string{"--schema", "DIR/"}, "is there already", map[string]string{}},
		{"a name with a space", nil, []string{"--schema", "DIR/a b"}, "white space", map[string]string{}},
		{"an invalid topology", nil, []string{"--backend", "udp"}, "is not a backend", map[string]string{}},
		{"no address", nil, []string{"--nodes", "vm1"}, "a node is NAME=ADDRESS", map[string]string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tc.before {
				place(t, filepath.Join(dir, name), text)
			}
			args := []string{"init", "-o", filepath.Join(dir, "t.yaml")}
			for _, a := range tc.args {
				args = append(args, strings.ReplaceAll(a, "DIR", dir))
			}
			r := inProcess(t, args...)
			if want := strings.HasPrefix(tc.want, "Wrote"); (r.code == exitOK) != want || !strings.Contains(r.err, tc.want) {
				t.Errorf("exit code %d, want %q: %s", r.code, tc.want, r.err)
			}
			for name, text := range tc.after {
				if got := contents(t, filepath.Join(dir, name)); !strings.HasPrefix(got, text) {
					t.Errorf("%s is %.70q, want %q", name, got, text)
				}
			}
			if _, err := os.Lstat(filepath.Join(dir, "t.yaml")); tc.after != nil && tc.after["t.yaml"] == "" && tc.before["t.yaml"] == "" && err == nil {
				t.Error("a topology was written, although something is wrong")
			}
		})
	}
}

// place puts a file, "SCHEMA" being the schema, and "-> NAME" a link.
func place(t *testing.T, path, text string) {
	t.Helper()
	if to, ok := strings.CutPrefix(text, "-> "); ok {
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text == "SCHEMA" {
		b, _ := schema.Text(schema.TopologyName)
		text = string(b)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
