package spec_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// TestAreFiles says of what it would have to wait for to read a topology.
func TestAreFiles(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"plain", "pipe", "others", "nested"} {
		if err := os.Mkdir(path(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(name+"/a.yaml"), []byte("a: b\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, fifo := range []string{"pipe/b.yaml", "others/b.txt", "fifo"} {
		if err := syscall.Mkfifo(path(fifo), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(path("nested/c.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path("fifo"), path("link")); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		paths []string
		want  bool
	}{
		{[]string{"plain/a.yaml"}, true},
		{[]string{"plain"}, true},
		{[]string{"others", "nested"}, true}, // what is no topology file is not read
		{[]string{"pipe"}, false},
		{[]string{"plain", "fifo"}, false},
		{[]string{"link"}, false},
		{[]string{"nonesuch"}, false},
		{nil, true},
	} {
		var paths []string
		for _, p := range tc.paths {
			paths = append(paths, path(p))
		}
		if got := spec.AreFiles(paths); got != tc.want {
			t.Errorf("%v: %v", tc.paths, got)
		}
	}
}
