package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// receiveSize is the buffer of one receive. The kernel fills dump replies up to
// the size of the reader's buffer, at most 32 KiB (netlink_dump, af_netlink.c).
const receiveSize = 64 << 10

// maxDumps is how often a dump is tried that is interrupted by changes.
const maxDumps = 20

// errInterrupted says that the kernel's tables kept changing during a dump; what
// came of it is never used.
var errInterrupted = errors.New("the kernel's tables kept changing while they were read; try again")

// errMany says that a dump was given up, since it has more than was asked for.
var errMany = errors.New("the kernel has more of them")

// conn is a route netlink socket of one network namespace. It stays in the
// namespace it was opened in, whatever thread uses it.
type conn struct {
	mu  sync.Mutex
	fd  int
	seq uint32
	buf []byte // made when it is needed

	sizes map[[2]byte]int // of the last dumps, by the request's type and family
	room  int             // that the next answer gets at once
	spare []byte          // of a dump that nobody needs any more
	most  int             // bytes that the answer may have; 0: any number
}

// dial opens a socket in the calling thread's network namespace. Strict checking
// makes the kernel honour dump filters and refuse what it doesn't know (4.20);
// extended acknowledgements carry its reasons.
func dial() (*conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	c := &conn{fd: fd}
	for _, o := range []int{unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK, unix.NETLINK_GET_STRICT_CHK} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, o, 1); err != nil {
			c.close()
			return nil, fmt.Errorf("set up a netlink socket (Linux 4.20 or later is needed): %w", err)
		}
	}
	// A chunk's answers fit the usual buffer; an administrator may have made that smaller.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, answerRoom)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		c.close()
		return nil, fmt.Errorf("bind a netlink socket: %w", err)
	}
	return c, nil
}

// close waits for whoever is using the socket: its number may be another file's a
// moment later. Whoever comes after that finds a bad descriptor.
func (c *conn) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fd := c.fd
	c.fd = -1
	return unix.Close(fd)
}

// cookie returns the number of the socket's namespace, which no other one ever has (Linux
// 5.14).
func (c *conn) cookie() (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return unix.GetsockoptUint64(c.fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
}

// exec sends a request that changes something and waits for the acknowledgement.
func (c *conn) exec(m message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	native.PutUint16(m[6:], native.Uint16(m[6:])|unix.NLM_F_ACK)
	if err := c.send(m); err != nil {
		return err
	}
	_, err := c.receive(m.typ(), false)
	return err
}

// get sends a request for one object and returns its message's body.
func (c *conn) get(m message) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.send(m); err != nil {
		return nil, err
	}
	b, err := c.receive(m.typ(), true)
	if err != nil {
		return nil, err
	}
	for r := range replies(b) {
		return r.body, nil
	}
	return nil, errors.New("the kernel's reply is empty")
}

// dump sends a request for all objects of a kind and returns the messages, to be
// walked with replies. A dump that changes interrupt is done again, and its partial
// data thrown away.
func (c *conn) dump(ctx context.Context, m message) ([]byte, error) {
	return c.dumpUpTo(ctx, m, 0)
}

// dumpUpTo is dump, which gives up with errMany where there are more than so many bytes of
// messages; 0: however many. The socket is of no use then: the kernel goes on answering.
func (c *conn) dumpUpTo(ctx context.Context, m message, most int) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = most
	defer func() { c.most = 0 }()
	native.PutUint16(m[6:], native.Uint16(m[6:])|unix.NLM_F_DUMP)
	which := [2]byte{m[4], m[unix.SizeofNlMsghdr]}
	for range maxDumps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.send(m); err != nil {
			return nil, err
		}
		c.room = c.sizes[which]
		b, err := c.receive(m.typ(), false)
		if err == nil {
			c.sizes[which] = len(b)
		}
		if !errors.Is(err, errInterrupted) && !errors.Is(err, syscall.EINTR) {
			return b, err
		}
	}
	return nil, errInterrupted
}

