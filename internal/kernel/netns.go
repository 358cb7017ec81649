package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Netns lists the named network namespaces, with the alias and state of their lo.
// Files in the directory that are no namespaces are left out.
func (h *Host) Netns(ctx context.Context) ([]model.Netns, error) {
	if _, err := os.ReadDir(h.opts.NetnsDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list network namespaces: %w", err)
	}
	var l []model.Netns
	for _, name := range h.names() {
		n, err := h.netns(name)
		if err != nil && !isNamespace(h.path(name)) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		l = append(l, n)
	}
	return l, ctx.Err()
}

// names lists the named network namespaces; a directory that cannot be read has none.
func (h *Host) names() []string {
	entries, err := os.ReadDir(h.opts.NetnsDir)
	if err != nil {
		return nil
	}
	var l []string
	for _, e := range entries {
		if isNamespace(h.path(e.Name())) {
			l = append(l, e.Name())
		}
	}
	return l
}

func (h *Host) netns(name string) (model.Netns, error) {
	s, err := h.space(name)
	if err != nil {
		return model.Netns{}, err
	}
	body, err := s.conn.get(newMessage(unix.RTM_GETLINK, 0, make([]byte, unix.SizeofIfInfomsg)).str(unix.IFLA_IFNAME, "lo"))
	if err != nil {
		return model.Netns{}, opError("look into", model.Netns{Name: name}, err)
	}
	lo, _ := parseLink(body)
	return model.Netns{Name: name, Alias: lo.link.Alias, LoUp: lo.link.Up}, nil
}

type netnsDoor struct{ h *Host }

// create makes a namespace as "ip netns add" does: a new one on a thread of its
// own, then bound to a file. Its lo carries the mark before it has a name, so that
// there is never a named one without.
func (d netnsDoor) create(o model.Object) error {
	n := o.(model.Netns)
	if err := CheckComponent(n.Name); err != nil {
		return err
	}
	if err := d.h.writing(); err != nil {
		return err
	}
	path, err := d.h.prepareFile(n.Name)
	if err != nil {
		return err
	}
	if err := bindNew(path, func() error { return errors.Join(setLo(n), d.h.writing()) }); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// prepareFile makes the file that the namespace is to be mounted on. An empty one
// that nothing is mounted on is left over from a run that died, and taken.
func (h *Host) prepareFile(name string) (string, error) {
	if err := shareMounts(h.opts.NetnsDir); err != nil {
		return "", err
	}
	d, err := OpenDir(h.opts.NetnsDir)
	if err != nil {
		return "", err
	}
	defer d.Close()
	f, err := d.Create(name)
	path := filepath.Join(h.opts.NetnsDir, name)
	if err == nil {
		return path, f.Close()
	}
	st, statErr := os.Lstat(path)
	if statErr == nil && st.Mode().IsRegular() && st.Size() == 0 && !isNamespace(path) {
		return path, nil
	}
	return "", err
}

// shareMounts makes the directory a mount of its own whose mounts reach other mount
// namespaces, so that services with private ones see the namespaces come and go
// (ip/ipnetns.c of iproute2 does the same).
func shareMounts(dir string) error {
	d, err := MakeDir(dir)
	if err != nil {
		return fmt.Errorf("make the directory of network namespaces: %w", err)
	}
	d.Close() // nobody but root and ourselves can put something else in its place
	err = unix.Mount("", dir, "none", unix.MS_SHARED|unix.MS_REC, "")
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EINVAL) { // EINVAL: not a mount point yet
		return fmt.Errorf("share the mounts below %s: %w", dir, err)
	}
	if err := unix.Mount(dir, dir, "none", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("make %s a mount point: %w", dir, err)
	}
	if err := unix.Mount("", dir, "none", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("share the mounts below %s: %w", dir, err)
	}
	return nil
}

// bindNew makes a network namespace, runs prepare inside it, and binds it to the
// file. The thread that made it comes back: if it were left to end in there and was
// the process's first one, Go would keep it, and the namespace with it, for ever.
func bindNew(path string, prepare func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		own, err := os.Open(ownNetns)
		if err != nil {
			done <- fmt.Errorf("find the own network namespace: %w", err)
			return
		}
		defer own.Close()
		err = func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			if err := prepare(); err != nil {
				return err
			}
			return unix.Mount(ownNetns, path, "none", unix.MS_BIND, "")
		}()
		if unix.Setns(int(own.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// setLo gives the lo of the calling thread's namespace what n says.
func setLo(n model.Netns) error {
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.close()
	return c.exec(loMessage(n))
}

// loMessage sets alias and state of lo, whose index is 1 in every namespace
// (LOOPBACK_IFINDEX, net/flow.h).
func loMessage(n model.Netns) message {
	var flags uint32
	if n.LoUp.Value() {
		flags = unix.IFF_UP
	}
	m := newMessage(unix.RTM_NEWLINK, 0, ifinfo(1, flags, upMask(n.LoUp)))
	if alias, ok := n.Alias.Get(); ok {
		m = m.attr(unix.IFLA_IFALIAS, []byte(alias))
	}
	return m
}

func (d netnsDoor) update(_, after model.Object) error {
	n := after.(model.Netns)
	s, err := d.h.space(n.Name)
	if err != nil {
		return err
	}
	return d.h.exec(s, loMessage(n))
}

// remove unmounts the namespace and removes its file; the kernel then takes down
// what is inside, a little later.
func (d netnsDoor) remove(o model.Object) error {
	name := o.(model.Netns).Name
	if err := CheckComponent(name); err != nil {
		return err
	}
	d.h.Forget(name)
	if err := d.h.writing(); err != nil {
		return err
	}
	dir, err := OpenDir(d.h.opts.NetnsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	path := filepath.Join(d.h.opts.NetnsDir, name)
	err = unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if err := d.h.writing(); err != nil {
		return err
	}
	if err := removeEmpty(dir, path); err != nil {
		return err
	}
	d.h.ForgetDead()
	return nil
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
