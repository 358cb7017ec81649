package kernel

import (
	"context"
	"errors"
	"iter"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxDumps is how often a dump is tried that is interrupted by changes.
const maxDumps = 20

// errInterrupted says that the kernel's tables kept changing during a dump; what
// came of it is never used.
var errInterrupted = errors.New("the kernel's tables kept changing while they were read; try again")

// errMany says that a dump was given up, since it has more than was asked for.
var errMany = errors.New("the kernel has more of them")

// rows are the messages of a dump, in the pieces of memory that they were received into.
type rows [][]byte

// replies yields the messages.
func (l rows) replies() iter.Seq[reply] {
	return func(yield func(reply) bool) {
		for _, b := range l {
			for r := range replies(b) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// dump sends a request for all objects of a kind and returns the messages. A dump that
// changes interrupt is done again, and its partial data thrown away.
func (c *conn) dump(ctx context.Context, m message) (rows, error) {
	return c.dumpUntil(ctx, m, nil)
}

// dumpUntil is dump, which gives up with errMany as soon as enough says so of the messages
// that came just now; nil: never. The socket is of no use then: the kernel goes on answering.
func (c *conn) dumpUntil(ctx context.Context, m message, enough func(some []byte) bool) (rows, error) {
	l, _, err := c.choose(ctx, m, choice{enough: enough})
	return l, err
}

// sift is dump, which keeps only those messages of which wanted says so by their bodies: of
// a large table, few take little memory.
func (c *conn) sift(ctx context.Context, m message, wanted func(body []byte) bool) (rows, error) {
	l, _, err := c.choose(ctx, m, choice{wanted: wanted})
	return l, err
}

// choice says what of a dump is kept; the zero value is all.
type choice struct {
	begin  func()                 // is called before the first message, also of a dump that is done again; nil isn't
	enough func(some []byte) bool // as dumpUntil has it
	wanted func(body []byte) bool // as sift has it; it must not use the socket
}

// choose is dump for what is chosen. It tells in how many pieces the messages came: the kernel
// has made each of them at once (netlink_dump, net/netlink/af_netlink.c).
func (c *conn) choose(ctx context.Context, m message, of choice) (l rows, pieces int, err error) {
	c.mu.Lock()
	defer c.unlock()
	l, err = c.dumpLocked(ctx, m, of)
	return l, c.pieces, err
}

func (c *conn) dumpLocked(ctx context.Context, m message, of choice) (rows, error) {
	native.PutUint16(m[6:], native.Uint16(m[6:])|unix.NLM_F_DUMP)
	for range maxDumps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if of.begin != nil {
			of.begin()
		}
		if err := c.send(m); err != nil {
			return nil, err
		}
		l, err := c.gather(of)
		if !errors.Is(err, errInterrupted) && !errors.Is(err, syscall.EINTR) {
			return l, err
		}
		c.keep(l)
	}
	return nil, errInterrupted
}

const (
	pieceSize   = 256 << 10 // of memory for a large dump
	smallAnswer = 16 << 10  // bytes up to which an answer is copied together: most dumps are that small
	mostSpare   = 8 << 20   // bytes that are kept for later dumps: 100,000 routes
)

// gather receives the answer to a dump. What is large, and kept as a whole, is received where
// it stays.
func (c *conn) gather(of choice) (rows, error) {
	var whole rows
	var last []byte
	c.pieces = 0
	for size, interrupted := 0, false; ; {
		if size > smallAnswer && cap(last)-len(last) < receiveSize {
			whole, last = append(whole, last), c.piece()
		}
		room := last[len(last):cap(last)]
		if size <= smallAnswer { // so it is, if anything is left out
			room = c.buffer()
		}
		b, err := c.next(room)
		if err != nil {
			return append(whole, last), err
		}
		plain := 0
		if of.wanted == nil {
			plain = rowsIn(b, c.seq)
		}
		size += plain
		if plain > 0 {
			c.pieces++
		}
		before := len(last)
		last = append(last, b[:plain]...) // no more than a longer slice, if that is where it is
		for r := range replies(b[plain:]) {
			if r.seq != c.seq {
				continue // the late answer to a request that was given up
			}
			interrupted = interrupted || r.flags&unix.NLM_F_DUMP_INTR != 0
			switch r.typ {
			case unix.NLMSG_ERROR:
				return append(whole, last), ackError(r)
			case unix.NLMSG_DONE:
				if interrupted {
					return append(whole, last), errInterrupted
				}
				return append(whole, last), doneError(r)
			}
			if of.wanted == nil || of.wanted(r.body) {
				last = appendReply(last, r)
			}
			c.pieces++ // rather one too many
		}
		if of.enough != nil && of.enough(last[before:]) {
			return append(whole, last), errMany
		}
	}
}

// rowsIn returns how many bytes in front of b are messages of a dump, of the request with
// the number, that say nothing about the dump itself: most of what is received, to be
// kept as a whole.
func rowsIn(b []byte, seq uint32) int {
	done := 0
	for len(b)-done >= unix.SizeofNlMsghdr {
		m := b[done:]
		n := int(native.Uint32(m))
		control := native.Uint16(m[4:]) < unix.NLMSG_MIN_TYPE || native.Uint16(m[6:])&unix.NLM_F_DUMP_INTR != 0
		if control || native.Uint32(m[8:]) != seq || n < unix.SizeofNlMsghdr || align(n) > len(m) {
			break
		}
		done += align(n)
	}
	return done
}

// piece returns memory for a part of a dump.
func (c *conn) piece() []byte {
	if n := len(c.spare); n > 0 {
		b := c.spare[n-1][:0]
		c.spare = c.spare[:n-1]
		return b
	}
	return make([]byte, 0, pieceSize)
}

// recycle lets later dumps have the memory of one whose messages nobody reads any more.
func (c *conn) recycle(l rows) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(l)
}

// keep is recycle with mu held.
func (c *conn) keep(l rows) {
	for _, b := range l {
		if cap(b) == pieceSize && len(c.spare) < mostSpare/pieceSize {
			c.spare = append(c.spare, b)
		}
	}
}

// trim lets go of what is kept for later dumps.
func (c *conn) trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spare = nil
}

// appendReply keeps a message beyond the life of the receive buffer.
func appendReply(out []byte, r reply) []byte {
	start := len(out)
	out = append(out, make([]byte, unix.SizeofNlMsghdr)...)
	native.PutUint32(out[start:], uint32(unix.SizeofNlMsghdr+len(r.body)))
	native.PutUint16(out[start+4:], r.typ)
	out = append(out, r.body...)
	for len(out)%unix.NLMSG_ALIGNTO != 0 {
		out = append(out, 0)
	}
	return out
}
