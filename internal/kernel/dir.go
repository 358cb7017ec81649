package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Dir is a directory that is held open: what is done in it is done there, whatever has
// its path by now. No symbolic link is followed, neither on the way to it nor in it.
type Dir struct {
	fd   int
	path string
}

// OpenDir opens a directory that nobody but root and the own user can put something
// in. That holds for each directory on the way, too, but that others may write into
// one that is sticky, as /tmp is: there they cannot replace what isn't theirs.
func OpenDir(path string) (*Dir, error) { return walk(path, trusted, false) }

// MakeDir is OpenDir, and makes what is missing.
func MakeDir(path string) (*Dir, error) { return walk(path, trusted, true) }

// OpenPlace opens a directory that the user has named for a file of his. It may be
// somebody else's, but not everybody's: then, each file in it has to be looked at.
func OpenPlace(path string) (*Dir, error) { return walk(path, notEverybodys, false) }

// rule judges a directory; last says that it is the one to be opened.
type rule func(d *Dir, st *unix.Stat_t, last bool) error

// walk opens a directory, one component after the other.
func walk(path string, allowed rule, missing bool) (*Dir, error) {
	d := &Dir{path: "."}
	rest := filepath.Clean(path)
	if filepath.IsAbs(rest) {
		d.path, rest = "/", rest[1:]
	}
	var err error
	if d.fd, err = unix.Open(d.path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil, pathError("open", d.path, err)
	}
	for rest != "" && rest != "." {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if err := d.judge(allowed, false); err != nil {
			return nil, errors.Join(err, d.Close())
		}
		if err := d.enter(name, missing); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	if err := d.judge(allowed, true); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// enter goes down to what has a name in the directory, making it if it may be missing.
func (d *Dir) enter(name string, missing bool) error {
	path := filepath.Join(d.path, name)
	const what = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC // a symbolic link is opened itself
	fd, err := unix.Openat(d.fd, name, what, 0)
	if missing && errors.Is(err, unix.ENOENT) {
		if err := unix.Mkdirat(d.fd, name, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
			return pathError("make directory", path, err)
		}
		fd, err = unix.Openat(d.fd, name, what, 0)
	}
	if err != nil {
		return pathError("open", path, err)
	}
	unix.Close(d.fd)
	d.fd, d.path = fd, path
	return nil
}

func (d *Dir) judge(allowed rule, last bool) error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return pathError("look at", d.path, err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return allowed(d, &st, last)
	case unix.S_IFLNK:
		return fmt.Errorf("%s is a symbolic link%s, and is not followed; remove it, or name the directory itself", d.path, d.leadsTo())
	}
	return fmt.Errorf("%s is %s, not a directory", d.path, fileType(&st))
}

// leadsTo says where an opened symbolic link leads.
func (d *Dir) leadsTo() string {
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(d.fd, "", b)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" to %q", b[:n])
}

// trusted refuses a directory that others own or can write into.
func trusted(d *Dir, st *unix.Stat_t, last bool) error {
	if !trustedOwner(st.Uid) {
		return fmt.Errorf("%s belongs to the user %d, who could put anything there; it has to be root's, or of the user who runs this", d.path, st.Uid)
	}
	writable := st.Mode & 0o022
	if os.Geteuid() != 0 && int(st.Gid) == os.Getegid() {
		writable &^= 0o020 // where each user has a group of his own, directories are mostly made so
	}
	if writable != 0 && (last || st.Mode&unix.S_ISVTX == 0) {
		return fmt.Errorf("others may write into %s (mode %04o); do: chmod go-w %s", d.path, st.Mode&0o7777, d.path)
	}
	return nil
}

// notEverybodys refuses a directory where everybody can replace everything.
func notEverybodys(d *Dir, st *unix.Stat_t, _ bool) error {
	if st.Mode&0o002 != 0 && st.Mode&unix.S_ISVTX == 0 {
		return fmt.Errorf("everybody may replace what is in %s (mode %04o); do: chmod o-w %s", d.path, st.Mode&0o7777, d.path)
	}
	return nil
}

// overflowUser is whom files belong to whose owner has no number in the own user
// namespace (/proc/sys/kernel/overflowuid).
const overflowUser = 65534

// trustedOwner says whether a user can do nothing that we couldn't suffer: root, the
// one who runs this, and in a user namespace those outside, among them the real root.
func trustedOwner(uid uint32) bool {
	return uid == 0 || int(uid) == os.Geteuid() || uid == overflowUser && !allUsersMapped()
}

// allUsersMapped says whether each user has a number here, as in the initial user
// namespace (user_namespaces(7)).
func allUsersMapped() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err != nil || strings.Join(strings.Fields(string(b)), " ") == "0 0 4294967295"
}

func fileType(st *unix.Stat_t) string {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFLNK:
		return "a symbolic link"
	case unix.S_IFIFO:
		return "a FIFO"
	case unix.S_IFSOCK:
		return "a socket"
	case unix.S_IFREG:
		return "a file"
	}
	return "a device"
}

// pathError is as those of package os, so that errors.Is finds fs.ErrNotExist.
func pathError(op, path string, err error) error {
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// Free returns how many bytes can be written below the directory; 0 where that isn't known.
func (d *Dir) Free() uint64 {
	var st unix.Statfs_t
	if unix.Fstatfs(d.fd, &st) != nil {
		return 0
	}
	return st.Bavail * uint64(st.Bsize)
}

// Close gives the handle back.
func (d *Dir) Close() error { return unix.Close(d.fd) }
