package kernel

import (
	"os"
	"path/filepath"
	"testing"
)

// A file is held as long as one of its holders has it open, and to look does not make
// it so.
func TestHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	open := func(flags int) *os.File {
		f, err := os.OpenFile(path, flags|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	onlooker, another := open(os.O_RDONLY), open(os.O_RDONLY)
	held := func(want bool) {
		t.Helper()
		for _, f := range []*os.File{onlooker, another, onlooker} {
			if got, err := Held(f); got != want || err != nil {
				t.Errorf("held: %v, %v, want %v", got, err, want)
			}
		}
	}
	held(false)
	writer, readers := open(os.O_WRONLY|os.O_APPEND), []*os.File{open(os.O_RDONLY), open(os.O_RDONLY)}
	if err := HoldToWrite(writer); err != nil {
		t.Fatal(err)
	}
	held(true)
	for _, r := range readers {
		if err := HoldToRead(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range append(readers, writer) {
		held(true)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	held(false)
}
