package kernel

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Types of messages of ICMP (RFC 792) and ICMPv6 (RFC 4443).
const (
	icmp4EchoReply, icmp4Unreachable, icmp4EchoRequest, icmp4Exceeded              = 0, 3, 8, 11
	icmp6Unreachable, icmp6TooBig, icmp6Exceeded, icmp6EchoRequest, icmp6EchoReply = 1, 2, 3, 128, 129
)

// Lengths in bytes.
const (
	icmpHeader             = 8
	ipv4Header, ipv6Header = 20, 40
)

// echo is an answer to an echo request: its reply, or an error on the way.
type echo struct {
	ident, seq uint16
	dst        netip.Addr // where the request went
	err        *icmpError // nil: it was replied to
}

// icmpError is what somebody on the way made of a request.
type icmpError struct {
	from   netip.Addr
	reason string
	tooBig bool // the packet was; a smaller one may pass
	mtu    int  // of the link that was too narrow, in bytes; 0 if it wasn't said
}

func (e *icmpError) Error() string { return fmt.Sprintf("%s says: %s", e.from, e.reason) }

// echoRequest builds an echo request that makes an IP packet of the given size, or
// of the least.
func echoRequest(family uint8, ident, seq uint16, size int) []byte {
	header, kind := ipv4Header, byte(icmp4EchoRequest)
	if family == unix.AF_INET6 {
		header, kind = ipv6Header, icmp6EchoRequest
	}
	b := make([]byte, max(size-header, icmpHeader))
	b[0] = kind
	binary.BigEndian.PutUint16(b[4:], ident)
	binary.BigEndian.PutUint16(b[6:], seq)
	if family == unix.AF_INET { // for IPv6 the kernel does it (RFC 3542, 3.1)
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

// parseEcho reads what a raw socket received, if it is about an echo request: a
// reply, or an error, which quotes the request. Sockets of IPv4 deliver the IP
// header, too (raw(7)); those of IPv6 do not (RFC 3542, 3).
func parseEcho(family uint8, b []byte, from netip.Addr) (echo, bool) {
	request, reply := byte(icmp4EchoRequest), byte(icmp4EchoReply)
	if family == unix.AF_INET {
		_, b = ipv4Payload(b)
	} else {
		request, reply = icmp6EchoRequest, icmp6EchoReply
	}
	if len(b) < icmpHeader {
		return echo{}, false
	}
	if b[0] == reply {
		return echo{ident: binary.BigEndian.Uint16(b[4:]), seq: binary.BigEndian.Uint16(b[6:]), dst: from}, true
	}
	e := icmpErrorOf(family, b)
	if e == nil {
		return echo{}, false
	}
	e.from = from
	dst, quoted := ipv4Payload(b[icmpHeader:])
	if family == unix.AF_INET6 {
		dst, quoted = ipv6Payload(b[icmpHeader:])
	}
	if len(quoted) < icmpHeader || quoted[0] != request {
		return echo{}, false
	}
	return echo{binary.BigEndian.Uint16(quoted[4:]), binary.BigEndian.Uint16(quoted[6:]), dst, e}, true
}

// ipv4Payload returns the destination of an ICMP packet and what follows the header;
// nothing if there is no such packet.
func ipv4Payload(b []byte) (dst netip.Addr, payload []byte) {
	if len(b) < ipv4Header || b[9] != unix.IPPROTO_ICMP {
		return netip.Addr{}, nil
	}
	length := int(b[0]&15) * 4
	if length < ipv4Header || len(b) < length {
		return netip.Addr{}, nil
	}
	return netip.AddrFrom4([4]byte(b[16:20])), b[length:]
}

// ipv6Payload is the same for ICMPv6; our requests have no extension headers.
func ipv6Payload(b []byte) (dst netip.Addr, payload []byte) {
	if len(b) < ipv6Header || b[6] != unix.IPPROTO_ICMPV6 {
		return netip.Addr{}, nil
	}
	return netip.AddrFrom16([16]byte(b[24:40])), b[ipv6Header:]
}

// icmpErrorOf reads an error message, without its sender; nil if it is none.
func icmpErrorOf(family uint8, b []byte) *icmpError {
	kind, code := b[0], b[1]
	if family == unix.AF_INET6 {
		switch kind {
		case icmp6Unreachable:
			return &icmpError{reason: unreachable6(code)}
		case icmp6TooBig:
			return tooBig(binary.BigEndian.Uint32(b[4:]))
		case icmp6Exceeded:
			return &icmpError{reason: "hop limit exceeded"}
		}
		return nil
	}
	switch {
	case kind == icmp4Unreachable && code == 4: // RFC 1191, 4
		return tooBig(uint32(binary.BigEndian.Uint16(b[6:])))
	case kind == icmp4Unreachable:
		return &icmpError{reason: unreachable4(code)}
	case kind == icmp4Exceeded:
		return &icmpError{reason: "time to live exceeded"}
	}
	return nil
}

func tooBig(mtu uint32) *icmpError {
	return &icmpError{reason: fmt.Sprintf("packets may have %d bytes", mtu), tooBig: true, mtu: int(mtu)}
}

func unreachable4(code byte) string {
	switch code {
	case 0:
		return "network unreachable"
	case 1:
		return "host unreachable"
	case 9, 10, 13:
		return "prohibited"
	}
	return fmt.Sprintf("unreachable (code %d)", code)
}

func unreachable6(code byte) string {
	switch code {
	case 0:
		return "no route"
	case 1:
		return "prohibited"
	case 3:
		return "address unreachable"
	}
	return fmt.Sprintf("unreachable (code %d)", code)
}
