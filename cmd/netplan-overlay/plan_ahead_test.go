package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFilesAtHand says for which files a plan may look at the host before it has read them:
// not for those that somebody writes just now, however long that takes.
func TestFilesAtHand(t *testing.T) {
	dir := t.TempDir()
	file, fifo := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "fifo")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		files []string
		want  bool
	}{
		{[]string{file}, true},
		{[]string{dir}, true},
		{[]string{file, dir}, true},
		{[]string{"-"}, false},
		{[]string{file, "-"}, false},
		{[]string{fifo}, false},
		{[]string{file, fifo}, false},
		{[]string{filepath.Join(dir, "none.yaml")}, false},
	} {
		if got := (&common{files: x.files}).filesAtHand(); got != x.want {
			t.Errorf("%q: %v, want %v", x.files, got, x.want)
		}
	}
}
