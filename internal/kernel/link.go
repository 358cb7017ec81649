package kernel

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// skipStats asks the kernel not to count packets for us (RTEXT_FILTER_SKIP_STATS,
// linux/rtnetlink.h).
const skipStats = 0x8

// rawLink is a link as one message tells it: other links are indexes still.
type rawLink struct {
	link   model.Link
	index  uint32
	master uint32
	under  uint32     // the underlay device of a vxlan or ipip device
	peer   uint32     // IFLA_LINK: the other end of a veth, or the link below
	nsid   int32      // IFLA_LINK_NETNSID: the namespace of that; sameNetns, noNetns
	remote netip.Addr // a vxlan device's default destination, whose FDB row the kernel makes itself
}

// What stands for a namespace's ID.
const (
	sameNetns = -1 // the kernel tells none
	noNetns   = -2 // one that is going just now has no ID any more, which the kernel tells as -1 (peernet2id_alloc)
)

// Links lists the links of the namespaces, "" being the root one. The other ends of
// veths are looked up among the root and all named namespaces; an end anywhere else
// is in "?". So are the links that others stand on; one anywhere else is none.
func (h *Host) Links(ctx context.Context, netns ...string) ([]model.Link, error) {
	return h.listLinks(ctx, h.rawLinks, netns)
}

// lister returns the links of a namespace.
type lister func(ctx context.Context, netns string) ([]*rawLink, error)

func (h *Host) listLinks(ctx context.Context, list lister, netns []string) ([]model.Link, error) {
	dumps, n := map[string][]*rawLink{}, 0
	for _, ns := range netns {
		raw, err := list(ctx, ns)
		if err != nil {
			return nil, err
		}
		dumps[ns] = raw
		n += len(raw)
	}
	l := make([]model.Link, 0, n)
	peers := newPeerFinder(h, dumps)
	for _, ns := range netns {
		for _, r := range dumps[ns] {
			l = append(l, r.link)
			link := &l[len(l)-1]
			switch {
			case link.Type.Value() == model.TypeVeth:
				link.Peer = model.Some(peers.find(ns, r))
			case model.StandsOn(link.Type.Value()):
				if low, ok := peers.locate(ns, r); ok {
					link.Lower = model.Some(low)
				}
			}
		}
	}
	return l, nil
}

// Devices lists the links of one namespace without the other ends of veths, and what links
// stand on: to know those, each namespace that one is in has to be looked into. They must not be
// changed.
func (h *Host) Devices(ctx context.Context, netns string) ([]*model.Link, error) {
	return devices(ctx, h.rawLinks, netns)
}

func devices(ctx context.Context, list lister, netns string) ([]*model.Link, error) {
	raw, err := list(ctx, netns)
	if err != nil {
		return nil, err
	}
	l := make([]*model.Link, 0, len(raw))
	for _, r := range raw {
		l = append(l, &r.link)
	}
	return l, nil
}

// rawLinks lists the links of a namespace by their indexes. The messages, of more than a
// kilobyte each, are read as they come, and not kept.
func (h *Host) rawLinks(ctx context.Context, netns string) ([]*rawLink, error) {
	s, err := h.space(netns)
	if err != nil {
		return nil, err
	}
	const least, most = 4, 64 // that are allocated together: most namespaces have few links
	var l []*rawLink
	var room []rawLink // for the next ones
	m := newMessage(unix.RTM_GETLINK, 0, make([]byte, unix.SizeofIfInfomsg)).u32(unix.IFLA_EXT_MASK, skipStats)
	_, _, err = s.conn.choose(ctx, m, choice{
		begin: func() { l = l[:0] },
		wanted: func(body []byte) bool {
			if len(room) == 0 {
				room = make([]rawLink, min(max(least, len(l)), most))
			}
			if r := &room[0]; r.parse(body) {
				r.link.Netns = netns
				l, room = append(l, r), room[1:]
			}
			return false
		},
	})
	if err != nil {
		return nil, opError("list the links of", model.Netns{Name: netns}, err)
	}
	// As of Linux 6.9 they come like that (rtnl_dump_ifinfo, net/core/rtnetlink.c).
	if !slices.IsSortedFunc(l, compareIndexes) {
		slices.SortFunc(l, compareIndexes)
	}
	for _, r := range l {
		r.resolve(l)
	}
	s.setIndexes(l)
	return l, nil
}

