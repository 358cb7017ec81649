package kernel

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// A host is asked for thousands of addresses by its backends that need all nodes on one
// link, and the answer to nearly all of them is the route of that link. The kernel takes
// some microseconds to find and tell it; to find it in the tables, which tell the same, takes
// a tenth of that. What is not plain is left to the kernel.
const (
	manyToAsk    = 100    // addresses, from which on the tables are read
	manyCovers   = 100    // routes that lead to any of them, beyond which it is no host of that kind
	othersBeside = 10_000 // routes, beside one for each address, up to which reading them costs less than to ask
)

// deduce finds out for IPv4 addresses by the tables what the kernel would do with packets to
// them, and calls f with the message about the route of each. It returns those that the
// kernel has to be asked for, by their places, and the routes of the main table, which read
// returns or errMany; nil where they were not read.
func (h *Host) deduce(ctx context.Context, dsts []netip.Addr, read mainReader, f func(i int, body []byte)) (rest []int, main rows, err error) {
	if !many4(dsts) {
		return allOf(dsts), nil, nil
	}
	s, err := h.space("")
	if err != nil {
		return nil, nil, err
	}
	usual, err := s.usualRules(ctx)
	if err != nil || !usual {
		return allOf(dsts), nil, err
	}
	meanwhile := s.prepareDeduction(ctx, dsts)
	main, err = read(ctx, limit{all: len(dsts) + othersBeside})
	sorted, local, localErr := meanwhile()
	if errors.Is(err, errMany) {
		return allOf(dsts), nil, nil
	}
	if err := cmp.Or(err, localErr); err != nil {
		return nil, nil, err
	}
	covers := append(coversOf(main, sorted), coversOf(local, sorted)...)
	if len(covers) > manyCovers {
		return allOf(dsts), main, nil
	}
	inOrder(covers)
	for i, dst := range dsts {
		if body := plainCover(covers, dst); body != nil {
			f(i, body)
		} else {
			rest = append(rest, i)
		}
	}
	return rest, main, nil
}

// prepareDeduction begins to do what can be done while the table main is read, and returns
// what waits for it: it puts the addresses in order, and reads the table local. Mostly that
// is in one tree with the table main, through all of which the kernel goes for either
// (fib_trie_unmerge, net/ipv4/fib_trie.c).
func (s *space) prepareDeduction(ctx context.Context, dsts []netip.Addr) (wait func() ([]uint32, rows, error)) {
	var sorted []uint32
	var local rows
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		sorted = sorted4(dsts)
		local, err = s.conn.dump(ctx, newMessage(unix.RTM_GETROUTE, 0, rtmsg{family: unix.AF_INET, table: unix.RT_TABLE_LOCAL}.bytes()))
		err = ignore(err, unix.ENOENT, unix.EOPNOTSUPP)
	}()
	return func() ([]uint32, rows, error) {
		<-done
		return sorted, local, err
	}
}

// mainReader reads the IPv4 routes of the host's main table, or fails with errMany.
type mainReader func(ctx context.Context, most limit) (rows, error)

func (h *Host) mainRoutes(ctx context.Context, most limit) (rows, error) {
	t, err := h.routeTable("", 0, most)
	if err != nil {
		return nil, err
	}
	return t.rows4(ctx)
}

// allOf returns the places of all addresses.
func allOf(dsts []netip.Addr) []int {
	l := make([]int, len(dsts))
	for i := range l {
		l[i] = i
	}
	return l
}

// many4 says whether so many of the addresses are looked for in tables that these are read.
func many4(dsts []netip.Addr) bool {
	n := 0
	for _, a := range dsts {
		if judgedByTables(a) {
			n++
		}
	}
	return n >= manyToAsk
}

// sorted4 returns those addresses in order that the kernel looks for in its tables: others
// of IPv4 it judges before that (ip_route_output_key_hash_rcu, net/ipv4/route.c).
func sorted4(dsts []netip.Addr) []uint32 {
	l := make([]uint32, 0, len(dsts))
	for _, a := range dsts {
		if judgedByTables(a) {
			l = append(l, number4(a))
		}
	}
	slices.Sort(l)
	return l
}

func judgedByTables(a netip.Addr) bool {
	return a.Is4() && a.IsGlobalUnicast() && a.As4()[0] != 0
}

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// cover is a route that leads to one of the addresses, or more of them.
type cover struct {
	dst   netip.Prefix
	body  []byte // the message about it
	plain bool   // the kernel takes it for any packet that no longer prefix takes
}

