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
}

// FIBMatch asks the kernel which route of the host a packet to dst would take
// (RTM_F_FIB_MATCH: the route itself, not what was made of it for the one packet).
// No route is an OpError.
func (h *Host) FIBMatch(ctx context.Context, dst netip.Addr) (Match, error) {
	if err := ctx.Err(); err != nil {
		return Match{}, err
	}
	s, err := h.space("")
	if err != nil {
		return Match{}, err
	}
	head := rtmsg{family: familyOf(dst), dstLen: uint8(dst.BitLen()), flags: unix.RTM_F_FIB_MATCH}
	body, err := s.conn.get(newMessage(unix.RTM_GETROUTE, 0, head.bytes()).addr(unix.RTA_DST, dst))
	if err != nil {
		return Match{}, opError("look up", model.Route{Dst: netip.PrefixFrom(dst, dst.BitLen()), Table: model.TableMain}, err)
	}
	m, index := parseMatch(body)
	if index != 0 {
		m.Dev = s.linkName(index)
	}
	return m, nil
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
