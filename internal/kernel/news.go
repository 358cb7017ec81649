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

// What x/sys lacks of linux/rtnetlink.h: nexthop objects are told as of Linux 5.3.
const (
	rtmNewNexthop  = 104 // RTM_NEWNEXTHOP
	rtmDelNexthop  = 105 // RTM_DELNEXTHOP
	rtnlgrpNexthop = 32  // RTNLGRP_NEXTHOP
)

// News is a change that the kernel tells of. Not all changes are told: routes go
// without a word with the address, the link state or the nexthop object that they need
// (fib_sync_down_dev, net/ipv4/fib_semantics.c), and of sysctls only few are.
type News struct {
	Netns string
	Key   model.Key // of what has changed; of a link, by the name that it has now, or had
	Kind  NewsKind
	Mark  bool   // what has changed carries a mark of the tool, whatever the topology
	Port  uint32 // the netlink port of who changed it (netlink(7)), mostly a process's ID; 0 where the kernel doesn't tell
}

// NewsKind says what is new.
type NewsKind uint8

// The kinds of news.
const (
	Changed  NewsKind = iota // the object is there, or is there in another way
	Gone                     // the object is not there any more
	Nexthop                  // a nexthop object has changed: any route of the namespace may have
	Settings                 // a sysctl has changed: forwarding, rp_filter and some more
	Lost                     // more was told than fits: anything may have changed
)

// Listener hears of the changes in one network namespace. One goroutine may wait for
// news, and another one take them.
type Listener struct {
	netns string
	inode uint64
	file  *os.File
	raw   syscall.RawConn
	links map[uint32]rawLink // as they were told last, by index
	names map[uint32]string  // of the same
}

// Listen begins to hear what changes in a namespace, "" being the host's own: links,
// addresses, neighbours, FDB entries, routes and settings. What changes from now on is
// told.
func (h *Host) Listen(netns string) (*Listener, error) {
	l := &Listener{netns: netns, links: map[uint32]rawLink{}}
	if err := h.In(netns, l.dial); err != nil {
		return nil, fmt.Errorf("listen to the kernel: %w", err)
	}
	links, err := h.rawLinks(context.Background(), netns)
	if err == nil {
		l.inode, err = h.Inode(netns)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	l.names = make(map[uint32]string, len(links))
	for _, r := range links {
		l.links[r.index], l.names[r.index] = *r, r.link.Name
	}
	return l, nil
}

// Inode is that of the namespace: one of the same name may be another one by now.
func (l *Listener) Inode() uint64 { return l.inode }

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
		unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF} {
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

// Wait returns when there is news, or os.ErrClosed after Close. It takes nothing: not
// even the error that says that some was lost.
func (l *Listener) Wait() error {
	if l.raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 && err == nil
	}) != nil {
		return os.ErrClosed
	}
	return nil
}

// Take appends all the news that there is to the list, and waits for none. The buffer is
// one of NewsBuffer, and may serve many listeners.
func (l *Listener) Take(list []News, buf []byte) ([]News, error) {
	lost := false
	for {
		n, err := l.receive(buf)
		switch {
		case errors.Is(err, unix.EAGAIN) && lost:
			// After an overrun the kernel tells nothing more until all that it had told is
			// read (NETLINK_S_CONGESTED, af_netlink.c): whoever looks at everything now
			// misses nothing that comes later. Of the links, something may be missing.
			return append(list, News{Netns: l.netns, Kind: Lost}), nil
		case errors.Is(err, unix.EAGAIN):
			return list, nil
		case errors.Is(err, unix.ENOBUFS):
			lost = true
		case err != nil:
			return list, fmt.Errorf("listen to the kernel: %w", err)
		default:
			for r := range replies(buf[:n]) {
				list = l.read(list, r)
			}
		}
	}
}

// NewsBuffer makes a buffer for Take.
func NewsBuffer() []byte { return make([]byte, receiveSize) }

func (l *Listener) receive(buf []byte) (n int, err error) {
	if closed := l.raw.Control(func(fd uintptr) {
		for n, err = -1, unix.EINTR; errors.Is(err, unix.EINTR); {
			n, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
		}
	}); closed != nil {
		return 0, os.ErrClosed
	}
	return n, err
}