func (c *conn) send(m message) error {
	c.seq++
	m.seal(c.seq)
	return c.transmit(m)
}

func (c *conn) transmit(b []byte) error {
	for {
		err := unix.Sendto(c.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// receive reads until the request with the current sequence number is answered: by
// an acknowledgement, by the end of a dump, or (single) by one message. It returns
// the messages in between.
func (c *conn) receive(typ uint16, single bool) ([]byte, error) {
	if c.buf == nil {
		c.buf, c.sizes = make([]byte, receiveSize), map[[2]byte]int{}
	}
	out := c.answer()
	interrupted := false
	for {
		n, _, err := unix.Recvfrom(c.fd, c.buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		b := c.buf[:n]
		if !single {
			most := rowsIn(b, c.seq)
			out, b = append(roomier(out, most), b[:most]...), b[most:]
		}
		for r := range replies(b) {
			if r.seq != c.seq {
				continue // the late answer to a request that was given up
			}
			interrupted = interrupted || r.flags&unix.NLM_F_DUMP_INTR != 0
			switch r.typ {
			case unix.NLMSG_ERROR:
				return out, ackError(r)
			case unix.NLMSG_DONE:
				if interrupted {
					return nil, errInterrupted
				}
				return out, doneError(r)
			}
			out = appendReply(out, r)
			if single {
				return out, nil
			}
		}
		if c.most > 0 && len(out) > c.most {
			return out, errMany
		}
	}
}

// roomier returns out with room for n bytes more. It grows to the double: append, to a quarter
// more, leaves five times as much garbage as there is in the end.
func roomier(out []byte, n int) []byte {
	if cap(out)-len(out) >= n {
		return out
	}
	return slices.Grow(out, max(n, len(out)))
}

// rowsIn returns how many bytes in front of b are messages of a dump, of the request with
// the number, that say nothing about the dump itself: most of what is received, to be
// copied as a whole.
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

// answer returns where to put the next answer.
func (c *conn) answer() []byte {
	room := c.room
	c.room = 0
	if room > 0 && cap(c.spare) >= room {
		out := c.spare[:0]
		c.spare = nil
		return out
	}
	return make([]byte, 0, room)
}

// recycle lets the next dump have the room of one whose messages nobody reads any more.
func (c *conn) recycle(rows []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const most = 8 << 20 // bytes that are kept: 100,000 routes
	if cap(rows) > cap(c.spare) && cap(rows) <= most {
		c.spare = rows
	}
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

// ackError reads an acknowledgement: nil, or the errno with the kernel's own words.
func ackError(r reply) error {
	code := int32(readU32(r.body))
	if code == 0 {
		return nil
	}
	a := &refusal{errno: syscall.Errno(-code)}
	if r.flags&unix.NLM_F_ACK_TLVS == 0 {
		return a
	}
	rest := after(r.body, 4)
	skip := unix.SizeofNlMsghdr
	if r.flags&unix.NLM_F_CAPPED == 0 {
		skip = int(readU32(rest)) // the whole request is echoed
	}
	for typ, v := range attributes(after(rest, skip)) {
		if typ == unix.NLMSGERR_ATTR_MSG {
			a.text = readString(v)
		}
	}
	return a
}

// doneError reads the end of a dump, which may carry an errno.
func doneError(r reply) error {
	if code := int32(readU32(r.body)); code < 0 {
		return &refusal{errno: syscall.Errno(-code)}
	}
	return nil
}

// refusal is the kernel's "no": the errno and, where it gives one, the reason.
type refusal struct {
	errno syscall.Errno
	text  string // the extended acknowledgement's message, "" if none
}

func (r *refusal) Error() string {
	if r.text == "" {
		return r.errno.Error()
	}
	return r.errno.Error() + ": " + r.text
}

func (r *refusal) Unwrap() error { return r.errno }
