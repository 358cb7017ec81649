package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Routes lists the routes of a namespace's main table, whoever made them. Left out
// is what only the kernel can mean: cached and multicast routes, fe80::/64, and
// those for a type of service or a source.
func (h *Host) Routes(ctx context.Context, netns string) ([]model.Route, error) {
	var l []model.Route
	err := h.EachRoute(ctx, netns, 0, func(r model.Route) { l = append(l, r) })
	return l, err
}

// EachRoute calls f with each route that Routes lists, or with those of one protocol:
// of the others, however many there are, the kernel then tells nothing. Of what it tells
// twice, because it changed meanwhile, the last counts.
func (h *Host) EachRoute(ctx context.Context, netns string, protocol uint8, f func(model.Route)) error {
	return h.eachRoute(ctx, netns, protocol, limit{}, f)
}

// EachRouteUpTo is EachRoute for all protocols, but gives up where there are more
// routes of a family than most, and then calls f with none, or only those of IPv4.
func (h *Host) EachRouteUpTo(ctx context.Context, netns string, most int, f func(model.Route)) (all bool, err error) {
	err = h.eachRoute(ctx, netns, 0, limit{all: most}, f)
	if errors.Is(err, errMany) {
		return false, nil
	}
	return err == nil, err
}

// EachRouteWhere calls f with each route of the host's own namespace that Routes lists and of
// which about says so, maybe more than once. It keeps no others: of a million, few take
// little room.
func (h *Host) EachRouteWhere(ctx context.Context, about func(*model.Route) bool, f func(model.Route)) error {
	t, err := h.routeTable("", 0, limit{})
	if err != nil {
		return err
	}
	r, ok := model.Route{}, false // one for all
	t.wanted = func(body []byte) bool {
		r, ok = parseRoute(body, t.names)
		return ok && about(&r)
	}
	return t.each(ctx, f)
}

func (h *Host) eachRoute(ctx context.Context, netns string, protocol uint8, most limit, f func(model.Route)) error {
	t, err := h.routeTable(netns, protocol, most)
	if err != nil {
		return err
	}
	return t.each(ctx, f)
}

// routeTable reads the main table of a namespace.
type routeTable struct {
	space    *space
	conn     *conn
	names    func(uint32) string
	protocol uint8                  // of the routes that count; 0: any
	most     limit                  // for each family
	wanted   func(body []byte) bool // as choice has it; the conn is the one aside then, since names ask by the other
}

// limit is how many routes of a family are read before that is given up. The zero value is
// none.
type limit struct {
	all    int // of any protocol
	others int // without our mark
}

// count returns a function that says of the messages of a dump, as they come, whether they
// are more than that; nil where they never are.
func (l limit) count() func(some []byte) bool {
	if l == (limit{}) {
		return nil
	}
	all, others := 0, 0
	return func(some []byte) bool {
		for r := range replies(some) {
			all++
			if len(r.body) >= unix.SizeofRtMsg && readRtmsg(r.body).protocol != model.MarkProtocol {
				others++
			}
		}
		return l.all > 0 && all > l.all || l.others > 0 && others > l.others
	}
}

func (h *Host) routeTable(netns string, protocol uint8, most limit) (*routeTable, error) {
	s, err := h.space(netns)
	if err != nil {
		return nil, err
	}
	t := &routeTable{space: s, conn: s.conn, names: s.names().of, protocol: protocol, most: most}
	if netns == "" {
		t.conn, err = s.aside()
	}
	return t, err
}

// each calls f with each route.
func (t *routeTable) each(ctx context.Context, f func(model.Route)) error {
	rows, err := t.rows4(ctx)
	if err != nil {
		return err
	}
	t.read(rows, f)
	return t.each6(ctx, f)
}

// rows4 dumps the IPv4 routes, to be read once; errMany says that there are more than most.
func (t *routeTable) rows4(ctx context.Context) (rows, error) {
	l, _, err := t.conn.choose(ctx, routeRequest(unix.AF_INET, t.protocol), choice{enough: t.most.count(), wanted: t.wanted})
	return l, t.checked(err)
}

