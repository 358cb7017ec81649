package kernel

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Namespaces are unmounted some at a time: for each, the kernel waits until no processor
// can have the mount in hand any more, and for those that wait at the same time but once
// (synchronize_rcu_expedited in namespace_unlock, fs/namespace.c).
const (
	unmountedTogether = 64
	unmountingThreads = 16
)

// removeAll unmounts namespaces and removes their files; the kernel then takes down what
// is inside, a little later.
func (d netnsDoor) removeAll(steps []model.Step) []error {
	dir, err := OpenDir(d.h.opts.NetnsDir)
	if err == nil {
		defer dir.Close()
	}
	errs := someAtATime(steps, unmountedTogether, func(some []model.Step) []error { return d.removeSome(dir, err, some) })
	d.h.ForgetDead()
	return errs
}

// removeSome removes a few namespaces. Once one has failed, those that were unmounted with it
// go all the same; of one of these that cannot, ErrUnknown says that half of it may be gone.
func (d netnsDoor) removeSome(dir *Dir, noDir error, steps []model.Step) []error {
	errs := inTurn(steps, func(s model.Step) error { return d.giveUp(s.Before.(model.Netns).Name, noDir) })
	n := untilFailed(errs)
	if dir == nil { // then there is none
		return errs
	}
	path := func(i int) string { return d.h.path(steps[i].Before.(model.Netns).Name) }
	spread(n, unmountingThreads, func(i int) { errs[i] = unmount(path(i)) })
	failed := false
	for i := range n {
		if errs[i] == nil {
			errs[i] = d.h.writing()
		}
		if errs[i] == nil {
			errs[i] = removeEmpty(dir, path(i))
		}
		if errs[i] != nil && failed {
			errs[i] = errors.Join(errs[i], ErrUnknown)
		}
		failed = failed || errs[i] != nil
	}
	return errs
}

// giveUp closes what is open of a namespace that is to go, and says whether it may; noDir is
// why there is no directory of namespaces, if there is none.
func (d netnsDoor) giveUp(name string, noDir error) error {
	if err := CheckComponent(name); err != nil {
		return err
	}
	d.h.Forget(name)
	if err := d.h.writing(); err != nil {
		return err
	}
	return ignore(noDir, unix.ENOENT)
}

func unmount(path string) error {
	return ignore(unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW), unix.EINVAL, unix.ENOENT)
}

// removeEmpty removes a namespace's file once nothing is mounted on it. One that is not
// as we make them is somebody's, and stays.
func removeEmpty(dir *Dir, path string) error {
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() || st.Size() > 0 || isNamespace(path) {
		return ignore(err, unix.ENOENT)
	}
	return dir.Remove(filepath.Base(path))
}

// RemoveDebris removes the file of a namespace that nothing is mounted on, if it is
// there: what is left of one whose making or removal was interrupted.
func (h *Host) RemoveDebris(name string) error {
	if err := CheckComponent(name); err != nil {
		return err
	}
	dir, err := OpenDir(h.opts.NetnsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	return opError("remove the file of", model.Netns{Name: name}, removeEmpty(dir, filepath.Join(h.opts.NetnsDir, name)))
}
