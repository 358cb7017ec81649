package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// DefaultPaths lists the default routes of all tables of the host.
func (h *Host) DefaultPaths(ctx context.Context) ([]model.Path, error) {
	s, err := h.space("")
	if err != nil {
		return nil, err
	}
	four, err := h.defaultRoutes4(ctx, s)
	if err != nil {
		return nil, opError("list the default routes of", model.Netns{}, err)
	}
	six, err := s.conn.sift(ctx, newMessage(unix.RTM_GETROUTE, 0, rtmsg{family: unix.AF_INET6}.bytes()), isDefault)
	if err := ignore(err, unix.ENOENT, unix.EOPNOTSUPP); err != nil {
		return nil, opError("list the IPv6 default routes of", model.Netns{}, err)
	}
	var l []model.Path
	for r := range append(four, six...).replies() {
		p, ok := parsePath(r.body, s.linkName)
		if ok && p.Type == "unicast" && p.Table != unix.RT_TABLE_LOCAL {
			l = append(l, p)
		}
	}
	return l, nil
}

// isDefault says whether the message is about a default route.
func isDefault(body []byte) bool {
	return len(body) >= unix.SizeofRtMsg && readRtmsg(body).dstLen == 0
}

// defaultRoutes4 lists the default routes of IPv4. There may be very many other routes: it asks
// for one table after the other, and for no more of each than where it begins.
func (h *Host) defaultRoutes4(ctx context.Context, s *space) (rows, error) {
	tables, err := h.tables4()
	if err != nil { // somebody hides them
		return s.everyDefault(ctx)
	}
	var found rows
	for _, id := range tables {
		l, err := s.defaultsIn(ctx, id, beyondDefault)
		if err != nil && !errors.Is(err, errMany) {
			return nil, err
		}
		found = append(found, l...)
	}
	return found, nil
}

// everyDefault lists the default routes of all tables of IPv4, from a list of all routes.
func (s *space) everyDefault(ctx context.Context) (rows, error) {
	return s.defaultsIn(ctx, unix.RT_TABLE_UNSPEC, func([]byte) bool { return false })
}

// defaultsIn lists the default routes of one table of IPv4, or of all, by a dump that is given up
// with errMany after the first messages of which enough says so. It has a socket of its own,
// on which the kernel would go on.
func (s *space) defaultsIn(ctx context.Context, table uint32, enough func(body []byte) bool) (rows, error) {
	c, err := s.another()
	if err != nil {
		return nil, err
	}
	defer c.close()
	m := newMessage(unix.RTM_GETROUTE, 0, rtmsg{family: unix.AF_INET}.bytes())
	if table != unix.RT_TABLE_UNSPEC {
		m = m.u32(unix.RTA_TABLE, table)
	}
	done := false
	l, _, err := c.choose(ctx, m, choice{
		wanted: func(body []byte) bool { done = done || enough(body); return isDefault(body) },
		enough: func([]byte) bool { return done },
	})
	return l, ignore(err, unix.ENOENT, unix.EOPNOTSUPP)
}

// beyondDefault says that no default route comes after this one in its table: these are told
// in the order of the destinations' addresses (leaf_walk_rcu in fib_table_dump,
// net/ipv4/fib_trie.c).
func beyondDefault(body []byte) bool {
	for typ, v := range attributes(after(body, unix.SizeofRtMsg)) {
		if typ == unix.RTA_DST {
			return !readAddrOrZero(v).IsUnspecified()
		}
	}
	return false
}

// triestat names the tables of IPv4 of the calling thread's namespace, and describes each
// (fib_triestat_seq_show, net/ipv4/fib_trie.c).
const triestat = "/proc/thread-self/net/fib_triestat"

// tables4 lists the numbers of the IPv4 tables of the host.
func (h *Host) tables4() (l []uint32, err error) {
	err = h.In("", func() error {
		b, err := os.ReadFile(triestat)
		if err != nil {
			return err
		}
		l, err = tablesIn(string(b))
		return err
	})
	return l, err
}

func tablesIn(text string) ([]uint32, error) {
	var l []uint32
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(rest) != "" {
			continue
		}
		number, isNumber := strings.CutPrefix(name, "Id ")
		switch {
		case name == "Main":
			l = append(l, unix.RT_TABLE_MAIN)
		case isNumber:
			n, err := strconv.ParseInt(number, 10, 64) // printed as if it had a sign
			if err != nil {
				return nil, fmt.Errorf("read %s: %q is not a table", triestat, name)
			}
			l = append(l, uint32(n))
		}
	}
	if len(l) == 0 {
		return nil, fmt.Errorf("read %s: it names no table", triestat)
	}
	return l, nil
}
