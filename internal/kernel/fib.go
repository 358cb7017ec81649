package kernel

import (
	"context"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Match is what the kernel would do with a packet: the route that it would take.
type Match struct {
	Type    string       // "unicast"...
	Dev     string       // "" for none
	Gateway netip.Addr   // invalid for none
	Via     bool         // the gateway is of the other family
	Scope   uint8        // IPv4 only
	Dst     netip.Prefix // the route's destination
	Err     error        // why there is no route; nil: there is one
}

// FIBMatches asks the kernel which route of the host a packet to each of the addresses would
// take (RTM_F_FIB_MATCH: the route itself, not what was made of it for the one packet), in
// their order. No route is an OpError in its place.
func (h *Host) FIBMatches(ctx context.Context, dsts []netip.Addr) ([]Match, error) {
	if err := ctx.Err(); err != nil || len(dsts) == 0 {
		return nil, err
	}
	s, err := h.space("")
	if err != nil {
		return nil, err
	}
	l, devices := make([]Match, len(dsts)), make([]uint32, len(dsts))
	err = s.conn.ask(len(dsts), func(m message, i int) message {
		dst := dsts[i]
		m = m.begin(unix.RTM_GETROUTE, 0)
		m = rtmsg{family: familyOf(dst), dstLen: uint8(dst.BitLen()), flags: unix.RTM_F_FIB_MATCH}.appendTo(m)
		return m.addr(unix.RTA_DST, dst)
	}, func(i int, body []byte, err error) {
		if err != nil {
			to := model.Route{Dst: netip.PrefixFrom(dsts[i], dsts[i].BitLen()), Table: model.TableMain}
			l[i].Err = opError("look up", to, err)
			return
		}
		l[i], devices[i] = parseMatch(body)
	})
	names := s.names()
	for i, index := range devices {
		if index != 0 {
			l[i].Dev = names.of(index)
		}
	}
	return l, err
}

// parseMatch reads the answer, and returns the outgoing device's index apart.
func parseMatch(body []byte) (m Match, index uint32) {
	if len(body) < unix.SizeofRtMsg {
		return m, 0
	}
	head := readRtmsg(body)
	m = Match{Scope: head.scope, Type: routeTypeName(head.kind), Dst: newRoute(head).Dst}
	for typ, v := range attributes(after(body, unix.SizeofRtMsg)) {
		switch typ {
		case unix.RTA_DST:
			m.Dst = netip.PrefixFrom(readAddrOrZero(v), int(head.dstLen))
		case unix.RTA_OIF:
			index = readU32(v)
		case unix.RTA_GATEWAY:
			m.Gateway = readAddr(v)
		case unix.RTA_VIA:
			m.Gateway, m.Via = readVia(v), true
		}
	}
	return m, index
}
