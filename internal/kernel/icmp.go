package kernel

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Probe is an echo request to be sent (RFC 792, RFC 4443).
type Probe struct {
	Dst  netip.Addr
	Size int // of the IP packet, in bytes; 0: the least
}

// Reply is what came of a probe.
type Reply struct {
	RTT time.Duration
	Err error // nil: it was answered
}

// ErrNoAnswer says that nothing came back in time.
var ErrNoAnswer = errors.New("no answer")

// Ping sends probes from inside a namespace, all at once, and waits for the answers.
// Those without one are sent again, up to tries times, each time waiting for the
// timeout: the first packet to a neighbour may be lost while its address is asked.
// Packets are never fragmented on their way there. It needs CAP_NET_RAW.
func (h *Host) Ping(ctx context.Context, netns string, probes []Probe, tries int, timeout time.Duration) ([]Reply, error) {
	all := probersFor(probes, tries)
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() { errs[i] = p.ping(ctx, h, netns, timeout) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	replies := make([]Reply, len(probes))
	for _, p := range all {
		for i, at := range p.places {
			replies[at] = p.replies[i]
		}
	}
	return replies, nil
}

// maxProbes is how many probes one prober can tell apart: sequence numbers have 16
// bits.
const maxProbes = 1 << 16

// prober sends probes of one family through one raw socket. A probe's place is its
// sequence number, and the number of the try is added to the identifier, so that a
// late answer counts from when its own request was sent.
type prober struct {
	family  uint8
	fd      int
	ident   uint16
	probes  []Probe
	places  []int // of the probes among the caller's
	replies []Reply
	settled []bool
	open    int           // probes that are not settled
	sent    [][]time.Time // by try, by probe
	buf     []byte
}

// probersFor shares the probes out, by family, and in parts that are not too large.
func probersFor(probes []Probe, tries int) []*prober {
	var l []*prober
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		var p *prober
		for at, x := range probes {
			if familyOf(x.Dst) != family {
				continue
			}
			if p == nil || len(p.probes) == maxProbes {
				p = newProber(family, tries)
				l = append(l, p)
			}
			p.add(x, at)
		}
	}
	return l
}

func newProber(family uint8, tries int) *prober {
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	return &prober{
		family: family, ident: binary.BigEndian.Uint16(b[:]),
		sent: make([][]time.Time, tries), buf: make([]byte, 64<<10),
	}
}

func (p *prober) add(x Probe, at int) {
	p.probes, p.places = append(p.probes, x), append(p.places, at)
	p.replies = append(p.replies, Reply{Err: ErrNoAnswer})
	p.settled = append(p.settled, false)
	p.open++
}

// ping runs the prober inside a namespace.
func (p *prober) ping(ctx context.Context, h *Host, netns string, timeout time.Duration) error {
	if err := h.In(netns, func() error { return p.dial(netns) }); err != nil {
		return err
	}
	defer unix.Close(p.fd)
	return p.run(ctx, timeout)
}

// dial opens the socket in the calling thread's network namespace.
func (p *prober) dial(netns string) error {
	proto, level, discover := unix.IPPROTO_ICMP, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER
	if p.family == unix.AF_INET6 {
		proto, level, discover = unix.IPPROTO_ICMPV6, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER
	}
	fd, err := unix.Socket(int(p.family), unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err == unix.EPERM {
		return &OpError{Op: "probe from", Key: model.NetnsKey(netns), Err: err, Cause: "needs CAP_NET_RAW"}
	}
	if err != nil {
		return opError("probe from", model.Netns{Name: netns}, err)
	}
	// IP_PMTUDISC_PROBE: don't fragment, and don't believe what was learnt before.
	err = unix.SetsockoptInt(fd, level, discover, unix.IP_PMTUDISC_PROBE)
	if err == nil && p.family == unix.AF_INET6 {
		err = unix.SetsockoptInt(fd, level, unix.IPV6_DONTFRAG, 1)
	}
	if err != nil {
		unix.Close(fd)
		return opError("set up a socket to probe from", model.Netns{Name: netns}, err)
	}
	// As large a buffer as one may have: thousands may answer at once.
	const wanted = 4 << 20
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, wanted) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, wanted) // the usual one will do
	}
	p.fd = fd
	return nil
}

func (p *prober) run(ctx context.Context, timeout time.Duration) error {
	for try := range p.sent {
		p.sent[try] = make([]time.Time, len(p.probes))
		for i := range p.probes {
			if p.settled[i] {
				continue
			}
			p.send(i, try)
			p.receive() // as they come: the socket's buffer is finite
		}
		deadline := time.Now().Add(timeout)
		for p.open > 0 && time.Now().Before(deadline) {
			if err := ctx.Err(); err != nil {
				return err
			}
			p.wait(unix.POLLIN, min(time.Until(deadline), 100*time.Millisecond))
			p.receive()
		}
		if p.open == 0 {
			break
		}
	}
	return ctx.Err()
}

// send sends one probe; what the kernel refuses at once is told as its answer.
func (p *prober) send(i, try int) {
	x := p.probes[i]
	message := echoRequest(p.family, p.ident+uint16(try), uint16(i), x.Size)
	p.sent[try][i] = time.Now()
	err := unix.Sendto(p.fd, message, 0, sockaddr(x.Dst))
	if err == unix.EAGAIN || err == unix.ENOBUFS {
		p.wait(unix.POLLOUT, 10*time.Millisecond)
		p.sent[try][i] = time.Now()
		err = unix.Sendto(p.fd, message, 0, sockaddr(x.Dst))
	}
	var told *icmpError
	switch {
	case err == unix.EMSGSIZE:
		p.settle(i, Reply{Err: err})
	case err != nil:
		p.replies[i].Err = err // which may pass: an address that is new, a link that comes up
	case !errors.As(p.replies[i].Err, &told):
		p.replies[i].Err = ErrNoAnswer
	}
}

func (p *prober) settle(i int, r Reply) {
	p.replies[i], p.settled[i] = r, true
	p.open--
}

func (p *prober) wait(events int16, d time.Duration) {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: events}}
	_, _ = unix.Poll(fds, int(d.Milliseconds())+1) // an interrupted wait is a short one
}

// receive takes what has arrived.
func (p *prober) receive() {
	for {
		n, from, err := unix.Recvfrom(p.fd, p.buf, unix.MSG_DONTWAIT)
		if err != nil {
			return // nothing more
		}
		if e, ok := parseEcho(p.family, p.buf[:n], addrOf(from)); ok {
			p.take(e)
		}
	}
}

// take settles the probe that an answer is to.
func (p *prober) take(e echo) {
	i, try := int(e.seq), int(e.ident-p.ident)
	switch {
	case try >= len(p.sent) || i >= len(p.sent[try]) || p.settled[i] || p.probes[i].Dst != e.dst:
		return // somebody else's, or a second one
	case e.err == nil:
		p.settle(i, Reply{RTT: time.Since(p.sent[try][i])})
	case e.err.tooBig:
		p.settle(i, Reply{Err: e.err})
	default:
		p.replies[i].Err = e.err // which may pass: a neighbour that was slow
	}
}

func sockaddr(a netip.Addr) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4()}
	}
	return &unix.SockaddrInet6{Addr: a.As16()}
}

func addrOf(s unix.Sockaddr) netip.Addr {
	switch s := s.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(s.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(s.Addr)
	}
	return netip.Addr{}
}
