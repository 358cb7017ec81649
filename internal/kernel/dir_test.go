package kernel

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// someoneElse is a user that is neither root nor who runs the tests.
const someoneElse = 4711

func try(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// own is a directory that nobody else may write into, whatever the umask.
func own(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "own")
	try(t, os.Chmod(filepath.Dir(dir), 0o755), os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755))
	return dir
}

func needChown(t *testing.T) {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe")
	try(t, os.WriteFile(probe, nil, 0o600))
	if os.Chown(probe, someoneElse, someoneElse) == nil { // root in a user namespace may have nobody else
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("needs root, to give files to somebody else")
	}
	t.Skip("needs root, to give files to somebody else")
}

// opener is one of the ways to open a directory.
type opener struct {
	name string
	open func(path string) (*Dir, error)
}

var (
	allWays   = [...]opener{{"OpenDir", OpenDir}, {"MakeDir", MakeDir}, {"OpenPlace", OpenPlace}}
	ofState   = allWays[:2]
	onlyPlace = allWays[2:]
)

// What stands at each place of the way a/b/c to a directory decides whether it is
// opened; where it is not, nothing is made or changed, and the error says what was
// found, where, and what to do.
func TestDirRefusals(t *testing.T) {
	for _, tc := range []struct {
		name  string
		ways  []opener
		chown bool
		plant func(t *testing.T, path string) // at one place of the way
		words []string                        // "" is the path
		only  string                          // the place, if it is but one
	}{
		{"a symbolic link", allWays[:], false, func(t *testing.T, path string) {
			try(t, os.Rename(path, path+".real"), os.Symlink(path+".real", path))
		}, []string{"", " is a symbolic link to ", ".real", "remove it, or name the directory itself"}, ""},
		{"a relative symbolic link", allWays[:], false, func(t *testing.T, path string) {
			try(t, os.Rename(path, path+".real"), os.Symlink(filepath.Base(path)+".real", path))
		}, []string{"", " is a symbolic link to "}, ""},
		{"a symbolic link to nothing", allWays[:], false, func(t *testing.T, path string) {
			try(t, os.RemoveAll(path), os.Symlink("/nowhere", path))
		}, []string{"", `is a symbolic link to "/nowhere"`}, ""},
		{"a file", allWays[:], false, func(t *testing.T, path string) {
			try(t, os.RemoveAll(path), os.WriteFile(path, nil, 0o600))
		}, []string{"", " is a file, not a directory"}, ""},
		{"a FIFO", allWays[:], false, func(t *testing.T, path string) {
			try(t, os.RemoveAll(path), unix.Mkfifo(path, 0o600))
		}, []string{"", " is a FIFO, not a directory"}, ""},
		{"everybody's", allWays[:], false, func(t *testing.T, path string) {
			try(t, os.Chmod(path, 0o777))
		}, []string{"", "(mode 0777); do: chmod "}, ""},
		{"a group's", ofState, true, func(t *testing.T, path string) {
			try(t, os.Chmod(path, 0o775), os.Chown(path, -1, someoneElse))
		}, []string{"", "others may write into ", "(mode 0775); do: chmod go-w "}, ""},
		{"everybody's, although sticky", ofState, false, func(t *testing.T, path string) {
			try(t, os.Chmod(path, 0o777|os.ModeSticky))
		}, []string{"", "others may write into ", "(mode 1777)"}, "a/b/c"},
		{"somebody else's", ofState, true, func(t *testing.T, path string) {
			try(t, os.Chown(path, someoneElse, -1))
		}, []string{"", " belongs to the user 4711, who could put anything there"}, ""},
	} {
		for _, place := range []string{"a", "a/b", "a/b/c"} {
			if tc.only != "" && tc.only != place {
				continue
			}
			for _, w := range tc.ways {
				t.Run(tc.name+"/"+place+"/"+w.name, func(t *testing.T) {
					if tc.chown {
						needChown(t)
					}
					root := own(t)
					try(t, os.MkdirAll(filepath.Join(root, "a/b/c"), 0o755))
					path := filepath.Join(root, place)
					tc.plant(t, path)
					before := tree(t, root)
					d, err := w.open(filepath.Join(root, "a/b/c"))
					if err == nil {
						d.Close()
						t.Fatal("it is opened")
					}
					for _, word := range tc.words {
						if word == "" {
							word = path
						}
						if !strings.Contains(err.Error(), word) {
							t.Errorf("the error does not say %q: %v", word, err)
						}
					}
					if after := tree(t, root); after != before {
						t.Errorf("it left:\n%s\nbefore:\n%s", after, before)
					}
				})
			}
		}
	}
}

