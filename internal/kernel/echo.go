package kernel

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Echo is a socket for echo requests to any number of addresses of one family, for as
// long as one likes. One goroutine may send, and another one receive. It allocates
// nothing as it goes.
type Echo struct {
	family uint8
	file   *os.File
	raw    syscall.RawConn
	ident  uint16
	secret uint64 // answers to our own requests carry it
	seq    uint16
	to4    unix.SockaddrInet4
	to6    unix.SockaddrInet6
	out    [icmpHeader + 16]byte
	in     [128]byte
	sent   error
	got    int
	gotErr error
	send   func(fd uintptr) // made once: each closure is an allocation
	take   func(fd uintptr)
	await  func(fd uintptr) bool
}

// OpenEcho opens one inside a namespace, "" being the host's own. The family is 4 or 6.
// It needs CAP_NET_RAW.
func (h *Host) OpenEcho(netns string, family int) (*Echo, error) {
	e := &Echo{family: unix.AF_INET}
	if family == 6 {
		e.family = unix.AF_INET6
	}
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	e.ident, e.secret = binary.BigEndian.Uint16(b[:]), binary.BigEndian.Uint64(b[2:])
	e.send, e.take, e.await = e.sendTo, e.receiveFrom, e.awaitFrom
	if err := h.In(netns, func() error { return e.dial(netns) }); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Echo) dial(netns string) error {
	proto := unix.IPPROTO_ICMP
	if e.family == unix.AF_INET6 {
		proto = unix.IPPROTO_ICMPV6
	}
	fd, err := unix.Socket(int(e.family), unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	if err == unix.EPERM {
		return &OpError{Op: "probe from", Key: model.NetnsKey(netns), Err: err, Cause: "needs CAP_NET_RAW"}
	}
	if err != nil {
		return opError("probe from", model.Netns{Name: netns}, err)
	}
	e.file = os.NewFile(uintptr(fd), "icmp")
	if err = e.onlyOwn(fd); err == nil {
		e.raw, err = e.file.SyscallConn()
	}
	if err != nil {
		e.file.Close()
		return opError("set up a socket to probe from", model.Netns{Name: netns}, err)
	}
	return nil
}

// onlyOwn lets through only answers to our own requests: each raw socket gets every
// message of its namespace, and would wake us for it. A filter sees the IP header of
// IPv4, but not that of IPv6 (raw_rcv, net/ipv4/raw.c; rawv6_rcv, net/ipv6/raw.c).
func (e *Echo) onlyOwn(fd int) error {
	load := uint16(unix.BPF_LD | unix.BPF_ABS)
	reply := uint32(icmp6EchoReply)
	var filter []unix.SockFilter
	if e.family == unix.AF_INET {
		filter = []unix.SockFilter{{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH, K: 0}} // X: the header's length
		load, reply = unix.BPF_LD|unix.BPF_IND, icmp4EchoReply
	}
	filter = append(filter,
		unix.SockFilter{Code: load | unix.BPF_B, K: 0},
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: reply, Jf: 3},
		unix.SockFilter{Code: load | unix.BPF_H, K: 4},
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(e.ident), Jf: 1},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	)
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// Close ends it, and whoever waits to receive.
func (e *Echo) Close() error { return e.file.Close() }

// Send sends a request that carries the token, which its answer brings back. What the
// kernel refuses at once, as where there is no route, is the error.
func (e *Echo) Send(dst netip.Addr, token uint64) error {
	e.seq++
	b := e.out[:]
	b[0], b[1], b[2], b[3] = icmp4EchoRequest, 0, 0, 0
	if e.family == unix.AF_INET6 {
		b[0], e.to6.Addr = icmp6EchoRequest, dst.As16()
	} else {
		e.to4.Addr = dst.As4()
	}
	binary.BigEndian.PutUint16(b[4:], e.ident)
	binary.BigEndian.PutUint16(b[6:], e.seq)
	binary.BigEndian.PutUint64(b[8:], e.secret)
	binary.BigEndian.PutUint64(b[16:], token)
	if e.family == unix.AF_INET {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	if e.raw.Control(e.send) != nil {
		return os.ErrClosed
	}
	return e.sent
}

func (e *Echo) sendTo(fd uintptr) {
	var to unix.Sockaddr = &e.to4
	if e.family == unix.AF_INET6 {
		to = &e.to6
	}
	e.sent = unix.Sendto(int(fd), e.out[:], unix.MSG_DONTWAIT, to)
}

// Receive waits for answers and returns how many tokens it has put into the list. After
// Close, the error is os.ErrClosed.
func (e *Echo) Receive(tokens []uint64) (int, error) {
	n := 0
	for n < len(tokens) {
		var err error
		if n == 0 {
			err = e.raw.Read(e.await)
		} else {
			err = e.raw.Control(e.take)
		}
		if err != nil {
			return n, os.ErrClosed
		}
		switch token, ok := e.token(); {
		case errors.Is(e.gotErr, unix.EAGAIN):
			return n, nil
		case e.gotErr != nil:
			return n, e.gotErr
		case ok:
			tokens[n] = token
			n++
		}
	}
	return n, nil
}

func (e *Echo) receiveFrom(fd uintptr) {
	for e.got, e.gotErr = -1, unix.EINTR; e.gotErr == unix.EINTR; {
		e.got, e.gotErr = unix.Read(int(fd), e.in[:])
	}
}

func (e *Echo) awaitFrom(fd uintptr) bool {
	e.receiveFrom(fd)
	return e.gotErr != unix.EAGAIN
}

// token reads it from what was received; ok is false for what is no answer to us.
func (e *Echo) token() (token uint64, ok bool) {
	if e.gotErr != nil {
		return 0, false
	}
	b, reply := e.in[:e.got], byte(icmp6EchoReply)
	if e.family == unix.AF_INET {
		_, b = ipv4Payload(b)
		reply = icmp4EchoReply
	}
	if len(b) != len(e.out) || b[0] != reply || binary.BigEndian.Uint16(b[4:]) != e.ident || binary.BigEndian.Uint64(b[8:]) != e.secret {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[16:]), true
}
