package kernel

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// FDB lists the entries of a vxlan device's forwarding table that somebody put
// there: not what was learnt from packets, nor the row that the kernel makes of the
// device's own default destination. It leaves out as little as Neighbours does.
func (h *Host) FDB(ctx context.Context, netns, link string) ([]model.FDBEntry, error) {
	return whole(func(f func(model.FDBEntry)) (bool, error) { return h.EachFDB(ctx, netns, link, f) },
		func(f model.FDBEntry) (model.Object, error) {
			if f.MAC.IsZero() {
				return f, nil // to look it up would take this very list
			}
			return h.Look(ctx, f.Key())
		})
}

// EachFDB calls f with each entry that FDB lists; twice is as EachNeighbour has it.
func (h *Host) EachFDB(ctx context.Context, netns, link string, f func(model.FDBEntry)) (twice bool, err error) {
	s, dev, err := h.device(netns, link)
	if err != nil {
		return false, err
	}
	second, err := s.second()
	if err != nil {
		return false, opError("list the neighbours of", model.Link{Netns: netns, Name: link}, err)
	}
	rows, twice, err := second.neighbourRows(ctx, dev, unix.AF_BRIDGE)
	defer second.conn.recycle(rows)
	for r := range rows.replies() {
		e, ok := parseFDB(r.body, dev.index)
		if ok && !(e.MAC.IsZero() && e.Dst.Value() == dev.remote) {
			e.Netns, e.Link = netns, link
			f(e)
		}
	}
	return twice, err
}

// parseFDB reads an RTM_NEWNEIGH message of the family AF_BRIDGE; only a vxlan
// device's own rows (NTF_SELF) with a destination count.
func parseFDB(body []byte, index uint32) (model.FDBEntry, bool) {
	if len(body) < unix.SizeofNdMsg || readU32(body[4:]) != index || body[10]&unix.NTF_SELF == 0 {
		return model.FDBEntry{}, false
	}
	f := model.FDBEntry{State: model.Some(readU16(body[8:]))}
	var dst netip.Addr
	for typ, v := range attributes(after(body, unix.SizeofNdMsg)) {
		switch typ {
		case unix.NDA_LLADDR:
			f.MAC, _ = readMAC(v)
		case unix.NDA_DST:
			dst = readAddr(v)
		}
	}
	f.Dst = model.Some(dst)
	return f, dst.IsValid() && f.State.Value()&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0
}

type fdbDoor struct{ h *Host }

// create adds a row. The all-zero MAC may have many: there it is appended. A row that
// the device has learnt is nobody's, and replaced.
func (d fdbDoor) create(o model.Object) error {
	f := o.(model.FDBEntry)
	err := d.h.plainly(d, model.Step{Op: model.OpCreate, After: o})
	if f.MAC.IsZero() || !errors.Is(err, unix.EEXIST) {
		return err
	}
	static, listErr := d.h.FDB(context.Background(), f.Netns, f.Link)
	if listErr != nil || slices.ContainsFunc(static, func(x model.FDBEntry) bool { return x.MAC == f.MAC }) {
		return err
	}
	return d.update(nil, f)
}

// update points a row elsewhere, in one message.
func (d fdbDoor) update(_, after model.Object) error {
	return d.h.plainly(d, model.Step{Op: model.OpUpdate, After: after})
}

func (d fdbDoor) remove(o model.Object) error {
	return d.h.plainly(d, model.Step{Op: model.OpDelete, Before: o})
}

func (fdbDoor) plain(model.Step) bool { return true }

func (fdbDoor) message(m message, at *site, s model.Step) (message, error) {
	f := s.Object().(model.FDBEntry)
	index, err := at.on(f.Link)
	if err != nil {
		return m, err
	}
	state := f.State.Or(model.FDBPermanent)
	switch {
	case s.Op == model.OpDelete:
		m, state = m.begin(unix.RTM_DELNEIGH, 0), 0
	case s.Op == model.OpUpdate:
		m = m.begin(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	case f.MAC.IsZero():
		m = m.begin(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_APPEND)
	default:
		m = m.begin(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	}
	return appendNdmsg(m, unix.AF_BRIDGE, index, state, unix.NTF_SELF).
		attr(unix.NDA_LLADDR, f.MAC[:]).addr(unix.NDA_DST, f.Dst.Value()), nil
}

func (fdbDoor) verdict(s model.Step, err error) (rest error, again bool) {
	switch s.Op {
	case model.OpCreate:
		return err, errors.Is(err, unix.EEXIST) // it may be over a row that was learnt
	case model.OpDelete:
		return ignore(err, unix.ENOENT, unix.ENODEV), false
	}
	return err, false
}
