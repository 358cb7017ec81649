package kernel

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

type linkDoor struct{ h *Host }

// create makes a link in two messages: the first one with the group, which is the
// only mark that the kernel honours there; the second one with the alias, the bridge
// and the state. The second end of a veth is there already, and only set up.
func (d linkDoor) create(o model.Object) error {
	l := o.(model.Link)
	s, err := d.h.space(l.Netns)
	if err != nil {
		return err
	}
	if !l.Primary() {
		return d.configure(s, 0, model.Link{Name: l.Name}, l)
	}
	defer d.h.unknow(l)
	if model.StandsOn(l.Type.Value()) {
		return d.createAbove(s, l)
	}
	m, err := d.h.createMessage(s, l)
	if err != nil {
		return err
	}
	err = d.h.exec(s, m)
	if errors.Is(err, unix.EEXIST) && d.h.outlived(s, l) {
		err = d.h.exec(s, m)
	}
	if err != nil {
		return errors.Join(err, d.reprieve(s, l, err))
	}
	born := newborn(l)
	born.Alias, born.Master, born.Up = model.Opt[string]{}, model.Opt[string]{}, model.Opt[bool]{}
	if err := d.configure(s, 0, born, l); err != nil {
		return errors.Join(err, d.remove(l))
	}
	return nil
}

// createAbove refuses a link that stands on another one, of which the observer tells no more:
// it was somebody else's.
func (d linkDoor) createAbove(s *space, l model.Link) error {
	if _, err := s.link(l.Name); err == nil {
		return opError("create", l, unix.EEXIST)
	}
	return opError("create", l, fmt.Errorf("only who made it can make it again: netplan-overlay doesn't know all of a link of type %s", l.Type.Value()))
}

// unknow forgets what indexes the new link and its other end had, should there have been
// some of their names.
func (h *Host) unknow(l model.Link) {
	ends := []model.EndRef{{Netns: l.Netns, Name: l.Name}}
	if peer, ok := l.Peer.Get(); ok {
		ends = append(ends, peer)
	}
	for _, e := range ends {
		if s, err := h.space(e.Netns); err == nil {
			s.unknow(e.Name)
		}
	}
}

// newborn returns what the first message makes of the link. A bridge gets another
// MTU than it is to have: only a change says that somebody wants it so, and else it
// would follow that of the bridge's ports (br_mtu_auto_adjust, net/bridge/br_if.c).
func newborn(l model.Link) model.Link {
	if mtu, ok := l.MTU.Get(); ok && l.Type.Value() == model.TypeBridge {
		l.MTU = model.Some(mtu ^ 1)
	}
	return l
}

func (h *Host) createMessage(s *space, l model.Link) (message, error) {
	m := newMessage(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ifinfo(0, 0, 0)).str(unix.IFLA_IFNAME, l.Name)
	if l.Type.Value() == model.TypeVeth {
		m = oneQueue(m)
	}
	m = bornWith(m, newborn(l))
	data, err := h.infoData(s, model.Link{}, l)
	if err != nil {
		return nil, err
	}
	return m.nest(unix.IFLA_LINKINFO, func(m message) message {
		m = m.str(unix.IFLA_INFO_KIND, l.Type.Value())
		if data == nil {
			return m
		}
		return m.nest(unix.IFLA_INFO_DATA, data)
	}), nil
}

// bornWith appends what a creating message may carry for any type of link.
func bornWith(m message, l model.Link) message {
	if group, ok := l.Group.Get(); ok {
		m = m.u32(unix.IFLA_GROUP, group)
	}
	if mtu, ok := l.MTU.Get(); ok {
		m = m.u32(unix.IFLA_MTU, mtu)
	}
	if mac, ok := l.MAC.Get(); ok {
		m = m.attr(unix.IFLA_ADDRESS, mac[:])
	}
	return m
}

// infoData returns what appends the type's own attributes as far as they differ
// between before and after, or nil if there are none.
func (h *Host) infoData(s *space, before, after model.Link) (func(message) message, error) {
	switch after.Type.Value() {
	case model.TypeBridge:
		return bridgeData(before.Bridge, after.Bridge), nil
	case model.TypeVXLAN:
		return vxlanData(s, before.VXLAN, after.VXLAN)
	case model.TypeIPIP:
		return ipipData(s, before.IPIP, after.IPIP)
	case model.TypeVeth:
		if before.Peer != after.Peer {
			return h.vethData(after)
		}
	}
	return nil, nil
}

