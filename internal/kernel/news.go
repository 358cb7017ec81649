package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// newsBuffer is the receive buffer of a listener, in bytes: 10,000 changes or so that
// come while it doesn't listen.
const newsBuffer = 8 << 20

// rtmNewNexthop and rtmDelNexthop are RTM_NEWNEXTHOP and RTM_DELNEXTHOP, and
// rtnlgrpNexthop is RTNLGRP_NEXTHOP (linux/rtnetlink.h, Linux 5.3).
const (
	rtmNewNexthop  = 104
	rtmDelNexthop  = 105
	rtnlgrpNexthop = 32
)

// News is a change that the kernel tells of. Not all changes are told: routes go
// without a word with the address, the link state or the nexthop object that they need
// (fib_sync_down_dev, net/ipv4/fib_semantics.c).
type News struct {
	Netns string
	Key   model.Key // of what has changed; of a link, by the name that it has now, or had
	Kind  NewsKind
}

// NewsKind says what is new.
type NewsKind uint8

// The kinds of news.
const (
	Changed NewsKind = iota // the object is there, or is there in another way
	Gone                    // the object is not there any more
	Nexthop                 // a nexthop object has changed: any route of the namespace may have
	Lost                    // more was told than fits: anything may have changed
)

// Listener hears of the changes in one network namespace. One goroutine may use it.
type Listener struct {
	netns string
	file  *os.File
	raw   syscall.RawConn
	names map[uint32]string // of links, by index
	buf   []byte
}

// Listen begins to hear what changes in a namespace, "" being the host's own: links,
// addresses, neighbours, FDB entries and routes. What changes from now on is told.
func (h *Host) Listen(netns string) (*Listener, error) {
	l := &Listener{netns: netns, names: map[uint32]string{}}
	if err := h.In(netns, l.dial); err != nil {
		return nil, fmt.Errorf("listen to the kernel: %w", err)
	}
	links, err := h.rawLinks(context.Background(), netns)
	if err != nil {
		l.Close()
		return nil, err
	}
	l.names = namesOf(links)
	return l, nil
}

func (l *Listener) dial() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	l.file = os.NewFile(uintptr(fd), "netlink")
	// Only root may have as much (rmem_max); what others get is the most that they may.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, newsBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, newsBuffer)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for _, group := range []int{unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
		unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group); err != nil {
			return err
		}
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, rtnlgrpNexthop) // before 5.3, there are none
	l.raw, err = l.file.SyscallConn()
	return err
}

// Close ends it, and whoever waits for news.
func (l *Listener) Close() error { return l.file.Close() }

// Next waits for news, and appends all that there is at once to the list. After Close,
// the error is os.ErrClosed.
func (l *Listener) Next(list []News) ([]News, error) {
	if l.buf == nil {
		l.buf = make([]byte, receiveSize)
	}
	var n int
	var err error
	if closed := l.raw.Read(func(fd uintptr) bool {
		n, err = l.take(fd)
		return !errors.Is(err, unix.EAGAIN)
	}); closed != nil {
		return list, os.ErrClosed
	}
	switch {
	case errors.Is(err, unix.ENOBUFS):
		return append(list, News{Netns: l.netns, Kind: Lost}), nil
	case err != nil:
		return list, fmt.Errorf("listen to the kernel: %w", err)
	}
	for r := range replies(l.buf[:n]) {
		list = l.read(list, r)
	}
	return list, nil
}

// take receives a message that is there. After an overrun the kernel tells nothing more
// until all that it had told is read (NETLINK_S_CONGESTED, af_netlink.c): that is read
// here, so that whoever looks at everything now misses nothing that comes later.
func (l *Listener) take(fd uintptr) (int, error) {
	lost := false
	for {
		n, _, err := unix.Recvfrom(int(fd), l.buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS):
			lost = true
		case lost && errors.Is(err, unix.EAGAIN):
			return 0, unix.ENOBUFS
		case !lost || err != nil:
			return n, err
		}
	}
}

// read appends what a message tells.
func (l *Listener) read(list []News, r reply) []News {
	gone := Changed
	switch r.typ {
	case unix.RTM_DELLINK, unix.RTM_DELADDR, unix.RTM_DELNEIGH, unix.RTM_DELROUTE:
		gone = Gone
	}
	switch r.typ {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		return l.link(list, r.body, gone)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		if a, ok := parseAddress(r.body, l.names, false); ok {
			list = append(list, News{l.netns, model.AddressKey(l.netns, a.Link, a.Prefix), gone})
		}
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		if k, ok := l.neighbour(r.body); ok {
			list = append(list, News{l.netns, k, gone})
		}
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		if k, ok := routeKey(l.netns, r.body); ok {
			list = append(list, News{l.netns, k, gone})
		}
	case rtmNewNexthop, rtmDelNexthop:
		list = append(list, News{Netns: l.netns, Kind: Nexthop})
	}
	return list
}

// link tells of a link, and of the name that it had before. A bridge tells of its ports
// in messages of a family of its own, too (br_ifinfo_notify): they say nothing more.
func (l *Listener) link(list []News, body []byte, gone NewsKind) []News {
	raw, ok := parseLink(body)
	if !ok || body[0] != unix.AF_UNSPEC {
		return list
	}
	was, name := l.names[raw.index], raw.link.Name
	if was != "" && was != name {
		list = append(list, News{l.netns, model.LinkKey(l.netns, was), Gone})
	}
	if gone == Gone {
		delete(l.names, raw.index)
	} else {
		l.names[raw.index] = name
	}
	return append(list, News{l.netns, model.LinkKey(l.netns, name), gone})
}

// neighbour returns the key of a neighbour, or an FDB entry, on a link that is known:
// others have gone with their link.
func (l *Listener) neighbour(body []byte) (model.Key, bool) {
	if len(body) < unix.SizeofNdMsg {
		return model.Key{}, false
	}
	link, known := l.names[readU32(body[4:])]
	var dst netip.Addr
	var mac model.MAC
	for typ, v := range attributes(after(body, unix.SizeofNdMsg)) {
		switch typ {
		case unix.NDA_DST:
			dst = readAddr(v)
		case unix.NDA_LLADDR:
			mac, _ = readMAC(v)
		}
	}
	if body[0] == unix.AF_BRIDGE {
		return model.FDBKey(l.netns, link, mac, dst), known
	}
	return model.NeighbourKey(l.netns, link, dst), known && dst.IsValid()
}

// routeKey reads the key of a route of the main table.
func routeKey(netns string, body []byte) (model.Key, bool) {
	if len(body) < unix.SizeofRtMsg {
		return model.Key{}, false
	}
	head := readRtmsg(body)
	if head.family != unix.AF_INET && head.family != unix.AF_INET6 || head.table != unix.RT_TABLE_MAIN || head.flags&unix.RTM_F_CLONED != 0 {
		return model.Key{}, false
	}
	dst := newRoute(head).Dst
	metric := uint32(0)
	for typ, v := range attributes(after(body, unix.SizeofRtMsg)) {
		switch typ {
		case unix.RTA_DST:
			dst = netip.PrefixFrom(readAddrOrZero(v), int(head.dstLen))
		case unix.RTA_PRIORITY:
			metric = readU32(v)
		}
	}
	return model.RouteKey(netns, model.TableMain, dst, metric), dst.IsValid()
}