func compareIndexes(a, b *rawLink) int { return cmp.Compare(a.index, b.index) }

// nameIn returns the name of the link with the index among those of a namespace, which are
// in order.
func nameIn(l []*rawLink, index uint32) (name string, ok bool) {
	i, ok := slices.BinarySearchFunc(l, index, func(r *rawLink, index uint32) int { return cmp.Compare(r.index, index) })
	if !ok {
		return "", false
	}
	return l[i].link.Name, true
}

// resolve turns the indexes of links in the same namespace into names.
func (r *rawLink) resolve(all []*rawLink) {
	named := func(index uint32) model.Opt[string] {
		name, _ := nameIn(all, index)
		return model.Some(name)
	}
	r.link.Master = model.Some("")
	if r.master != 0 {
		r.link.Master = named(r.master)
	}
	switch r.link.Type.Value() {
	case model.TypeVXLAN:
		r.link.VXLAN.Dev = named(r.under)
	case model.TypeIPIP:
		r.link.IPIP.Dev = named(r.under)
	}
}

// parseLink reads an RTM_NEWLINK message (linux/if_link.h).
func parseLink(body []byte) (r rawLink, ok bool) {
	ok = r.parse(body)
	return r, ok
}

// parse is parseLink into what has held another link, or none.
func (r *rawLink) parse(body []byte) bool {
	if len(body) < unix.SizeofIfInfomsg {
		return false
	}
	*r = rawLink{index: readU32(body[4:]), nsid: sameNetns}
	l := &r.link
	l.Up = model.Some(readU32(body[8:])&unix.IFF_UP != 0)
	l.Type, l.Alias, l.Group = model.Some(""), model.Some(""), model.Some[uint32](0)
	for typ, v := range attributes(after(body, unix.SizeofIfInfomsg)) {
		switch typ {
		case unix.IFLA_IFNAME:
			l.Name = readString(v)
		case unix.IFLA_MTU:
			l.MTU = model.Some(readU32(v))
		case unix.IFLA_ADDRESS:
			if mac, ok := readMAC(v); ok {
				l.MAC = model.Some(mac)
			}
		case unix.IFLA_MASTER:
			r.master = readU32(v)
		case unix.IFLA_LINK:
			r.peer = readU32(v)
		case unix.IFLA_LINK_NETNSID:
			if r.nsid = int32(readU32(v)); r.nsid < 0 {
				r.nsid = noNetns
			}
		case unix.IFLA_GROUP:
			l.Group = model.Some(readU32(v))
		case unix.IFLA_IFALIAS:
			l.Alias = model.Some(readString(v))
		case unix.IFLA_LINKINFO:
			r.parseInfo(v)
		}
	}
	return l.Name != ""
}

func (r *rawLink) parseInfo(b []byte) {
	var data []byte
	for typ, v := range attributes(b) {
		switch typ {
		case unix.IFLA_INFO_KIND:
			r.link.Type = model.Some(readString(v))
		case unix.IFLA_INFO_DATA:
			data = v
		}
	}
	switch r.link.Type.Value() {
	case model.TypeBridge:
		r.parseBridge(data)
	case model.TypeVXLAN:
		r.parseVXLAN(data)
	case model.TypeIPIP:
		r.parseIPIP(data)
	}
}

func readMAC(b []byte) (model.MAC, bool) {
	if len(b) != len(model.MAC{}) {
		return model.MAC{}, false
	}
	return model.MAC(b), true
}

// link looks one link up by name.
func (s *space) link(name string) (rawLink, error) {
	body, err := s.conn.get(newMessage(unix.RTM_GETLINK, 0, make([]byte, unix.SizeofIfInfomsg)).
		str(unix.IFLA_IFNAME, name).u32(unix.IFLA_EXT_MASK, skipStats))
	if err != nil {
		return rawLink{}, err
	}
	r, ok := parseLink(body)
	if !ok {
		return rawLink{}, errors.New("the kernel's description of the link is cut off")
	}
	return r, nil
}

// on returns the handle of the namespace and the index of a link in it.
func (h *Host) on(netns, link string) (*space, uint32, error) {
	s, err := h.space(netns)
	if err != nil {
		return nil, 0, err
	}
	i, err := s.find(link)
	return s, i, err
}
