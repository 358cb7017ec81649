package kernel

import (
	"context"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// RoutesLike calls f with each route of the main table that has one of the keys, or the
// same destination as one and a lower metric. The kernel is asked for them alone, unless
// there are so many that reading all takes no longer, or it tells of one that may hide
// others, or may leave one out.
func (h *Host) RoutesLike(ctx context.Context, netns string, keys []model.Key, f func(model.Route)) error {
	const (
		few  = 100  // are asked for before any list could be read
		many = 1000 // are asked for in some milliseconds
		rows = 10   // of a list are read while one is asked for
	)
	if len(keys) == 0 {
		return nil
	}
	if len(keys) > few {
		if all, err := h.listRoutesLike(ctx, netns, keys, rows*len(keys), f); all || err != nil {
			return err
		}
	}
	found, sure, err := h.askForRoutes(ctx, netns, keys[:min(len(keys), many+1)], many)
	if err != nil {
		return err
	}
	if sure {
		for _, r := range found {
			f(r)
		}
		return nil
	}
	_, err = h.listRoutesLike(ctx, netns, keys, 0, f)
	return err
}

// listRoutesLike is RoutesLike by a list of all routes, unless there are many more than
// most; 0: however many there are.
func (h *Host) listRoutesLike(ctx context.Context, netns string, keys []model.Key, most int, f func(model.Route)) (all bool, err error) {
	asked := make(map[netip.Prefix]uint32, len(keys))
	for _, k := range keys {
		asked[k.Prefix] = max(asked[k.Prefix], k.Metric)
	}
	var found []model.Route
	note := func(r model.Route) {
		if most, ok := asked[r.Dst]; ok && r.Metric <= most {
			found = append(found, r)
		}
	}
	if most > 0 {
		all, err = h.EachRouteUpTo(ctx, netns, most, note)
	} else {
		all, err = true, h.EachRoute(ctx, netns, 0, note)
	}
	if !all || err != nil {
		return false, err
	}
	for _, r := range found {
		f(r)
	}
	return true, nil
}

// askForRoutes asks for each of at most so many routes. It is sure of what it returns
// unless one may be hidden.
func (h *Host) askForRoutes(ctx context.Context, netns string, keys []model.Key, most int) (found []model.Route, sure bool, err error) {
	if len(keys) > most {
		return nil, false, nil
	}
	s, err := h.space(netns)
	if err != nil {
		return nil, false, err
	}
	missing := map[uint8]bool{} // families of which one was not found
	for _, k := range keys {
		r, is := s.routeLike(k)
		switch is {
		case unsure:
			return nil, false, nil
		case absent:
			missing[familyOf(k.Prefix.Addr())] = true
		default:
			found = append(found, r)
		}
	}
	for family := range missing {
		if selective, err := s.selective(ctx, family); selective || err != nil {
			return nil, false, err
		}
	}
	return found, true, nil
}

// presence says whether a route is there, by what the kernel would do with a packet.
type presence int

const (
	unsure  presence = iota // it may be there, hidden by another one, or beside it
	absent                  // it is not there, if all look-ups find all routes
	present                 // it is there
)

// routeLike asks what the kernel would take for the destination's first address: the
// route itself, unless one with a lower metric is there. Another one for the same
// destination may hide it, and so may one for a part of that.
func (s *space) routeLike(k model.Key) (model.Route, presence) {
	dst := k.Prefix.Addr()
	head := rtmsg{family: familyOf(dst), dstLen: uint8(dst.BitLen()), flags: unix.RTM_F_FIB_MATCH}
	if dst.Is4() {
		head.flags |= unix.RTM_F_LOOKUP_TABLE // else it tells the main table, whichever a rule led to (inet_rtm_getroute)
	}
	body, err := s.conn.get(newMessage(unix.RTM_GETROUTE, 0, head.bytes()).addr(unix.RTA_DST, dst))
	if errors.Is(err, unix.ENETUNREACH) { // there is none that the address is in
		return model.Route{}, absent
	}
	if err != nil {
		return model.Route{}, unsure // one that refuses packets
	}
	native.PutUint32(body[8:], native.Uint32(body[8:])&^(unix.RTM_F_FIB_MATCH|unix.RTM_F_LOOKUP_TABLE))
	r, parsed := parseRoute(body, s.names().of)
	if !parsed {
		return r, unsure
	}
	r.Netns = k.Netns
	switch {
	case r.Key() == k:
		return r, present
	case r.Dst == k.Prefix && r.Metric > k.Metric, shorter(r.Dst, k.Prefix):
		return r, absent
	}
	return r, unsure
}

// shorter says whether the kernel found a route that it takes only where there is none
// for the whole of want.
func shorter(found, want netip.Prefix) bool {
	return found.Bits() < want.Bits() && found.Contains(want.Addr())
}

// What x/sys lacks of linux/netconf.h and linux/fib_rules.h.
const (
	netconfForwarding     = 2 // NETCONFA_FORWARDING
	netconfIgnoreLinkdown = 6 // NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN
	netconfIfindex        = 1 // NETCONFA_IFINDEX
	netconfAll            = ^uint32(0)
	sizeofNetconf         = 4  // struct netconfmsg, padded
	sizeofRule            = 12 // struct fib_rule_hdr
)

// selective says whether look-ups of a family may pass over a route that is there: one out
// of a link without carrier, where that is to be ignored (fib_lookup_good_nhc,
// net/ipv4/fib_semantics.c; find_match, net/ipv6/route.c), or one of IPv6 whose gateway
// doesn't answer, on a host that is no router (rt6_score_route); or may not come to the main
// table, for a rule that refuses packets.
func (s *space) selective(ctx context.Context, family uint8) (bool, error) {
	rows, err := s.conn.dump(ctx, newMessage(unix.RTM_GETNETCONF, 0, []byte{family, 0, 0, 0}))
	if err != nil {
		return true, ignore(err, unix.EOPNOTSUPP)
	}
	defer s.conn.recycle(rows)
	for r := range rows.replies() {
		var index, ignored uint32
		forwarding := uint32(1)
		for typ, v := range attributes(after(r.body, sizeofNetconf)) {
			switch typ {
			case netconfIfindex:
				index = readU32(v)
			case netconfForwarding:
				forwarding = readU32(v)
			case netconfIgnoreLinkdown:
				ignored = readU32(v)
			}
		}
		if ignored != 0 || family == unix.AF_INET6 && index == netconfAll && forwarding == 0 {
			return true, nil
		}
	}
	return s.refusing(ctx, family)
}

// rules dumps the policy rules of a family.
func (s *space) rules(ctx context.Context, family uint8) (rows, error) {
	head := make([]byte, sizeofRule)
	head[0] = family
	return s.conn.dump(ctx, newMessage(unix.RTM_GETRULE, 0, head))
}

// refusing says whether a rule of the family does anything else with packets than to lead
// them to a table.
func (s *space) refusing(ctx context.Context, family uint8) (bool, error) {
	rows, err := s.rules(ctx, family)
	if err != nil {
		return false, ignore(err, unix.EOPNOTSUPP, unix.EAFNOSUPPORT) // a kernel without rules
	}
	defer s.conn.recycle(rows)
	for r := range rows.replies() {
		if len(r.body) >= sizeofRule && r.body[7] != unix.FR_ACT_TO_TBL {
			return true, nil
		}
	}
	return false, nil
}
