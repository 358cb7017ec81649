package kernel

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ndaProtocol is NDA_PROTOCOL (linux/neighbour.h), which x/sys lacks.
const ndaProtocol = 12

// Neighbours lists the permanent entries of a link's ARP and ND tables; the others
// come and go with the traffic. Where something changes meanwhile, it reads them again, as
// often as it takes to find all that stay.
func (h *Host) Neighbours(ctx context.Context, netns, link string) ([]model.Neighbour, error) {
	return whole(func(f func(model.Neighbour)) (bool, error) { return h.EachNeighbour(ctx, netns, link, f) },
		func(n model.Neighbour) (model.Object, error) { return h.Look(ctx, n.Key()) })
}

// EachNeighbour calls f with each entry that Neighbours lists; twice says that the kernel
// was asked twice, since something changed meanwhile: then the last one of a key counts,
// and what is not among them may be there all the same.
func (h *Host) EachNeighbour(ctx context.Context, netns, link string, f func(model.Neighbour)) (twice bool, err error) {
	s, dev, err := h.device(netns, link)
	if err != nil {
		return false, err
	}
	rows, twice, err := s.neighbourRows(ctx, dev, unix.AF_UNSPEC)
	defer s.conn.recycle(rows)
	for r := range rows.replies() {
		if n, ok := parseNeighbour(r.body); ok {
			n.Netns, n.Link = netns, link
			f(n)
		}
	}
	return twice, err
}

// neighbourRows dumps the rows of one link: the kernel filters by NDA_IFINDEX, for
// neighbours (neigh_valid_dump_req) as for FDB entries (valid_fdb_dump_strict).
func (s *space) neighbourRows(ctx context.Context, dev rawLink, family uint8) (l rows, twice bool, err error) {
	m := newMessage(unix.RTM_GETNEIGH, 0, ndmsg(family, 0, 0, 0)).u32(unix.NDA_IFINDEX, dev.index)
	l, twice, err = s.steadyDump(ctx, unwatched{conn: s.conn, request: m, group: unix.RTNLGRP_NEIGH})
	return l, twice, opError("list the neighbours of", model.Link{Netns: s.netns, Name: dev.link.Name}, err)
}

// device looks a link up anew: of one that was made again, the old index has no rows.
func (h *Host) device(netns, link string) (*space, rawLink, error) {
	s, err := h.space(netns)
	if err != nil {
		return nil, rawLink{}, err
	}
	dev, err := s.link(link)
	if err != nil {
		return nil, dev, opError("find", model.Link{Netns: netns, Name: link}, err)
	}
	return s, dev, nil
}

// parseNeighbour reads an RTM_NEWNEIGH message of the ARP or ND table.
func parseNeighbour(body []byte) (model.Neighbour, bool) {
	if len(body) < unix.SizeofNdMsg {
		return model.Neighbour{}, false
	}
	n := model.Neighbour{State: model.Some(readU16(body[8:])), Protocol: model.Some[uint8](0)}
	for typ, v := range attributes(after(body, unix.SizeofNdMsg)) {
		switch typ {
		case unix.NDA_DST:
			n.IP = readAddr(v)
		case unix.NDA_LLADDR:
			if mac, ok := readMAC(v); ok {
				n.MAC = model.Some(mac)
			}
		case ndaProtocol:
			n.Protocol = model.Some(readU8(v))
		}
	}
	return n, n.IP.IsValid() && n.State.Value()&model.NeighbourPermanent != 0
}

type neighbourDoor struct{ h *Host }

// create replaces what is there: an entry that the kernel learnt from traffic is
// nobody's.
func (d neighbourDoor) create(o model.Object) error {
	return d.h.plainly(d, model.Step{Op: model.OpCreate, After: o})
}

// update changes an entry in one message, but for taking a protocol away: the kernel
// takes 0 as "leave it" (___neigh_update, net/core/neighbour.c).
func (d neighbourDoor) update(before, after model.Object) error {
	if losesProtocol(before.(model.Neighbour), after.(model.Neighbour)) {
		if err := d.remove(before); err != nil {
			return err
		}
	}
	return d.create(after)
}

func losesProtocol(was, n model.Neighbour) bool {
	return was.Protocol.Value() != 0 && n.Protocol == model.Some[uint8](0)
}

func (d neighbourDoor) remove(o model.Object) error {
	return d.h.plainly(d, model.Step{Op: model.OpDelete, Before: o})
}

func (neighbourDoor) plain(s model.Step) bool {
	return s.Op != model.OpUpdate || !losesProtocol(s.Before.(model.Neighbour), s.After.(model.Neighbour))
}

func (neighbourDoor) message(m message, at *site, s model.Step) (message, error) {
	n := s.Object().(model.Neighbour)
	index, err := at.on(n.Link)
	if err != nil {
		return m, err
	}
	if s.Op == model.OpDelete {
		m = appendNdmsg(m.begin(unix.RTM_DELNEIGH, 0), familyOf(n.IP), index, 0, 0)
		return m.addr(unix.NDA_DST, n.IP), nil
	}
	m = m.begin(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	m = appendNdmsg(m, familyOf(n.IP), index, n.State.Or(model.NeighbourPermanent), 0).addr(unix.NDA_DST, n.IP)
	if mac, ok := n.MAC.Get(); ok {
		m = m.attr(unix.NDA_LLADDR, mac[:])
	}
	if proto, ok := n.Protocol.Get(); ok {
		m = m.u8(ndaProtocol, proto)
	}
	return m, nil
}

func (neighbourDoor) verdict(s model.Step, err error) (rest error, again bool) {
	if s.Op == model.OpDelete {
		return ignore(err, unix.ENOENT, unix.ENODEV), false
	}
	return err, false
}

// ndmsg is a struct ndmsg (linux/neighbour.h).
func ndmsg(family uint8, index uint32, state uint16, flags uint8) []byte {
	return appendNdmsg(nil, family, index, state, flags)
}

func appendNdmsg(m message, family uint8, index uint32, state uint16, flags uint8) message {
	m = append(m, family, 0, 0, 0)
	m = native.AppendUint32(m, index)
	m = native.AppendUint16(m, state)
	return append(m, flags, 0)
}
