package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	names := h.names()
	h.openAhead(names)
	all, errs := make([]model.Netns, len(names)), make([]error, len(names))
	Spread(len(names), func(i int) { all[i], errs[i] = h.netns(names[i]) })
	for i, name := range names {
		err := errs[i]
		if err != nil && (errors.Is(err, fs.ErrNotExist) || !isNamespace(h.path(name))) {
			continue // deleted meanwhile, if there isn't another one of the name already
		}
		if err != nil {
			return nil, err
		}
		l = append(l, all[i])
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

func (d netnsDoor) create(o model.Object) error {
	return d.together([]model.Step{{Op: model.OpCreate, After: o}})[0]
}

func (d netnsDoor) remove(o model.Object) error {
	return d.together([]model.Step{{Op: model.OpDelete, Before: o}})[0]
}

func (d netnsDoor) update(_, after model.Object) error {
	n := after.(model.Netns)
	s, err := d.h.space(n.Name)
	if err != nil {
		return err
	}
	return d.h.exec(s, loMessage(n))
}

func (d netnsDoor) joins(op model.Op) bool { return op != model.OpUpdate }

// together makes or removes many namespaces: one thread goes from one to the next, and
// what concerns their directory is done once.
func (d netnsDoor) together(steps []model.Step) []error {
	if steps[0].Op == model.OpCreate {
		return d.createAll(steps)
	}
	return d.removeAll(steps)
}

func (d netnsDoor) createAll(steps []model.Step) (errs []error) {
	n := nursery{h: d.h}
	defer n.close()
	if err := abroad(func(*os.File) error {
		errs = inTurn(steps, func(s model.Step) error { return n.born(s.After.(model.Netns)) })
		return nil
	}); err != nil {
		return inTurn(steps, func(model.Step) error { return err })
	}
	return errs
}

// nursery makes namespaces on the thread that calls it.
type nursery struct {
	h   *Host
	dir *Dir // of named namespaces, once the first one was made
}

func (n *nursery) close() {
	if n.dir != nil {
		n.dir.Close()
	}
}

// born makes a namespace as "ip netns add" does: the calling thread goes into a new one,
// which is then bound to a file. Its lo carries the mark before it has a name, so that
// there is never a named one without. It stays open: what is made in it comes next.
func (n *nursery) born(o model.Netns) error {
	if err := CheckComponent(o.Name); err != nil {
		return err
	}
	if err := n.h.writing(); err != nil {
		return err
	}
	path, err := n.prepareFile(o.Name)
	if err != nil {
		return err
	}
	s := n.h.newSpace(o.Name)
	if err := n.bindNew(s, path, o); err != nil {
		s.close()
		os.Remove(path)
		return err
	}
	n.h.keep(s)
	return nil
}

// prepareFile makes the file that the namespace is to be mounted on. An empty one
// that nothing is mounted on is left over from a run that died, and taken.
func (n *nursery) prepareFile(name string) (string, error) {
	if err := n.open(); err != nil {
		return "", err
	}
	f, err := n.dir.Create(name)
	path := n.h.path(name)
	if err == nil {
		return path, f.Close()
	}
	st, statErr := os.Lstat(path)
	if statErr == nil && st.Mode().IsRegular() && st.Size() == 0 && !isNamespace(path) {
		return path, nil
	}
	return "", err
}

func (n *nursery) open() (err error) {
	if n.dir != nil {
		return nil
	}
	if err := shareMounts(n.h.opts.NetnsDir); err != nil {
		return err
	}
	n.dir, err = OpenDir(n.h.opts.NetnsDir)
	return err
}

// bindNew makes the namespace of a handle, and binds it to the file.
func (n *nursery) bindNew(s *space, path string, o model.Netns) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	if err := s.dial(); err != nil {
		return err
	}
	if err := errors.Join(s.conn.exec(loMessage(o)), n.h.writing()); err != nil {
		return err
	}
	var err error
	if s.file, err = os.Open(ownNetns); err != nil {
		return err
	}
	s.inode = inodeOf(handlePath(s.file))
	return unix.Mount(ownNetns, path, "none", unix.MS_BIND, "")
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
