package kernel

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// unwatched is a dump of a table whose dumps the kernel doesn't watch over. IPv6 routes,
// neighbours and FDB entries come in pieces, each of which begins after as many rows as
// were read before: where rows are removed in between, as many are left out, without
// NLM_F_DUMP_INTR (fib6_dump_table, neigh_dump_table, vxlan_fdb_dump).
type unwatched struct {
	conn    *conn // one of the namespace's sockets
	request message
	group   int // RTNLGRP_*, which is told what changes
	enough  limit
	wanted  func(body []byte) bool // as choice has it
}

func (d unwatched) read(ctx context.Context) (l rows, pieces int, err error) {
	return d.conn.choose(ctx, d.request, choice{enough: d.enough.count(), wanted: d.wanted})
}

// steadyDump watches over a dump: if the table changed meanwhile, it is read once more,
// and both readings are returned. What was there all the time is hardly ever in neither of
// them.
//
// The tables of a named namespace are mostly short. What comes in one piece leaves nothing
// out, and needs nobody to watch; only if there are more, it is read again.
func (s *space) steadyDump(ctx context.Context, d unwatched) (l rows, twice bool, err error) {
	if s.netns != "" {
		l, pieces, err := d.read(ctx)
		if err != nil || pieces < 2 {
			return l, false, err
		}
		d.conn.recycle(l)
	}
	return s.watchedDump(ctx, d)
}

func (s *space) watchedDump(ctx context.Context, d unwatched) (l rows, twice bool, err error) {
	s.newsMu.Lock()
	defer s.newsMu.Unlock()
	if s.news == nil {
		if s.news, err = s.another(); err != nil {
			return nil, false, err
		}
	}
	if err := s.news.follow(d.group); err != nil {
		return nil, false, err
	}
	defer s.news.unfollow(d.group)
	l, _, err = d.read(ctx)
	if err != nil || !s.news.pending() {
		return l, false, err
	}
	more, _, err := d.read(ctx)
	return append(l, more...), true, err
}

// maxReadings is how often a table is read that changes each time.
const maxReadings = 10

// whole reads a table until nothing changes meanwhile: then all that is there was read.
// Where something always does, it takes what any of the readings had, which all leave
// something out, but not always the same. What the last one lacks was left out of that, or
// is gone: look tells.
func whole[T model.Object](read func(f func(T)) (shaky bool, err error), look func(T) (model.Object, error)) ([]T, error) {
	var all, last []T
	for range maxReadings {
		last = nil
		shaky, err := read(func(o T) { last = append(last, o) })
		if !shaky || err != nil {
			return last, err
		}
		all, last = latest(append(all, last...)), latest(last)
	}
	listed := make(map[model.Key]bool, len(last))
	for _, o := range last {
		listed[o.Key()] = true
	}
	for _, o := range all {
		if listed[o.Key()] {
			continue
		}
		found, err := look(o)
		if err != nil {
			return last, err
		}
		if o, ok := found.(T); ok {
			last = append(last, o)
		}
	}
	return last, nil
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
