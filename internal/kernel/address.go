package kernel

import (
	"context"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ifaProto is IFA_PROTO (linux/if_addr.h, Linux 5.18), which x/sys lacks.
const ifaProto = 11

// Addresses lists the addresses of a namespace's links.
func (h *Host) Addresses(ctx context.Context, netns string) ([]model.Address, error) {
	return h.addresses(ctx, netns, "")
}

// addresses lists the addresses of one link, or of all if link is "".
func (h *Host) addresses(ctx context.Context, netns, link string) ([]model.Address, error) {
	s, err := h.space(netns)
	if err != nil {
		return nil, err
	}
	b, err := s.conn.dump(ctx, newMessage(unix.RTM_GETADDR, 0, make([]byte, unix.SizeofIfAddrmsg)))
	if err != nil {
		return nil, opError("list the addresses of", model.Netns{Name: netns}, err)
	}
	defer s.conn.recycle(b)
	names := s.names().of
	var l []model.Address
	for r := range b.replies() {
		a, ok := parseAddress(r.body, names, h.features.AddressProtocol)
		if ok && (link == "" || a.Link == link) {
			a.Netns = netns
			l = append(l, a)
		}
	}
	return l, nil
}

// parseAddress reads an RTM_NEWADDR message (linux/if_addr.h). IFA_LOCAL is the
// address itself; IFA_ADDRESS is the other end of a point-to-point link, except for
// IPv6, which has mostly IFA_ADDRESS alone.
func parseAddress(body []byte, names func(uint32) string, withProtocol bool) (model.Address, bool) {
	if len(body) < unix.SizeofIfAddrmsg {
		return model.Address{}, false
	}
	a := model.Address{Link: names(readU32(body[4:])), Scope: model.Some(body[3])}
	if withProtocol {
		a.Protocol = model.Some[uint8](0)
	}
	var local, address netip.Addr
	for typ, v := range attributes(after(body, unix.SizeofIfAddrmsg)) {
		switch typ {
		case unix.IFA_LOCAL:
			local = readAddr(v)
		case unix.IFA_ADDRESS:
			address = readAddr(v)
		case ifaProto:
			if withProtocol {
				a.Protocol = model.Some(readU8(v))
			}
		}
	}
	if !local.IsValid() {
		local = address
	}
	a.Prefix = netip.PrefixFrom(local, int(body[1]))
	return a, a.Link != "" && a.Prefix.IsValid()
}

type addressDoor struct{ h *Host }

func (d addressDoor) create(o model.Object) error {
	return d.h.plainly(d, model.Step{Op: model.OpCreate, After: o})
}

func (d addressDoor) update(_, after model.Object) error {
	return d.h.plainly(d, model.Step{Op: model.OpUpdate, After: after})
}

// remove deletes an address, and no other: without promote_secondaries, which is
// off by default, the kernel would take the other IPv4 addresses of the same subnet
// along (__inet_del_ifa, net/ipv4/devinet.c).
func (d addressDoor) remove(o model.Object) error {
	a := o.(model.Address)
	if _, _, err := d.h.on(a.Netns, a.Link); err != nil {
		return ignore(err, unix.ENODEV, unix.ENOENT)
	}
	restore, err := d.keepSiblings(a)
	if err != nil {
		return err
	}
	defer restore()
	return d.h.plainly(d, model.Step{Op: model.OpDelete, Before: o})
}

// plain says that what remove must look at first is IPv4's.
func (addressDoor) plain(s model.Step) bool {
	return s.Op != model.OpDelete || s.Before.(model.Address).Prefix.Addr().Is6()
}

// message names an address. IPv6 duplicate detection is left out: the file says whose
// an address is, and an address that is still tentative cannot be used (RFC 4862, 5.4).
func (addressDoor) message(m message, at *site, s model.Step) (message, error) {
	a := s.Object().(model.Address)
	index, err := at.on(a.Link)
	if err != nil {
		return m, err
	}
	var flags uint8
	if a.Prefix.Addr().Is6() && s.Op != model.OpDelete {
		flags = unix.IFA_F_NODAD
	}
	switch s.Op {
	case model.OpCreate:
		m = m.begin(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	case model.OpUpdate:
		m = m.begin(unix.RTM_NEWADDR, unix.NLM_F_REPLACE)
	default:
		m = m.begin(unix.RTM_DELADDR, 0)
	}
	m = append(m, familyOf(a.Prefix.Addr()), uint8(a.Prefix.Bits()), flags, a.Scope.Value()) // struct ifaddrmsg
	m = message(native.AppendUint32(m, index)).addr(unix.IFA_LOCAL, a.Prefix.Addr()).addr(unix.IFA_ADDRESS, a.Prefix.Addr())
	if proto, ok := a.Protocol.Get(); ok && s.Op != model.OpDelete {
		m = m.u8(ifaProto, proto)
	}
	return m, nil
}

func (addressDoor) verdict(s model.Step, err error) (rest error, again bool) {
	if s.Op == model.OpDelete {
		return ignore(err, unix.EADDRNOTAVAIL, unix.ENODEV), false
	}
	return err, false
}

// keepSiblings lets the kernel promote secondary addresses while one is deleted
// that has siblings.
func (d addressDoor) keepSiblings(a model.Address) (restore func(), err error) {
	nothing := func() {}
	if a.Prefix.Addr().Is6() {
		return nothing, nil
	}
	list, err := d.h.addresses(context.Background(), a.Netns, a.Link)
	if err != nil {
		return nothing, err
	}
	siblings := 0
	for _, x := range list {
		if x.Prefix.Masked() == a.Prefix.Masked() {
			siblings++
		}
	}
	promote := model.DeviceSysctl(4, a.Link, "promote_secondaries")
	was, err := d.h.readSysctl(a.Netns, promote)
	if siblings < 2 || err != nil || was != "0" {
		return nothing, nil // without the sysctl there is nothing to keep it from
	}
	if err := d.h.writeSysctl(a.Netns, promote, "1"); err != nil {
		return nothing, err
	}
	return func() { _ = d.h.writeSysctl(a.Netns, promote, "0") }, nil // what was written can be written
}

func familyOf(a netip.Addr) uint8 {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}
