package kernel

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CheckComponent refuses a name that would be something else than one file in one
// directory: an empty one, ".", "..", and one with a slash or a zero byte.
func CheckComponent(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q cannot be the name of a file", name)
	}
	return nil
}

// Open opens a file to read it. It is one that nobody but root and the own user could
// have put there or changed.
func (d *Dir) Open(name string) (*os.File, error) { return d.open(name, unix.O_RDONLY) }

// OpenOrCreate opens such a file to read and write it, and makes it if there is none.
func (d *Dir) OpenOrCreate(name string) (*os.File, error) {
	return d.open(name, unix.O_RDWR|unix.O_CREAT)
}

// OpenToWrite opens such a file to read and write it.
func (d *Dir) OpenToWrite(name string) (*os.File, error) { return d.open(name, unix.O_RDWR) }

// Create makes a new file, which only its owner can read; one that is there already is
// fs.ErrExist.
func (d *Dir) Create(name string) (*os.File, error) {
	return d.open(name, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_EXCL)
}

// open opens a file that has the name: another one may take its place between two looks.
func (d *Dir) open(name string, flags int) (*os.File, error) {
	if err := CheckComponent(name); err != nil {
		return nil, err
	}
	for {
		f, err := d.openNow(name, flags)
		if !errors.Is(err, errUnlinked) {
			return f, err
		}
	}
}

// errUnlinked says that a file has no name any more.
var errUnlinked = errors.New("it was removed meanwhile")

// Linked says whether an open file still has a name.
func Linked(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) != nil || st.Nlink > 0
}

// openNow opens what has the name. It never waits for the other end of a FIFO (O_NONBLOCK).
func (d *Dir) openNow(name string, flags int) (*os.File, error) {
	path := filepath.Join(d.path, name)
	fd, err := unix.Openat(d.fd, name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link, and is not followed; remove it, or name the file itself", path)
	}
	var st unix.Stat_t
	if errors.Is(err, unix.EACCES) && unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
		if err := trustedFile(path, &st); err != nil { // root without capabilities may not read others' files
			return nil, err
		}
	}
	if err != nil {
		return nil, pathError("open", path, err)
	}
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, errors.Join(pathError("look at", path, err), unix.Close(fd))
	}
	if err := trustedFile(path, &st); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	if st.Nlink == 0 {
		return nil, errors.Join(errUnlinked, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), path), nil
}

// trustedFile refuses what is no file, and one that others own, may write to, or could
// have linked here from elsewhere.
func trustedFile(path string, st *unix.Stat_t) error {
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return fmt.Errorf("%s is %s, not a file; remove it", path, fileType(st))
	case !trustedOwner(st.Uid):
		return fmt.Errorf("%s belongs to the user %d; it has to be root's, or of the user who runs this", path, st.Uid)
	case st.Mode&0o022 != 0:
		return fmt.Errorf("others may write to %s (mode %04o), and could have changed it", path, st.Mode&0o7777)
	case st.Nlink > 1:
		return fmt.Errorf("%s has %d names (hard links): somebody could have put it there from elsewhere; copy it", path, st.Nlink)
	}
	return nil
}

// Rename gives a file in the directory another name, in the place of whatever file has
// it.
func (d *Dir) Rename(from, to string) error {
	if err := errors.Join(CheckComponent(from), CheckComponent(to)); err != nil {
		return err
	}
	if err := unix.Renameat(d.fd, from, d.fd, to); err != nil {
		return pathError("rename", filepath.Join(d.path, from), err)
	}
	return nil
}

// Replace writes a file as a whole, or not at all: no reader sees half of it. What has
// the name and is no file is not replaced.
func (d *Dir) Replace(name string, b []byte) error {
	return d.ReplaceBy(name, text(b))
}

// text writes a file that is at hand as a whole.
func text(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// ReplaceBy is Replace with what a function writes, in pieces that should not be small. If
// that fails, the file is as it was.
func (d *Dir) ReplaceBy(name string, write func(io.Writer) error) error {
	return d.replace(name, unfinished+rand.Text(), write)
}

// ReplaceVia is ReplaceBy for who is the only one to write under another name meanwhile: what
// he has left there when he was killed, he finds again.
func (d *Dir) ReplaceVia(other, name string, write func(io.Writer) error) error {
	if err := d.Remove(other); err != nil {
		return err
	}
	return d.replace(name, other, write)
}

// unfinished begins the names under which Replace writes.
const unfinished = ".new-"

// abandoned is the age of a file at which whoever was writing it has been killed: a living
// process takes moments.
const abandoned = time.Minute

// Sweep removes what killed processes have left of files that they were replacing.
func (d *Dir) Sweep() {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/self/fd/%d", d.fd))
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), unfinished) && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandoned {
			_ = d.Remove(e.Name()) // it harms nobody
		}
	}
}

// replace is Replace by way of another name.
func (d *Dir) replace(name, next string, write func(io.Writer) error) error {
	if err := CheckComponent(name); err != nil {
		return err
	}
	var st unix.Stat_t
	err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("%s is %s, not a file: it is not replaced", filepath.Join(d.path, name), fileType(&st))
	}
	f, err := d.Create(next)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, d.Remove(next))
	}
	if err := d.Rename(next, name); err != nil {
		return errors.Join(err, d.Remove(next))
	}
	return nil
}

// Remove removes a file; that there is none is no error.
func (d *Dir) Remove(name string) error {
	if err := CheckComponent(name); err != nil {
		return err
	}
	if err := unix.Unlinkat(d.fd, name, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return pathError("remove", filepath.Join(d.path, name), err)
	}
	return nil
}

// RemoveDir removes a directory if it is there and nothing is in it.
func RemoveDir(path string) {
	d, err := OpenDir(filepath.Dir(path))
	if err != nil {
		return
	}
	defer d.Close()
	_ = unix.Unlinkat(d.fd, filepath.Base(path), unix.AT_REMOVEDIR) // else it stays
}
