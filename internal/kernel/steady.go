package kernel

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// steadyDump is a dump of a table whose dumps the kernel doesn't watch over. IPv6
// routes, neighbours and FDB entries come in pieces, each of which begins after as many
// rows as were read before: where rows are removed in between, as many are left out,
// without NLM_F_DUMP_INTR (fib6_dump_table, neigh_dump_table, vxlan_fdb_dump). So we
// watch: if the table changed meanwhile, it is read once more, and both readings are
// returned. What was there all the time is in one of them. c is one of the namespace's sockets;
// most is as dumpUpTo has it.
func (s *space) steadyDump(ctx context.Context, c *conn, m message, most, group int) (rows []byte, twice bool, err error) {
	s.newsMu.Lock()
	defer s.newsMu.Unlock()
	if err := s.news.follow(group); err != nil {
		return nil, false, err
	}
	defer s.news.unfollow(group)
	rows, err = c.dumpUpTo(ctx, m, most)
	if err != nil || !s.news.pending() {
		return rows, false, err
	}
	more, err := c.dumpUpTo(ctx, m, most)
	return append(rows, more...), true, err
}

// follow lets the socket receive what the kernel tells a group (RTNLGRP_*).
func (c *conn) follow(group int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return unix.SetsockoptInt(c.fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group)
}

// unfollow ends that, and throws away what was received.
func (c *conn) unfollow(group int) {
	c.mu.Lock()
	_ = unix.SetsockoptInt(c.fd, unix.SOL_NETLINK, unix.NETLINK_DROP_MEMBERSHIP, group) // it was joined
	c.mu.Unlock()
	for c.pending() {
		continue
	}
}

// pending takes one message, if there is one; that some were lost counts as one, too.
func (c *conn) pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _, err := unix.Recvfrom(c.fd, make([]byte, 1), unix.MSG_DONTWAIT) // what it says doesn't matter
	return err == nil || errors.Is(err, unix.ENOBUFS)
}

// latest keeps the last of several objects with the same key.
func latest[T model.Object](l []T) []T {
	at := make(map[model.Key]int, len(l))
	kept := l[:0]
	for _, o := range l {
		i, ok := at[o.Key()]
		if ok {
			kept[i] = o
			continue
		}
		at[o.Key()] = len(kept)
		kept = append(kept, o)
	}
	return kept
}