// tree lists all below a directory, with modes and where links lead.
func tree(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	try(t, filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		to, _ := os.Readlink(p) // "" for what is no link
		b.WriteString(p + " " + st.Mode().String() + " " + to + "\n")
		return nil
	}))
	return b.String()
}

// Ways that are sound are opened: a sticky directory on the way, a directory of the
// user's for a file, and one that is missing where it may be made.
func TestDirOpens(t *testing.T) {
	for _, tc := range []struct {
		name  string
		ways  []opener
		chown bool
		plant func(t *testing.T, root string)
	}{
		{"its own", allWays[:], false, func(*testing.T, string) {}},
		{"below a sticky one", allWays[:], false, func(t *testing.T, root string) {
			try(t, os.Chmod(filepath.Join(root, "a"), 0o777|os.ModeSticky))
		}},
		{"a sticky one", onlyPlace, false, func(t *testing.T, root string) {
			try(t, os.Chmod(filepath.Join(root, "a/b"), 0o777|os.ModeSticky))
		}},
		{"somebody else's", onlyPlace, true, func(t *testing.T, root string) {
			try(t, os.Chown(filepath.Join(root, "a"), someoneElse, -1), os.Chown(filepath.Join(root, "a/b"), someoneElse, -1))
		}},
		{"missing", allWays[1:2], false, func(t *testing.T, root string) { try(t, os.RemoveAll(filepath.Join(root, "a"))) }},
	} {
		for _, w := range tc.ways {
			t.Run(tc.name+"/"+w.name, func(t *testing.T) {
				if tc.chown {
					needChown(t)
				}
				root := own(t)
				try(t, os.MkdirAll(filepath.Join(root, "a/b"), 0o755))
				tc.plant(t, root)
				d, err := w.open(filepath.Join(root, "a/b"))
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				try(t, d.Replace("f", []byte("hello")))
				if b, err := os.ReadFile(filepath.Join(root, "a/b/f")); err != nil || string(b) != "hello" {
					t.Errorf("the file: %q, %v", b, err)
				}
			})
		}
	}
}

// A relative path begins where the process is.
func TestDirRelative(t *testing.T) {
	t.Chdir(own(t))
	d, err := MakeDir("a/../b/./c/")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	try(t, d.Replace("f", nil))
	if _, err := os.Stat("b/c/f"); err != nil {
		t.Error(err)
	}
	try(t, os.Symlink("b", "link"))
	if _, err := OpenDir("link/c"); err == nil {
		t.Error("a symbolic link is followed")
	}
}

// What is missing is fs.ErrNotExist, to whoever may not make it.
func TestDirMissing(t *testing.T) {
	root := own(t)
	if _, err := OpenDir(filepath.Join(root, "a/b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory: %v", err)
	}
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Open("f"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file: %v", err)
	}
	if err := d.Remove("f"); err != nil {
		t.Errorf("to remove what is not there: %v", err)
	}
}

// A directory stays the one that was opened, whatever has its path afterwards.
func TestDirIsHeld(t *testing.T) {
	root := own(t)
	path := filepath.Join(root, "state")
	d, err := MakeDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	elsewhere := filepath.Join(root, "elsewhere")
	try(t, os.Mkdir(elsewhere, 0o755), os.Rename(path, path+".old"), os.Symlink(elsewhere, path))
	try(t, d.Replace("f", []byte("x")))
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("it wrote elsewhere: %v, %v", left, err)
	}
	if _, err := os.Stat(path + ".old/f"); err != nil {
		t.Error(err)
	}
}

