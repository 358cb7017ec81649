package kernel

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// What goes to the kernel in one send is limited by the room for what comes back: if
// each message is refused, the errors of a chunk have to fit the socket's receive buffer.
// The kernel charges 832 bytes for one with a usual text, so that the default buffer
// holds 256 (rmem_default; netlink_ack, net/netlink/af_netlink.c). Larger sends are no
// faster.
const (
	chunkMessages = 250
	chunkBytes    = 16 << 10
	answerRoom    = 208 << 10 // the default; the kernel doubles what is asked for, as far as rmem_max allows
)

// chunk is several requests that go to the kernel in one send. It is used again.
type chunk struct {
	requests message
	steps    []int // which of the steps each request is of
	answer   [8 << 10]byte
}

// together executes steps of one namespace that are one message each in one send, and
// returns how many of them. It is 0 where the first one has no message: its link may be
// gone.
func (h *Host) together(steps []model.Step, errs []error) int {
	s, err := h.space(steps[0].Key().Netns)
	if err != nil {
		return 0
	}
	c := h.spare.Swap(nil)
	if c == nil {
		c = &chunk{requests: make(message, 0, chunkBytes+roomForOne)}
	}
	defer h.spare.Store(c)
	n := c.fill(h, s, steps, errs)
	c.deliver(s.conn, steps[:n], errs)
	h.judge(steps[:n], errs)
	return n
}

// fill appends the requests of the steps, as many as there is room for, and returns how
// many steps these are. A request that OnWrite refuses is left out, as one that the kernel
// refuses would change nothing.
func (c *chunk) fill(h *Host, s *space, steps []model.Step, errs []error) int {
	c.requests, c.steps = c.requests[:0], c.steps[:0]
	at := site{space: s}
	for i, step := range steps {
		start := len(c.requests)
		d, _ := h.plain(step)
		m, err := d.message(c.requests, &at, step)
		if err != nil || len(m) > chunkBytes && start > 0 {
			return i
		}
		if errs[i] = h.writing(); errs[i] != nil {
			continue
		}
		native.PutUint32(m[start:], uint32(len(m)-start))
		c.requests, c.steps = m, append(c.steps, i)
	}
	return len(steps)
}

// deliver sends the requests, and notes the errors of those that were refused. If an
// answer was lost, it may have been any of those that there is none of.
func (c *chunk) deliver(to *conn, steps []model.Step, errs []error) {
	if len(c.steps) == 0 {
		return
	}
	lost, err := to.deliver(c.requests, c.answer[:], func(i int, err error) { errs[c.steps[i]] = err })
	switch {
	case err != nil: // none was executed
	case lost:
		err = ErrUnknown
	default:
		return
	}
	for _, i := range c.steps {
		if errs[i] == nil {
			errs[i] = err
		}
	}
}

// judge turns what was answered into the errors of the steps. Where the door may know
// another way, the step is tried by itself, but not after one that has failed.
func (h *Host) judge(steps []model.Step, errs []error) {
	failed := false
	for i, s := range steps {
		if errs[i] == nil {
			continue
		}
		d, _ := h.plain(s)
		err, again := d.verdict(s, errs[i])
		if again && !failed {
			err = h.do(s)
		}
		errs[i] = opError(s.Op.String(), s.Object(), err)
		failed = failed || err != nil
	}
}

// deliver sends requests, and tells of those that are refused, by their place. The kernel
// executes them all before the send returns, whatever becomes of each (netlink_rcv_skb),
// and a process that is killed meanwhile dies after that. Refusals are answered unasked;
// the last request is answered in any case. lost says that an answer may be missing. If
// err is not nil, nothing was executed.
func (c *conn) deliver(requests message, answer []byte, refused func(i int, err error)) (lost bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.seq + 1
	var last message
	for rest := requests; len(rest) > 0; rest = rest[len(last):] {
		last = rest[:native.Uint32(rest)]
		c.seq++
		last.seal(c.seq)
	}
	native.PutUint16(last[6:], native.Uint16(last[6:])|unix.NLM_F_ACK)
	if err := c.transmit(requests); err != nil {
		return false, err
	}
	for {
		// All answers are there by now. MSG_TRUNC: n is the whole length of one.
		n, _, err := unix.Recvfrom(c.fd, answer, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS): // the rest is still to be had
			lost = true
			continue
		case err != nil: // EAGAIN: nothing more, and not the last answer
			return true, nil
		}
		lost = lost || n > len(answer)
		for r := range replies(answer[:min(n, len(answer))]) {
			if r.typ != unix.NLMSG_ERROR || r.seq-first > c.seq-first {
				continue // the late answer to a request that was given up
			}
			if err := ackError(r); err != nil {
				refused(int(r.seq-first), err)
			}
			if r.seq == c.seq {
				return lost, nil
			}
		}
	}
}