// checked turns the error of a dump into that of the list.
func (t *routeTable) checked(err error) error {
	if errors.Is(err, errMany) {
		t.space.dropAside()
		return err
	}
	// ENOENT: no such table yet; EOPNOTSUPP: no such family.
	return opError("list the routes of", model.Netns{Name: t.space.netns}, ignore(err, unix.ENOENT, unix.EOPNOTSUPP))
}

// read reads the routes of a dump, whose room then serves the next one.
func (t *routeTable) read(l rows, f func(model.Route)) {
	readRoutes(t.space.netns, l, t.names, f)
	t.conn.recycle(l)
}

// each6 calls f with each IPv6 route.
func (t *routeTable) each6(ctx context.Context, f func(model.Route)) error {
	rows, twice, err := t.space.steadyDump(ctx, unwatched{
		conn: t.conn, request: routeRequest(unix.AF_INET6, t.protocol), group: unix.RTNLGRP_IPV6_ROUTE, enough: t.most, wanted: t.wanted,
	})
	if err := t.checked(err); err != nil {
		return err
	}
	if !twice {
		t.read(rows, f)
		return nil
	}
	var l []model.Route
	t.read(rows, func(r model.Route) { l = append(l, r) })
	for _, r := range latest(l) {
		f(r)
	}
	return nil
}

// readRoutes reads the routes of a dump.
func readRoutes(netns string, l rows, names func(uint32) string, f func(model.Route)) {
	for r := range l.replies() {
		if route, ok := parseRoute(r.body, names); ok {
			route.Netns = netns
			f(route)
		}
	}
}

// routeRequest asks for the routes of the main table, or for those of one protocol in it
// (ip_valid_fib_dump_req, net/ipv4/fib_frontend.c).
func routeRequest(family, protocol uint8) message {
	return newMessage(unix.RTM_GETROUTE, 0, rtmsg{family: family, table: unix.RT_TABLE_MAIN, protocol: protocol}.bytes())
}

// rtaNHID is RTA_NH_ID (linux/rtnetlink.h), which x/sys lacks.
const rtaNHID = 30

// rtmsg is a struct rtmsg (linux/rtnetlink.h).
type rtmsg struct {
	family, dstLen, srcLen, tos  uint8
	table, protocol, scope, kind uint8
	flags                        uint32
}

func (r rtmsg) bytes() []byte { return r.appendTo(nil) }

func (r rtmsg) appendTo(b []byte) []byte {
	b = append(b, r.family, r.dstLen, r.srcLen, r.tos, r.table, r.protocol, r.scope, r.kind)
	return native.AppendUint32(b, r.flags)
}

func readRtmsg(b []byte) rtmsg {
	return rtmsg{b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], native.Uint32(b[8:])}
}

var (
	linkLocal6 = netip.MustParsePrefix("fe80::/10")
	multicast6 = netip.MustParsePrefix("ff00::/8")
)

