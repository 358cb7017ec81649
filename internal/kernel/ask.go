package kernel

import (
	"errors"

	"golang.org/x/sys/unix"
)

// ask asks for n objects, and tells what is answered to each, in any order: the body of a
// message, which is f's until it returns, or why there is none. request appends what asks
// for one.
//
// Many requests go in one send, so that a question costs little more than the kernel takes
// to answer it. Its answers are bounded as those to a chunk: they take no more room than
// refusals, since the kernel trims what it sends (netlink_trim, net/netlink/af_netlink.c).
func (c *conn) ask(n int, request func(m message, i int) message, f func(i int, body []byte, err error)) error {
	q := questions{conn: c, request: request, f: f, requests: make(message, 0, chunkBytes+roomForOne)}
	for first := 0; first < n; {
		some, err := q.some(first, n)
		if err != nil {
			return err
		}
		first += some
	}
	return nil
}

// questions are requests that are answered by one message each.
type questions struct {
	conn     *conn
	request  func(m message, i int) message
	f        func(i int, body []byte, err error)
	requests message // used again
	answered [chunkMessages]bool
}

// some asks the first of the questions from one on, as many as may go together, and returns
// how many these were. What was not answered, since there was no room for it, is asked alone.
func (q *questions) some(first, end int) (int, error) {
	q.requests = q.requests[:0]
	n := 0
	for ; n < chunkMessages && first+n < end; n++ {
		start := len(q.requests)
		m := q.request(q.requests, first+n)
		if len(m) > chunkBytes && n > 0 {
			break
		}
		native.PutUint32(m[start:], uint32(len(m)-start))
		q.requests = m
	}
	clear(q.answered[:n])
	if err := q.together(first, n); err != nil {
		return 0, err
	}
	for i, ok := range q.answered[:n] {
		if ok {
			continue
		}
		body, err := q.conn.get(q.request(make(message, 0, roomForOne), first+i))
		q.f(first+i, body, err)
	}
	return n, nil
}

// together sends the requests, and takes the answers that are there after that.
func (q *questions) together(first, n int) error {
	c := q.conn
	c.mu.Lock()
	defer c.unlock()
	buf := c.buffer()
	began := c.seq + 1
	for rest := q.requests; len(rest) > 0; rest = rest[native.Uint32(rest):] {
		c.seq++
		native.PutUint32(rest[8:], c.seq)
	}
	if err := c.transmit(q.requests); err != nil {
		return err
	}
	for left := n; left > 0; {
		size, _, err := unix.Recvfrom(c.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOBUFS): // the rest is still to be had
			continue
		case err != nil: // EAGAIN: nothing more
			return nil
		}
		for r := range replies(buf[:size]) {
			i := int(r.seq - began)
			if i < 0 || i >= n || q.answered[i] {
				continue // the late answer to a request that was given up
			}
			q.answered[i] = true
			left--
			if r.typ == unix.NLMSG_ERROR {
				q.f(first+i, nil, ackError(r))
			} else {
				q.f(first+i, r.body, nil)
			}
		}
	}
	return nil
}
