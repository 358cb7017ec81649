package kernel

import (
	"io"
	"path/filepath"
	"testing"
)

// A file that takes the place of another one while that is opened is opened in its place.
func TestOpenWhileReplaced(t *testing.T) {
	d, err := MakeDir(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	done := make(chan error)
	try := func() error { return d.Replace("f", []byte("whole")) }
	if err := try(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for range 2000 {
			if err := try(); err != nil {
				done <- err
				return
			}
		}
		close(done)
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		f, err := d.Open("f")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(f); err != nil || string(b) != "whole" {
			t.Errorf("%q %v", b, err)
		}
		f.Close()
	}
}
