package kernel

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
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
// Packets are never fragmented. It needs CAP_NET_RAW.
func (h *Host) Ping(ctx context.Context, netns string, probes []Probe, tries int, timeout time.Duration) ([]Reply, error) {
	replies := make([]Reply, len(probes))
	for i := range replies {
		replies[i].Err = ErrNoAnswer
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		p := &prober{family: family, probes: probes, replies: replies}
		for i, x := range probes {
			if familyOf(x.Dst) == family {
				p.open = append(p.open, i)
			}
		}
		if len(p.open) == 0 {
			continue
		}
		if err := h.In(netns, p.dial); err != nil {
			return nil, opError("probe from", model.Netns{Name: netns}, err)
		}
		err := p.run(ctx, tries, timeout)
		unix.Close(p.fd)
		if err != nil {
			return nil, err
		}
	}
	return replies, nil
}

// prober sends the probes of one family through one raw socket.
type prober struct {
	family  uint8
	fd      int
	ident   uint16
	probes  []Probe
	replies []Reply
	open    []int // probes without an answer
	sent    map[uint16]time.Time
}

// Numbers of echo messages.
const (
	echoRequest4, echoReply4 = 8, 0
	echoRequest6, echoReply6 = 128, 129
	echoHeader               = 8
	ipv4Header, ipv6Header   = 20, 40
)

func (p *prober) dial() error {
	proto, level, discover := unix.IPPROTO_ICMP, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER
	if p.family == unix.AF_INET6 {
		proto, level, discover = unix.IPPROTO_ICMPV6, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER
	}
	fd, err := unix.Socket(int(p.family), unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err != nil {
		return err
	}
	// IP_PMTUDISC_PROBE: don't fragment, and don't believe what was learnt before.
	if err := unix.SetsockoptInt(fd, level, discover, unix.IP_PMTUDISC_PROBE); err != nil {
		unix.Close(fd)
		return err
	}
	if p.family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, level, unix.IPV6_DONTFRAG, 1); err != nil {
			unix.Close(fd)
			return err
		}
	}
	p.fd = fd
	var b [2]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	p.ident = binary.BigEndian.Uint16(b[:])
	return nil
}

func (p *prober) run(ctx context.Context, tries int, timeout time.Duration) error {
	for try := range tries {
		p.sent = make(map[uint16]time.Time, len(p.open))
		for _, i := range p.open {
			p.send(i, try)
		}
		deadline := time.Now().Add(timeout)
		for len(p.open) > 0 && time.Now().Before(deadline) {
			if err := ctx.Err(); err != nil {
				return err
			}
			p.wait(min(time.Until(deadline), 100*time.Millisecond))
			p.receive()
		}
		if len(p.open) == 0 {
			return nil
		}
	}
	return nil
}

// send sends one probe; what the kernel refuses at once is told as its answer.
func (p *prober) send(i, try int) {
	x := p.probes[i]
	header := ipv4Header
	if p.family == unix.AF_INET6 {
		header = ipv6Header
	}
	message := p.echo(uint16(i), max(x.Size-header, echoHeader))
	p.sent[uint16(i)] = time.Now()
	if err := unix.Sendto(p.fd, message, 0, sockaddr(x.Dst)); err != nil {
		p.replies[i].Err = err
	} else if try == 0 {
		p.replies[i].Err = ErrNoAnswer
	}
}

// echo builds an echo request of the given length.
func (p *prober) echo(seq uint16, length int) []byte {
	b := make([]byte, length)
	b[0] = echoRequest4
	if p.family == unix.AF_INET6 {
		b[0] = echoRequest6
	}
	binary.BigEndian.PutUint16(b[4:], p.ident)
	binary.BigEndian.PutUint16(b[6:], seq)
	if p.family == unix.AF_INET { // for IPv6 the kernel does it (RFC 3542, 3.1)
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	return b
}

// checksum is that of RFC 1071, over a message whose own field is zero.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func (p *prober) wait(d time.Duration) {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	_, _ = unix.Poll(fds, int(d.Milliseconds())+1) // an interrupted wait is a short one
}

// receive takes what has arrived.
func (p *prober) receive() {
	var b [64 << 10]byte
	for {
		n, from, err := unix.Recvfrom(p.fd, b[:], 0)
		if err != nil {
			return
		}
		if seq, ok := p.parse(b[:n]); ok {
			p.answered(seq, addrOf(from))
		}
	}
}

// parse reads an echo reply to us and returns its sequence number. IPv4's raw sockets
// deliver the IP header, too.
func (p *prober) parse(b []byte) (seq uint16, ok bool) {
	want := byte(echoReply6)
	if p.family == unix.AF_INET {
		want = echoReply4
		if len(b) < ipv4Header || len(b) < int(b[0]&15)*4 {
			return 0, false
		}
		b = b[int(b[0]&15)*4:]
	}
	if len(b) < echoHeader || b[0] != want || binary.BigEndian.Uint16(b[4:]) != p.ident {
		return 0, false
	}
	return binary.BigEndian.Uint16(b[6:]), true
}

// answered closes a probe, if it was to that address.
func (p *prober) answered(seq uint16, from netip.Addr) {
	for j, i := range p.open {
		if uint16(i) != seq || p.probes[i].Dst != from {
			continue
		}
		p.replies[i] = Reply{RTT: time.Since(p.sent[seq])}
		p.open[j] = p.open[len(p.open)-1]
		p.open = p.open[:len(p.open)-1]
		return
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

// PathMTU finds the largest IP packet, of at most the given size, that reaches dst
// from inside a namespace and comes back; 0 if none does. It sends packets of
// several sizes at once, and narrows down where they stop passing.
func (h *Host) PathMTU(ctx context.Context, netns string, dst netip.Addr, most int, timeout time.Duration) (int, error) {
	const fan = 16
	passes, fails := 0, most+1
	for fails-passes > 1 {
		step := max(1, (fails-passes)/fan)
		var probes []Probe
		for size := fails - 1; size > passes && len(probes) < fan; size -= step {
			probes = append(probes, Probe{Dst: dst, Size: size})
		}
		replies, err := h.Ping(ctx, netns, probes, 1, timeout)
		if err != nil {
			return 0, err
		}
		found := false
		for i, r := range replies { // from large to small
			if r.Err == nil {
				passes, found = probes[i].Size, true
				break
			}
			fails = probes[i].Size
		}
		if !found && fails <= ipv4Header+echoHeader {
			return 0, nil
		}
	}
	return passes, nil
}
