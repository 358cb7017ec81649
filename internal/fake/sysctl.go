package fake

import (
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// sysctlDefault is the value of every sysctl that nobody has set.
const sysctlDefault = "0"

// sysctl reads one; ok is false where there is none, as its device is missing.
func (k *Kernel) sysctl(key model.Key) (s model.Sysctl, ok bool) {
	if s, ok := k.objects[key].(model.Sysctl); ok {
		return s, true
	}
	s = model.Sysctl{Netns: key.Netns, Name: key.Name, Value: model.Some(sysctlDefault)}
	if dev := s.Device(); dev != "" {
		_, ok := k.link(key.Netns, dev)
		return s, ok
	}
	return s, k.hasNetns(key.Netns)
}

// setSysctl writes one, and remembers what was there before it was first set.
func (k *Kernel) setSysctl(s model.Sysctl) error {
	was, ok := k.sysctl(s.Key())
	if !ok {
		return syscall.ENOENT
	}
	saved := was.Saved
	if !saved.IsSet() {
		saved = s.Saved.Fill(was.Value)
	}
	s.Saved = saved
	k.objects[s.Key()] = s
	return nil
}

// giveBackSysctl restores what was there before, and forgets it.
func (k *Kernel) giveBackSysctl(s model.Sysctl) error {
	was, ok := k.sysctl(s.Key())
	if !ok || !was.Saved.IsSet() {
		return errAbsent
	}
	was.Value, was.Saved = s.Saved.Fill(was.Value), model.Opt[string]{}
	k.objects[s.Key()] = was
	if was.Value.Value() == sysctlDefault {
		delete(k.objects, s.Key())
	}
	return nil
}