// What stands in the place of a file decides whether it is opened; what it could have
// been used to reach is as it was.
func TestFileRefusals(t *testing.T) {
	for _, tc := range []struct {
		name  string
		chown bool
		plant func(t *testing.T, path, victim string)
		words string
	}{
		{"a symbolic link", false, func(t *testing.T, path, victim string) { try(t, os.Symlink(victim, path)) }, "is a symbolic link, and is not followed"},
		{"a symbolic link to nothing", false, func(t *testing.T, path, victim string) { try(t, os.Symlink(victim+".new", path)) }, "is a symbolic link"},
		{"a hard link", false, func(t *testing.T, path, victim string) { try(t, os.Link(victim, path)) }, "has 2 names (hard links)"},
		{"a FIFO", false, func(t *testing.T, path, _ string) { try(t, unix.Mkfifo(path, 0o600)) }, "is a FIFO, not a file"},
		{"writable by others", false, func(t *testing.T, path, _ string) {
			try(t, os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o602))
		}, "others may write to"},
		{"writable by a group", false, func(t *testing.T, path, _ string) {
			try(t, os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o620))
		}, "(mode 0620)"},
		{"somebody else's", true, func(t *testing.T, path, _ string) {
			try(t, os.WriteFile(path, nil, 0o600), os.Chown(path, someoneElse, -1))
		}, "belongs to the user 4711"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.chown {
				needChown(t)
			}
			root := own(t)
			victim := filepath.Join(root, "victim")
			try(t, os.WriteFile(victim, []byte("precious"), 0o600), os.Mkdir(filepath.Join(root, "d"), 0o755))
			d, err := OpenDir(filepath.Join(root, "d"))
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			path := filepath.Join(root, "d/f")
			tc.plant(t, path, victim)
			before := tree(t, root)
			for name, open := range map[string]func(string) (*os.File, error){"Open": d.Open, "OpenOrCreate": d.OpenOrCreate} {
				f, err := open("f")
				if err == nil {
					f.Close()
					t.Errorf("%s opens it", name)
				} else if !strings.Contains(err.Error(), tc.words) || !strings.Contains(err.Error(), path) {
					t.Errorf("%s: the error does not say %q of %s: %v", name, tc.words, path, err)
				}
			}
			if f, err := d.Create("f"); err == nil {
				f.Close()
				t.Error("Create takes it")
			}
			if after := tree(t, root); after != before {
				t.Errorf("it left:\n%s\nbefore:\n%s", after, before)
			}
			try(t, d.Remove("f"))
			if b, err := os.ReadFile(victim); err != nil || string(b) != "precious" {
				t.Errorf("the file elsewhere: %q, %v", b, err)
			}
		})
	}
}

// Replace takes the place of a file, and of nothing else.
func TestReplace(t *testing.T) {
	root := own(t)
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	try(t, d.Replace("f", []byte("one")), os.Link(root+"/f", root+"/other"), d.Replace("f", []byte("two")))
	for name, want := range map[string]string{"f": "two", "other": "one"} {
		if b, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(b) != want {
			t.Errorf("%s has %q, %v; want %q", name, b, err, want)
		}
	}
	if st, err := os.Stat(root + "/f"); err != nil || st.Mode() != 0o600 {
		t.Errorf("the file: %v, %v", st.Mode(), err)
	}
	try(t, os.Symlink("f", root+"/link"), unix.Mkfifo(root+"/fifo", 0o600), os.Mkdir(root+"/dir", 0o755))
	before := tree(t, root)
	for _, name := range []string{"link", "fifo", "dir", ".", "..", "", "a/b", "a\x00b"} {
		if err := d.Replace(name, nil); err == nil {
			t.Errorf("%q is replaced", name)
		}
	}
	if after := tree(t, root); after != before {
		t.Errorf("it left:\n%s\nbefore:\n%s", after, before)
	}
}

// Names with which a file would be another one are refused at each door.
func TestComponent(t *testing.T) {
	root := own(t)
	d, err := MakeDir(root + "/d")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{"", ".", "..", "../x", "/x", "x/y", "x/", "x\x00"} {
		_, open := d.Open(name)
		_, create := d.Create(name)
		_, both := d.OpenOrCreate(name)
		for i, err := range []error{open, create, both, d.Remove(name), d.Rename(name, "x"), d.Rename("x", name), d.Replace(name, nil)} {
			if err == nil || !strings.Contains(err.Error(), "cannot be the name of a file") {
				t.Errorf("%q at door %d: %v", name, i, err)
			}
		}
	}
	if got, want := len(strings.Split(tree(t, root), "\n")), 3; got != want {
		t.Errorf("something was made:\n%s", tree(t, root))
	}
}

// What killed processes have left is swept away; what living ones are at, and what is
// somebody else's, is not.
func TestSweep(t *testing.T) {
	path := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for name, keep := range map[string]bool{".new-OLD": false, ".new-YOUNG": true, ".other": true, "journal": true} {
		file := filepath.Join(path, name)
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if name != ".new-YOUNG" {
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
		}
		d, err := OpenDir(path)
		if err != nil {
			t.Fatal(err)
		}
		d.Sweep()
		d.Close()
		if _, err := os.Stat(file); (err == nil) != keep {
			t.Errorf("%s: %v", name, err)
		}
	}
}
