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
	for _, name := range names {
		n, err := h.netns(name)
		if err != nil && (errors.Is(err, fs.ErrNotExist) || !isNamespace(h.path(name))) {
			continue // deleted meanwhile, if there isn't another one of the name already
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

// together makes or removes many namespaces: a few threads go from one to the next, and
// what concerns their directory is done once.
func (d netnsDoor) together(steps []model.Step) []error {
	if steps[0].Op == model.OpCreate {
		return d.createAll(steps)
	}
	return d.removeAll(steps)
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
