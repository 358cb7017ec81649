package kernel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func opened(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// A socket answers whatever the umask and however long the path to it, and takes the
// place of a former one.
func TestDirListen(t *testing.T) {
	path := filepath.Join(own(t), strings.Repeat("x", 200))
	try(t, os.Mkdir(path, 0o755), os.Chmod(path, 0o755))
	d := opened(t, path)
	defer unix.Umask(unix.Umask(0))
	for range 2 {
		l, err := d.Listen("s")
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(path + "/s")
		if err != nil || info.Mode() != fs.ModeSocket|0o660 {
			t.Fatalf("%v, %v", info, err)
		}
		go func() {
			c, err := l.Accept()
			if err == nil {
				_, _ = c.Write([]byte("hello"))
				c.Close()
			}
		}()
		c, err := d.Dial(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); string(b) != "hello" {
			t.Errorf("it says %q, %v", b, err)
		}
		c.Close()
		l.Close()
	}
	_, err := d.Dial(t.Context(), "s")
	if want := "connect to " + path + "/s: connection refused"; !errors.Is(err, unix.ECONNREFUSED) || err.Error() != want {
		t.Errorf("nobody listens: %v, want %s", err, want)
	}
	if _, err := d.Dial(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is none: %v", err)
	}
}

// What is no socket stays, whatever it leads to.
func TestDirListenRefuses(t *testing.T) {
	path := own(t)
	d := opened(t, path)
	try(t, os.WriteFile(path+"/file", []byte("kept"), 0o600), os.Symlink("file", path+"/link"), os.Mkdir(path+"/dir", 0o755))
	for _, name := range []string{"file", "link", "dir", "..", "a/b", ""} {
		if l, err := d.Listen(name); err == nil {
			l.Close()
			t.Errorf("%q is replaced", name)
		}
	}
	if b, err := os.ReadFile(path + "/link"); string(b) != "kept" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := d.Dial(t.Context(), "../x"); err == nil {
		t.Error("connected out of the directory")
	}
}

// What is published can be read by everybody, is whole at any time, and is not in the
// way of what a killed process has left.
func TestDirPublish(t *testing.T) {
	path := own(t)
	d := opened(t, path)
	defer unix.Umask(unix.Umask(0o077))
	try(t, os.WriteFile(path+"/.x.prom.new", []byte("half"), 0o600))
	for i := range 3 {
		text := fmt.Sprintf("text %d", i)
		try(t, d.Publish("x.prom", []byte(text)))
		info, err := os.Lstat(path + "/x.prom")
		if b, _ := os.ReadFile(path + "/x.prom"); err != nil || string(b) != text || info.Mode() != 0o644 {
			t.Errorf("%q, %v, %v", b, info, err)
		}
	}
	if left, err := os.ReadDir(path); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	try(t, os.WriteFile(path+"/file", []byte("kept"), 0o600), os.Symlink("file", path+"/link"), os.Mkdir(path+"/dir", 0o755))
	l, err := net.Listen("unix", path+"/sock")
	try(t, err)
	defer l.Close()
	for _, name := range []string{"link", "dir", "sock", "..", "a/b", ""} {
		if err := d.Publish(name, []byte("x")); err == nil {
			t.Errorf("%q is replaced", name)
		}
	}
}
