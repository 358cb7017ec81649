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

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Sysctls reads the named sysctls in a namespace. One that does not exist is left
// out. Saved is filled where the tool has set one before.
func (h *Host) Sysctls(ctx context.Context, netns string, names []string) ([]model.Sysctl, error) {
	if len(names) == 0 {
		return nil, nil
	}
	memory, err := h.recalled()
	if err != nil {
		return nil, err
	}
	var l []model.Sysctl
	err = h.In(netns, func() error {
		for _, name := range names {
			s := model.Sysctl{Netns: netns, Name: name}
			v, err := readHere(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return opError("read", s, err)
			}
			s.Value = model.Some(v)
			l = append(l, s)
		}
		return nil
	})
	if err != nil {
		return nil, ignore(err, unix.ENOENT) // nor does its namespace
	}
	for i := range l {
		if e, ok := memory.find(netns, l[i].Name); ok && h.stillThere(e) {
			l[i].Saved = model.Some(e.Value)
		}
	}
	return l, ctx.Err()
}

// SavedSysctls reads the sysctls that the tool has set since the machine started
// and not given back, as far as they still exist. One that has its old value is given
// back, by whomever: a script may do it, which cannot write our memory.
func (h *Host) SavedSysctls(ctx context.Context) ([]model.Sysctl, error) {
	memory, err := h.remembered()
	if err != nil || len(memory.Sysctls) == 0 {
		return nil, err
	}
	var l []model.Sysctl
	err = h.tour(func(t *tour) error {
		for _, e := range memory.Sysctls {
			v, err := t.readSysctl(e.Netns, e.Name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return opError("read", model.Sysctl{Netns: e.Netns, Name: e.Name}, err)
			}
			if v != e.Value {
				l = append(l, model.Sysctl{Netns: e.Netns, Name: e.Name, Value: model.Some(v), Saved: model.Some(e.Value)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, ctx.Err()
}

// readSysctl returns a value as readHere does.
func (h *Host) readSysctl(netns, name string) (v string, err error) {
	err = h.In(netns, func() error {
		v, err = readHere(name)
		return err
	})
	return v, err
}

func (t *tour) readSysctl(netns, name string) (v string, err error) {
	err = t.in(netns, func() error {
		v, err = readHere(name)
		return err
	})
	return v, err
}

// readHere returns the value that a sysctl has in the calling thread's namespace, with
// single spaces, as it would be written.
func readHere(name string) (string, error) {
	path, err := sysctlPath(name)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	return string(bytes.Join(bytes.Fields(b), []byte(" "))), err
}

func (h *Host) writeSysctl(netns, name, value string) error {
	return h.tour(func(t *tour) error { return t.writeSysctl(netns, name, value) })
}

// writeSysctl writes without creating: a sysctl that does not exist is an error.
func (t *tour) writeSysctl(netns, name, value string) error {
	path, err := sysctlPath(name)
	if err != nil {
		return err
	}
	if err := t.h.writing(); err != nil {
		return err
	}
	return t.in(netns, func() error {
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
