package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Sysctls reads the named sysctls in a namespace. One that does not exist is left
// out. Saved is filled where the tool has set one before.
func (h *Host) Sysctls(ctx context.Context, netns string, names []string) ([]model.Sysctl, error) {
	if len(names) == 0 {
		return nil, nil
	}
	memory, err := h.remembered()
	if err != nil {
		return nil, err
	}
	var l []model.Sysctl
	for _, name := range names {
		v, err := h.readSysctl(netns, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, opError("read", model.Sysctl{Netns: netns, Name: name}, err)
		}
		s := model.Sysctl{Netns: netns, Name: name, Value: model.Some(v)}
		if before, ok := memory.find(netns, name); ok {
			s.Saved = model.Some(before)
		}
		l = append(l, s)
	}
	return l, ctx.Err()
}

// SavedSysctls reads the sysctls that the tool has set since the machine started
// and not given back, as far as they still exist. One that has its old value is given
// back, by whomever: a script may do it, which cannot write our memory.
func (h *Host) SavedSysctls(ctx context.Context) ([]model.Sysctl, error) {
	memory, err := h.remembered()
	if err != nil {
		return nil, err
	}
	var l []model.Sysctl
	for _, e := range memory.Sysctls {
		v, err := h.readSysctl(e.Netns, e.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, opError("read", model.Sysctl{Netns: e.Netns, Name: e.Name}, err)
		}
		if v == e.Value {
			continue
		}
		l = append(l, model.Sysctl{Netns: e.Netns, Name: e.Name, Value: model.Some(v), Saved: model.Some(e.Value)})
	}
	return l, ctx.Err()
}

// readSysctl returns a value with single spaces, as it would be written.
func (h *Host) readSysctl(netns, name string) (string, error) {
	path, err := sysctlPath(name)
	if err != nil {
		return "", err
	}
	var b []byte
	err = h.In(netns, func() (err error) {
		b, err = os.ReadFile(path)
		return err
	})
	return string(bytes.Join(bytes.Fields(b), []byte(" "))), err
}

// writeSysctl writes without creating: a sysctl that does not exist is an error.
func (h *Host) writeSysctl(netns, name, value string) error {
	path, err := sysctlPath(name)
	if err != nil {
		return err
	}
	if err := h.writing(); err != nil {
		return err
	}
	return h.In(netns, func() error {
		f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(value)
		return errors.Join(err, f.Close())
	})
}

// sysctlPath returns the file of a sysctl, as the opening thread's namespace has it;
// a "/" in a name stands for a dot within a device's name, as in sysctl(8). A name that
// leads elsewhere than below net, where each namespace has its own, is refused.
func sysctlPath(name string) (string, error) {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(p, "/", ".")
		if CheckComponent(parts[i]) != nil {
			return "", fmt.Errorf("%q is no sysctl of a network namespace", name)
		}
	}
	if parts[0] != "net" || len(parts) == 1 {
		return "", fmt.Errorf("%q is no sysctl of a network namespace", name)
	}
	return "/proc/sys/" + strings.Join(parts, "/"), nil
}

type sysctlDoor struct{ h *Host }

func (d sysctlDoor) create(o model.Object) error {
	s := o.(model.Sysctl)
	was, err := d.h.readSysctl(s.Netns, s.Name)
	if err != nil {
		return err
	}
	return d.set(s, s.Saved.Or(was))
}

func (d sysctlDoor) update(before, after model.Object) error {
	was := before.(model.Sysctl)
	return d.set(after.(model.Sysctl), was.Saved.Or(was.Value.Value()))
}

// set remembers what was there, and only then writes: a run that dies in between
// remembers too much rather than too little. What could not be written is not
// remembered, if it wasn't before.
func (d sysctlDoor) set(s model.Sysctl, was string) error {
	first, err := d.h.remember(s.Netns, s.Name, was)
	if err != nil {
		return err
	}
	err = d.h.writeSysctl(s.Netns, s.Name, s.Value.Value())
	if err != nil && first {
		return errors.Join(err, d.h.unremember(s.Netns, s.Name))
	}
	return err
}

// remove gives back what was there before, and forgets it.
func (d sysctlDoor) remove(o model.Object) error {
	s := o.(model.Sysctl)
	if was, ok := s.Saved.Get(); ok {
		err := d.h.writeSysctl(s.Netns, s.Name, was)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return d.h.unremember(s.Netns, s.Name)
}