// read appends what a message tells.
func (l *Listener) read(list []News, r reply) []News {
	n := News{Netns: l.netns, Port: r.port}
	ok := true
	switch r.typ {
	case unix.RTM_DELLINK, unix.RTM_DELADDR, unix.RTM_DELNEIGH, unix.RTM_DELROUTE:
		n.Kind = Gone
	}
	switch r.typ {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		return l.link(list, r.body, n)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		var a model.Address
		a, ok = parseAddress(r.body, l.name, true)
		n.Key, n.Mark = model.AddressKey(l.netns, a.Link, a.Prefix), a.Protocol.Value() == model.MarkProtocol
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		n.Key, n.Mark, ok = l.neighbour(r.body)
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		n.Key, n.Mark, ok = routeKey(l.netns, r.body)
	case rtmNewNexthop, rtmDelNexthop:
		n.Kind = Nexthop
	case unix.RTM_NEWNETCONF:
		n.Kind = Settings
	default:
		ok = false
	}
	if !ok {
		return list
	}
	return append(list, n)
}

// name returns that of the link with the index, "" if there is none.
func (l *Listener) name(index uint32) string { return l.names[index] }

// link tells of a link, and of the name that it had before. Much is told of links in
// which nothing has changed that counts: their carrier, the state of a port.
func (l *Listener) link(list []News, body []byte, n News) []News {
	now, ok := parseLink(body)
	if !ok || body[0] != unix.AF_UNSPEC { // a bridge tells of its ports in a family of its own, too (br_ifinfo_notify)
		return list
	}
	now.link.Netns = l.netns
	was, known := l.links[now.index]
	n.Mark = now.link.Group.Value() == model.MarkGroup
	if known && was.link.Name != now.link.Name {
		gone := n
		gone.Key, gone.Kind = model.LinkKey(l.netns, was.link.Name), Gone
		list = append(list, gone)
	}
	if n.Kind == Gone {
		delete(l.links, now.index)
		delete(l.names, now.index)
	} else {
		l.links[now.index], l.names[now.index] = now, now.link.Name
		if known && was == now {
			return list
		}
	}
	n.Key = model.LinkKey(l.netns, now.link.Name)
	return append(list, n)
}

// neighbour returns the key of a neighbour, or an FDB entry, on a link that is known:
// others have gone with their link.
func (l *Listener) neighbour(body []byte) (k model.Key, mark, ok bool) {
	if len(body) < unix.SizeofNdMsg {
		return model.Key{}, false, false
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
		case ndaProtocol:
			mark = readU8(v) == model.MarkProtocol
		}
	}
	if body[0] == unix.AF_BRIDGE {
		return model.FDBKey(l.netns, link, mac, dst), false, known && body[10]&unix.NTF_SELF != 0
	}
	return model.NeighbourKey(l.netns, link, dst), mark, known && dst.IsValid()
}

// routeKey reads the key of a route of the main table, or of a default route of any other
// one but the kernel's own: such a one may carry the management connection.
func routeKey(netns string, body []byte) (k model.Key, mark, ok bool) {
	if len(body) < unix.SizeofRtMsg {
		return model.Key{}, false, false
	}
	head := readRtmsg(body)
	if head.family != unix.AF_INET && head.family != unix.AF_INET6 || head.flags&unix.RTM_F_CLONED != 0 {
		return model.Key{}, false, false
	}
	if head.table != unix.RT_TABLE_MAIN && (head.dstLen != 0 || head.table == unix.RT_TABLE_LOCAL) {
		return model.Key{}, false, false
	}
	dst := newRoute(head).Dst
	metric, table := uint32(0), uint32(head.table)
	for typ, v := range attributes(after(body, unix.SizeofRtMsg)) {
		switch typ {
		case unix.RTA_DST:
			dst = netip.PrefixFrom(readAddrOrZero(v), int(head.dstLen))
		case unix.RTA_PRIORITY:
			metric = readU32(v)
		case unix.RTA_TABLE: // the head has room for small numbers only
			table = readU32(v)
		}
	}
	mark = head.protocol == model.MarkProtocol && table == model.TableMain
	return model.RouteKey(netns, table, dst, metric), mark, dst.IsValid()
}