// parseRoute reads an RTM_NEWROUTE message; ok is false for those that Routes
// leaves out.
func parseRoute(body []byte, names func(uint32) string) (r model.Route, ok bool) {
	if len(body) < unix.SizeofRtMsg {
		return r, false
	}
	head := readRtmsg(body)
	if head.family != unix.AF_INET && head.family != unix.AF_INET6 {
		return r, false
	}
	if head.table != unix.RT_TABLE_MAIN || head.tos != 0 || head.srcLen != 0 || head.flags&unix.RTM_F_CLONED != 0 {
		return r, false
	}
	r = newRoute(head)
	var far hops
	for typ, v := range attributes(after(body, unix.SizeofRtMsg)) {
		switch typ {
		case unix.RTA_DST:
			r.Dst = netip.PrefixFrom(readAddrOrZero(v), int(head.dstLen))
		case unix.RTA_GATEWAY:
			r.Via = model.Some(readAddr(v))
		case unix.RTA_VIA:
			r.Via = model.Some(readVia(v))
		case unix.RTA_OIF:
			name := names(readU32(v))
			if name == "" {
				return r, false // it is gone, and its routes with it
			}
			r.Dev = model.Some(name)
		case unix.RTA_PRIORITY:
			r.Metric = readU32(v)
		case unix.RTA_PREFSRC:
			r.Src = model.Some(readAddr(v))
		case unix.RTA_MULTIPATH:
			far.list = multipath(v, names)
		case rtaNHID:
			far.object = readU32(v)
		case unix.RTA_ENCAP_TYPE:
			far.encap = readU16(v)
		}
	}
	if far.list != nil || far.object != 0 || far.encap != 0 {
		r.NextHops = model.Some(far.String())
	}
	switch head.kind {
	case unix.RTN_UNICAST, unix.RTN_BLACKHOLE, unix.RTN_UNREACHABLE, unix.RTN_PROHIBIT, unix.RTN_THROW:
	default:
		return r, false
	}
	if a := r.Dst.Addr(); a.Is6() && r.Dst.Bits() > 0 && (linkLocal6.Contains(a) || multicast6.Contains(a)) {
		return r, false
	}
	return r, r.Dst.IsValid()
}

// newRoute returns a route with what the fixed part tells.
func newRoute(head rtmsg) model.Route {
	r := model.Route{
		Table: model.TableMain, Dst: netip.PrefixFrom(netip.IPv4Unspecified(), 0),
		Type: model.Some(routeTypeName(head.kind)), Protocol: model.Some(head.protocol),
		OnLink: model.Some(head.flags&unix.RTNH_F_ONLINK != 0),
		Via:    model.Some(netip.Addr{}), Dev: model.Some(""), Src: model.Some(netip.Addr{}), NextHops: model.Some(""),
	}
	if head.family == unix.AF_INET6 {
		r.Dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	} else {
		r.Scope = model.Some(head.scope)
	}
	return r
}

// routeTypes are iproute2's words for RTN_*.
var routeTypes = [...]string{
	"unspec", "unicast", "local", "broadcast", "anycast", "multicast",
	"blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve",
}

func routeTypeName(kind uint8) string {
	if int(kind) >= len(routeTypes) {
		return fmt.Sprintf("type %d", kind)
	}
	return routeTypes[kind]
}

func routeType(name string) (uint8, error) {
	for i, t := range routeTypes {
		if t == name {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no type of route", name)
}

// readAddrOrZero returns the address in b, which may be 0.0.0.0 or ::.
func readAddrOrZero(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

// readVia reads a struct rtvia: a gateway of another family than the destination.
func readVia(b []byte) netip.Addr {
	if len(b) < 2 {
		return netip.Addr{}
	}
	return readAddr(b[2:])
}

// hops are next hops beyond a plain one: several, a nexthop object, a tunnel.
type hops struct {
	list   []string
	object uint32
	encap  uint16
}

// String reads as iproute2 would have it; "" for a plain next hop.
func (h hops) String() string {
	s := strings.Join(h.list, " ")
	if h.object != 0 {
		s = fmt.Sprintf("nhid %d", h.object)
	}
	if h.encap != 0 {
		s = strings.TrimSpace(fmt.Sprintf("%s encap %d", s, h.encap))
	}
	return s
}

// multipath reads the struct rtnexthops of a route.
func multipath(b []byte, names func(uint32) string) []string {
	var l []string
	for len(b) >= unix.SizeofRtNexthop {
		n := int(readU16(b))
		if n < unix.SizeofRtNexthop || n > len(b) {
			break
		}
		s := "nexthop"
		for typ, v := range attributes(b[unix.SizeofRtNexthop:n]) {
			switch typ {
			case unix.RTA_GATEWAY:
				s += " via " + readAddr(v).String()
			case unix.RTA_VIA:
				s += " via " + readVia(v).String()
			}
		}
		l = append(l, fmt.Sprintf("%s dev %s weight %d", s, names(readU32(b[4:])), int(b[3])+1))
		b = b[min(align(n), len(b)):]
	}
	return l
}
