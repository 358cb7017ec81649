package daemon

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

const example = `apiVersion: netplan-overlay/v1
name: one
backend: vxlan
nodes:
  vm1: {address: 192.0.2.1, bridges: {br0: 10.0.1.1/24}}
`

func parsed(t *testing.T, text string) *topology {
	t.Helper()
	top, problems := spec.Parse([]spec.Source{{Name: "t.yaml", Data: []byte(text)}})
	if top == nil {
		t.Fatal(problems)
	}
	return &topology{top, top.Digest, strings.Repeat("ab", 20)}
}

// What was kept is read again, for the same paths and node only; what is not whole, is
// not what it says, or cannot be trusted, is not used.
func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	open := func(path string) *Daemon {
		return &Daemon{c: Config{StateDir: dir, Paths: []string{path}, Log: slog.New(slog.DiscardHandler)}}
	}
	if n := open("a.yaml").restore(); n != nil {
		t.Fatalf("restored %v from nothing", n)
	}
	want := parsed(t, example)
	open("a.yaml").store(want)
	if got := open("a.yaml").restore(); got == nil || got.digest != want.digest || got.commit != want.commit || got.Name != "one" {
		t.Errorf("restored %+v", got)
	}
	if got := open("b.yaml").restore(); got != nil {
		t.Errorf("restored %+v for other files", got)
	}
	file := filepath.Join(dir, open("a.yaml").storeName())
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "cut off": string(whole[:len(whole)-9]), "no JSON": "abc \nnodes:", "another digest": "0" + string(whole),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := open("a.yaml").restore(); got != nil {
			t.Errorf("%s: restored %+v", name, got)
		}
	}
	real := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.WriteFile(real, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, file); err != nil {
		t.Fatal(err)
	}
	if got := open("a.yaml").restore(); got != nil {
		t.Error("restored through a symlink")
	}
}

// A dry run keeps nothing.
func TestStoreDryRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	d := &Daemon{c: Config{StateDir: dir, Paths: []string{"a"}, DryRun: true, Log: slog.New(slog.DiscardHandler)}}
	d.store(parsed(t, example))
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("there is something: %v", err)
	}
}

// The commit is told by a directory on the way that has a commit's name.
func TestCommitOf(t *testing.T) {
	dir, commit := t.TempDir(), strings.Repeat("0123456789abcdef", 4)
	for _, sub := range []string{commit, commit[:40], commit[:39], strings.Repeat("z", 40)} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, "link-"+sub)
		if err := os.Symlink(sub, link); err != nil {
			t.Fatal(err)
		}
		want := ""
		if len(sub) != 39 && sub[0] != 'z' {
			want = sub
		}
		for _, path := range []string{filepath.Join(dir, sub), link} {
			if got := commitOf([]string{path}); got != want {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
	}
	if got := commitOf([]string{"nowhere/at/all"}); got != "" {
		t.Errorf("a path that leads nowhere: %q", got)
	}
}