// coversOf returns the routes that lead to any of the addresses.
func coversOf(table rows, sorted []uint32) []cover {
	var l []cover
	for r := range table.replies() {
		if len(r.body) < unix.SizeofRtMsg {
			continue
		}
		bits, dst := int(r.body[1]), uint32(0)
		for typ, v := range attributes(after(r.body, unix.SizeofRtMsg)) {
			if typ == unix.RTA_DST && len(v) == 4 {
				dst = number4(netip.AddrFrom4([4]byte(v)))
				break // it is the first one mostly
			}
		}
		if anyIn(sorted, dst, bits) {
			p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(dst >> 24), byte(dst >> 16), byte(dst >> 8), byte(dst)}), bits)
			l = append(l, cover{dst: p, body: r.body, plain: plainRoute4(r.body)})
		}
	}
	return l
}

// anyIn says whether any of the addresses is in a prefix: most routes of a host lead to
// somewhere else than all of them.
func anyIn(sorted []uint32, dst uint32, bits int) bool {
	last := dst + uint32(1<<(32-bits)-1)
	if last < sorted[0] || dst > sorted[len(sorted)-1] {
		return false
	}
	i, _ := slices.BinarySearch(sorted, dst)
	return i < len(sorted) && sorted[i] <= last
}

// plainRoute4 says whether the kernel takes a route whatever the packet, and whatever the
// state of links (fib_table_lookup, net/ipv4/fib_trie.c; fib_select_path,
// net/ipv4/fib_semantics.c).
func plainRoute4(body []byte) bool {
	head := readRtmsg(body)
	const dead = unix.RTNH_F_DEAD | unix.RTNH_F_LINKDOWN
	if head.table != unix.RT_TABLE_MAIN || head.kind != unix.RTN_UNICAST || head.tos != 0 || head.srcLen != 0 || head.flags&dead != 0 {
		return false
	}
	for typ := range attributes(after(body, unix.SizeofRtMsg)) {
		switch typ {
		case unix.RTA_MULTIPATH, rtaNHID, unix.RTA_ENCAP, unix.RTA_ENCAP_TYPE:
			return false
		}
	}
	return true
}

// inOrder puts the routes with the longest prefixes first, and makes those plain no more
// that have the same one as others. What the local table has for an address comes before
// all of these.
func inOrder(l []cover) {
	slices.SortFunc(l, func(a, b cover) int {
		return cmp.Or(cmp.Compare(tableOf(b), tableOf(a)), cmp.Compare(b.dst.Bits(), a.dst.Bits()), a.dst.Addr().Compare(b.dst.Addr()))
	})
	for i := 1; i < len(l); i++ {
		if l[i].dst == l[i-1].dst {
			l[i].plain, l[i-1].plain = false, false
		}
	}
}

func tableOf(c cover) uint8 { return readRtmsg(c.body).table }

// plainCover returns the message about the route that the kernel takes to an address, nil
// where that is not plain.
func plainCover(covers []cover, dst netip.Addr) []byte {
	if !judgedByTables(dst) {
		return nil
	}
	for _, c := range covers {
		if c.dst.Contains(dst) {
			if c.plain {
				return c.body
			}
			return nil
		}
	}
	return nil
}

// usualRules says whether packets of IPv4 are led by the rules that each namespace begins
// with: to the table local, then main, then default (fib_default_rules_init,
// net/ipv4/fib_rules.c).
func (s *space) usualRules(ctx context.Context) (bool, error) {
	rows, err := s.rules(ctx, unix.AF_INET)
	if err != nil {
		return false, ignore(err, unix.EOPNOTSUPP, unix.EAFNOSUPPORT)
	}
	usual := []policyRule{{0, unix.RT_TABLE_LOCAL}, {32766, unix.RT_TABLE_MAIN}, {32767, unix.RT_TABLE_DEFAULT}}
	var l []policyRule
	for reply := range rows.replies() {
		r, plain := parseRule(reply.body)
		if !plain {
			return false, nil
		}
		l = append(l, r)
	}
	return slices.Equal(l, usual), nil
}

// policyRule leads to a table.
type policyRule struct{ priority, table uint32 }

// parseRule reads an RTM_NEWRULE message; plain says that the rule holds for any packet,
// and takes whatever its table says.
func parseRule(body []byte) (r policyRule, plain bool) {
	if len(body) < sizeofRule {
		return r, false
	}
	r.table = uint32(body[4])
	if body[1]|body[2]|body[3] != 0 || body[7] != unix.FR_ACT_TO_TBL || native.Uint32(body[8:]) != 0 {
		return r, false
	}
	for typ, v := range attributes(after(body, sizeofRule)) {
		switch typ {
		case unix.FRA_PRIORITY:
			r.priority = readU32(v)
		case unix.FRA_TABLE:
			r.table = readU32(v)
		case unix.FRA_PROTOCOL:
		case unix.FRA_SUPPRESS_PREFIXLEN:
			if readU32(v) != ^uint32(0) { // none
				return r, false
			}
		default:
			return r, false
		}
	}
	return r, true
}
