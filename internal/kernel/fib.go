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

// Matches say which route a packet to each of some addresses would take. Thousands of them
// take the same one mostly, which is there once.
type Matches struct {
	List []Match // each differs from the one before
	Of   []int   // for each address, which of the list; those of one are all of one family
}

// To returns the match of one of the addresses, by its place among them.
func (m *Matches) To(i int) Match { return m.List[m.Of[i]] }

// FIBMatches finds out which route of the host a packet to each of the addresses would
// take, in their order (RTM_F_FIB_MATCH: the route itself, not what was made of it for the
// one packet). No route is an OpError in its place.
func (h *Host) FIBMatches(ctx context.Context, dsts []netip.Addr) (Matches, error) {
	l, _, err := h.fibMatches(ctx, dsts, h.mainRoutes)
	return l, err
}

// fibMatches is FIBMatches, which returns the IPv4 routes of the main table as well, if it
// has read them.
func (h *Host) fibMatches(ctx context.Context, dsts []netip.Addr, read mainReader) (l Matches, main rows, err error) {
	if err := ctx.Err(); err != nil || len(dsts) == 0 {
		return l, nil, err
	}
	m := newMatches(len(dsts))
	rest, main, err := h.deduce(ctx, dsts, read, m.read)
	if err != nil {
		return l, nil, err
	}
	s, err := h.space("")
	if err != nil {
		return l, nil, err
	}
	if err := m.ask(s.conn, dsts, rest); err != nil {
		return l, nil, err
	}
	names := s.names()
	for i, index := range m.devices {
		if index != 0 {
			m.List[i].Dev = names.of(index)
		}
	}
	return m.Matches, main, nil
}

// matches are what is known of routes to some addresses.
type matches struct {
	Matches
	devices []uint32 // the indexes of the outgoing ones, for each of the list
	last    []byte   // the message that was read last
}

func newMatches(n int) *matches { return &matches{Matches: Matches{Of: make([]int, n)}} }

// read notes the route that a message is about, mostly the same one.
func (m *matches) read(i int, body []byte) {
	if len(m.last) == 0 || len(body) == 0 || &m.last[0] != &body[0] {
		m.last = body
		match, device := parseMatch(body)
		m.add(match, device)
	}
	m.Of[i] = len(m.List) - 1
}

// add adds a match, unless it is the last one. Those of two families differ in their
// destination, and errors in what they are about.
func (m *matches) add(x Match, device uint32) {
	if n := len(m.List); n > 0 && m.List[n-1] == x && m.devices[n-1] == device {
		return
	}
	m.List, m.devices = append(m.List, x), append(m.devices, device)
}

// ask asks the kernel for some of the addresses.
func (m *matches) ask(c *conn, dsts []netip.Addr, some []int) error {
	return c.ask(len(some), func(to message, i int) message {
		dst := dsts[some[i]]
		to = to.begin(unix.RTM_GETROUTE, 0)
		to = rtmsg{family: familyOf(dst), dstLen: uint8(dst.BitLen()), flags: unix.RTM_F_FIB_MATCH}.appendTo(to)
		return to.addr(unix.RTA_DST, dst)
	}, func(i int, body []byte, err error) {
		dst := dsts[some[i]]
		match, device := parseMatch(body)
		if err != nil {
			to := model.Route{Dst: netip.PrefixFrom(dst, dst.BitLen()), Table: model.TableMain}
			match = Match{Err: opError("look up", to, err)}
		}
		m.add(match, device)
		m.Of[some[i]] = len(m.List) - 1
	})
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