// update changes what differs, in at most two messages: the kernel refuses an MTU
// beside IFLA_LINKINFO ("Cannot change mtu").
func (d linkDoor) update(before, after model.Object) error {
	was, l := before.(model.Link), after.(model.Link)
	s, err := d.h.space(l.Netns)
	if err != nil {
		return err
	}
	if was.Name != l.Name {
		return d.rename(s, was.Name, l.Name)
	}
	data, err := d.h.infoData(s, was, l)
	if err != nil {
		return err
	}
	if data != nil {
		index, err := s.linkIndex(l.Name)
		if err != nil {
			return err
		}
		m := newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, 0, 0)).nest(unix.IFLA_LINKINFO, func(m message) message {
			return m.str(unix.IFLA_INFO_KIND, l.Type.Value()).nest(unix.IFLA_INFO_DATA, data)
		})
		if err := d.h.exec(s, m); err != nil {
			return err
		}
		// With another underlay device, the kernel has derived the MTU anew
		// (ip_tunnel_update, net/ipv4/ip_tunnel.c; vxlan_config_apply).
		was.MTU = model.Opt[uint32]{}
	}
	if follows, err := d.followsPorts(was, l); err != nil {
		return err
	} else if follows {
		was.MAC = model.Opt[model.MAC]{} // set what it has: from then on, it stays
	}
	index, err := s.linkIndex(l.Name)
	if err != nil {
		return err
	}
	return d.configure(s, index, was, l)
}

// rename gives a link another name, which can be done while it is up as of Linux 6.2
// (dev_change_name, net/core/dev.c).
func (d linkDoor) rename(s *space, from, to string) error {
	index, err := s.linkIndex(from)
	if err != nil {
		return err
	}
	defer d.h.forgetIndexes()
	return d.h.exec(s, newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, 0, 0)).str(unix.IFLA_IFNAME, to))
}

// configure sets what any link has, as far as it differs, in one message. Without an
// index, the link is the one of the name.
func (d linkDoor) configure(s *space, index uint32, was, l model.Link) error {
	var flags, mask uint32
	if was.Up != l.Up && l.Up.IsSet() {
		mask = unix.IFF_UP
		flags = mask * uint32(boolByte(l.Up.Value()))
	}
	m := newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, flags, mask))
	if index == 0 {
		m = m.str(unix.IFLA_IFNAME, l.Name)
	}
	bare := len(m)
	m = bornWith(m, changed(was, l))
	if alias, ok := l.Alias.Get(); ok && was.Alias != l.Alias {
		m = aliasAttr(m, alias)
	}
	if master, ok := l.Master.Get(); ok && was.Master != l.Master {
		var err error
		if m, err = masterAttr(s, m, master); err != nil {
			return err
		}
	}
	if len(m) == bare && mask == 0 {
		return nil
	}
	return d.h.exec(s, m)
}

// changed returns l with only those of group, MTU and MAC that differ from was.
func changed(was, l model.Link) model.Link {
	var c model.Link
	if was.Group != l.Group {
		c.Group = l.Group
	}
	if was.MTU != l.MTU {
		c.MTU = l.MTU
	}
	if was.MAC != l.MAC {
		c.MAC = l.MAC
	}
	return c
}

// aliasAttr appends an alias; the kernel takes an empty one as "none"
// (dev_set_alias, net/core/dev.c).
func aliasAttr(m message, alias string) message { return m.attr(unix.IFLA_IFALIAS, []byte(alias)) }

func masterAttr(s *space, m message, master string) (message, error) {
	if master == "" {
		return m.u32(unix.IFLA_MASTER, 0), nil
	}
	index, err := s.find(master)
	return m.u32(unix.IFLA_MASTER, index), err
}

// ifinfo is a struct ifinfomsg (linux/rtnetlink.h); of the flags, those in the mask
// are set.
func ifinfo(index, flags, mask uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	native.PutUint32(b[4:], index)
	native.PutUint32(b[8:], flags)
	native.PutUint32(b[12:], mask)
	return b
}

func upMask(up model.Opt[bool]) uint32 {
	if up.IsSet() {
		return unix.IFF_UP
	}
	return 0
}
