package fake

import (
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// setNeighbour makes or replaces an entry: what the kernel learnt is nobody's.
func (k *Kernel) setNeighbour(n model.Neighbour) error {
	if _, ok := k.link(n.Netns, n.Link); !ok {
		return syscall.ENODEV
	}
	k.put(n)
	return nil
}

func (k *Kernel) createFDB(f model.FDBEntry) error {
	if _, ok := k.objects[f.Key()]; ok && !f.MAC.IsZero() {
		return syscall.EEXIST
	}
	return k.setFDB(f)
}

// setFDB makes or replaces an entry; the VTEP behind it has to be of the family that
// the device works with (vxlan_fdb_parse).
func (k *Kernel) setFDB(f model.FDBEntry) error {
	l, ok := k.link(f.Netns, f.Link)
	switch {
	case !ok:
		return syscall.ENODEV
	case l.Type.Value() != model.TypeVXLAN:
		return syscall.EOPNOTSUPP
	case l.VXLAN.Local.Value().Is6() != f.Dst.Value().Is6():
		return syscall.EAFNOSUPPORT
	}
	k.put(f)
	return nil
}
