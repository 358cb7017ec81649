package kernel

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Publish writes a file that everybody may read, as a whole or not at all. Only one
// process at a time may publish a name: what a killed one has left is removed.
func (d *Dir) Publish(name string, b []byte) error {
	if err := CheckComponent(name); err != nil {
		return err
	}
	var st unix.Stat_t
	err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("%s is %s, not a file: it is not replaced", filepath.Join(d.path, name), fileType(&st))
	}
	next := "." + name + ".new"
	if err := d.Remove(next); err != nil {
		return err
	}
	f, err := d.Create(next)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, d.Remove(next))
	}
	if err := d.Rename(next, name); err != nil {
		return errors.Join(err, d.Remove(next))
	}
	return nil
}
