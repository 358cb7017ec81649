package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxHops is how many symbolic links a path may lead through, as in the kernel
// (MAXSYMLINKS, linux/namei.h).
const maxHops = 40

// inode says which directory a path is: another one may come to stand there.
type inode struct{ dev, ino uint64 }

// trail is the directories whose change can lead paths to other files: the one of each
// name on the way, and of each name that a symbolic link leads over.
type trail struct {
	dirs map[string]*trailDir
}

// trailDir is a directory, by a path without symbolic links.
type trailDir struct {
	inode inode
	names map[string]bool // the names in it that count
	all   bool            // all names of topology files count
}

// counts says whether a change of the name in the directory can matter.
func (d *trailDir) counts(name string) bool { return d.names[name] || d.all && isTopology(name) }

// isTopology says whether a file of a directory belongs to the topology.
func isTopology(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(name, ".")
}

// trailOf follows the paths, as far as they lead: where one ends too early, the last
// directory is watched for what is missing.
func trailOf(paths []string) (*trail, error) {
	t := &trail{dirs: map[string]*trailDir{}}
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, fmt.Errorf("follow %s: %w", p, err)
		}
		end, err := t.follow(abs)
		if err != nil {
			return nil, fmt.Errorf("follow %s: %w", p, err)
		}
		if err := t.within(end); err != nil {
			return nil, fmt.Errorf("follow %s: %w", p, err)
		}
	}
	return t, nil
}

// within adds the topology files of a directory, and where they lead; a path that is
// none adds nothing.
func (t *trail) within(dir string) error {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // no directory, or none any more: what leads here tells of that
	}
	d, err := t.dir(dir)
	if d == nil {
		return err
	}
	d.all = true
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 && isTopology(e.Name()) {
			if _, err := t.follow(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow adds the way to an absolute path, and returns where it ends, without symbolic
// links; "" where something is missing.
func (t *trail) follow(path string) (string, error) {
	at, rest := "/", strings.Split(strings.Trim(path, "/"), "/")
	hops := 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		d, err := t.dir(at)
		if d == nil {
			return "", err
		}
		d.names[name] = true
		next := filepath.Join(at, name)
		st, err := os.Lstat(next)
		if err != nil {
			return "", ignoreMissing(err)
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if hops++; hops > maxHops {
			return "", fmt.Errorf("more than %d symbolic links", maxHops)
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", ignoreMissing(err)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest...)
	}
	return at, nil
}

// dir returns a directory of the trail; nil where it is none, or gone.
func (t *trail) dir(path string) (*trailDir, error) {
	if d := t.dirs[path]; d != nil {
		return d, nil
	}
	st, err := os.Lstat(path)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.IsDir() {
		return nil, nil
	}
	d := &trailDir{inode: inode{uint64(sys.Dev), sys.Ino}, names: map[string]bool{}}
	t.dirs[path] = d
	return d, nil
}

// ignoreMissing takes it for a fact that something is missing, or no directory: it may
// come.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}
