package kernel

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// receiveSize is the buffer of one receive. The kernel fills dump replies up to
// the size of the reader's buffer, at most 32 KiB (netlink_dump, af_netlink.c).
const receiveSize = 64 << 10

// conn is a route netlink socket of one network namespace. It stays in the
// namespace it was opened in, whatever thread uses it.
type conn struct {
	mu  sync.Mutex
	fd  int
	seq uint32
	buf *[receiveSize]byte // as long as somebody has mu and needs it

	rooms  *rooms
	spare  rows // room of dumps that nobody needs any more
	pieces int  // in which the messages of the last dump came
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
	defer c.unlock()
	native.PutUint16(m[6:], native.Uint16(m[6:])|unix.NLM_F_ACK)
	if err := c.send(m); err != nil {
		return err
	}
	_, err := c.receive()
	return err
}

// get sends a request for one object and returns its message's body.
func (c *conn) get(m message) ([]byte, error) {
	c.mu.Lock()
	defer c.unlock()
	if err := c.send(m); err != nil {
		return nil, err
	}
	body, err := c.receive()
	if err == nil && body == nil {
		err = errors.New("the kernel's reply is empty")
	}
	return body, err
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

// receive reads until the request with the current sequence number is answered: by an
// acknowledgement, or by a message, whose body it returns.
func (c *conn) receive() ([]byte, error) {
	for {
		b, err := c.next(c.buffer())
		if err != nil {
			return nil, err
		}
		for r := range replies(b) {
			switch {
			case r.seq != c.seq: // the late answer to a request that was given up
			case r.typ == unix.NLMSG_ERROR:
				return nil, ackError(r)
			case r.typ == unix.NLMSG_DONE:
				return nil, doneError(r)
			default:
				return append(make([]byte, 0, len(r.body)), r.body...), nil
			}
		}
	}
}

// buffer returns where to receive what is not kept. Whoever has called it ends with unlock.
func (c *conn) buffer() []byte {
	if c.buf == nil {
		c.buf = c.rooms.take()
	}
	return c.buf[:]
}

// unlock gives the buffer back, and mu.
func (c *conn) unlock() {
	if c.buf != nil {
		c.rooms.give(c.buf)
		c.buf = nil
	}
	c.mu.Unlock()
}

// next receives into room, and returns what was received.
func (c *conn) next(room []byte) ([]byte, error) {
	for {
		n, _, err := unix.Recvfrom(c.fd, room, 0)
		if !errors.Is(err, unix.EINTR) {
			return room[:max(n, 0)], err
		}
	}
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
