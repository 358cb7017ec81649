package kernel

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"
)

// native is the byte order of netlink headers and most attributes; what the kernel
// wants in network order says so at its place.
var native = binary.NativeEndian

// message is a netlink request under construction: the header, the family's fixed
// part, then attributes, each padded to four bytes (netlink(7)).
type message []byte

// newMessage starts a request with the fixed part of its family, such as
// ifinfomsg. Length and sequence number are filled in when it is sent.
func newMessage(typ, flags uint16, fixed []byte) message {
	return make(message, 0, roomForOne).begin(typ, flags).raw(fixed)
}

// roomForOne is as long as most requests are not, in bytes.
const roomForOne = 256

// begin appends the header of a request to those that m has.
func (m message) begin(typ, flags uint16) message {
	m = append(m, make([]byte, unix.SizeofNlMsghdr)...)
	h := m[len(m)-unix.SizeofNlMsghdr:]
	native.PutUint16(h[4:], typ)
	native.PutUint16(h[6:], flags|unix.NLM_F_REQUEST)
	return m
}

func (m message) raw(b []byte) message {
	m = append(m, b...)
	for len(m)%unix.NLMSG_ALIGNTO != 0 {
		m = append(m, 0)
	}
	return m
}

func (m message) attr(typ uint16, value []byte) message {
	m = native.AppendUint16(m, uint16(unix.SizeofRtAttr+len(value)))
	m = native.AppendUint16(m, typ)
	return m.raw(value)
}

func (m message) u8(typ uint16, v uint8) message   { return m.attr(typ, []byte{v}) }
func (m message) flag(typ uint16, on bool) message { return m.u8(typ, boolByte(on)) }

func (m message) u32(typ uint16, v uint32) message {
	var b [4]byte
	native.PutUint32(b[:], v)
	return m.attr(typ, b[:])
}

// str appends a string with its terminating zero.
func (m message) str(typ uint16, s string) message { return m.attr(typ, append([]byte(s), 0)) }

// port appends a port number, which is in network order.
func (m message) port(typ uint16, v uint16) message {
	return m.attr(typ, binary.BigEndian.AppendUint16(nil, v))
}

// addr appends an IP address; the invalid one is left out.
func (m message) addr(typ uint16, a netip.Addr) message {
	switch {
	case a.Is4():
		b := a.As4()
		return m.attr(typ, b[:])
	case a.Is6():
		b := a.As16()
		return m.attr(typ, b[:])
	}
	return m
}

// nest appends an attribute that holds others, which f appends.
func (m message) nest(typ uint16, f func(message) message) message {
	start := len(m)
	m = native.AppendUint16(m, 0)
	m = native.AppendUint16(m, typ|unix.NLA_F_NESTED)
	m = f(m)
	native.PutUint16(m[start:], uint16(len(m)-start))
	return m
}

// seal fills in the length and the sequence number.
func (m message) seal(seq uint32) {
	native.PutUint32(m, uint32(len(m)))
	native.PutUint32(m[8:], seq)
}

// sized is a request that is complete but for its sequence number, to be sent with others.
func (m message) sized() message {
	native.PutUint32(m, uint32(len(m)))
	return m
}

func boolByte(on bool) uint8 {
	if on {
		return 1
	}
	return 0
}

// reply is a message from the kernel.
type reply struct {
	typ   uint16
	flags uint16
	seq   uint32
	port  uint32 // of who asked for it, or, of what a group is told, who has caused it; 0: the kernel
	body  []byte // after the header
}

// replies yields the messages in b. It stops at one that is cut off.
func replies(b []byte) iter.Seq[reply] {
	return func(yield func(reply) bool) {
		for len(b) >= unix.SizeofNlMsghdr {
			n := int(native.Uint32(b))
			if n < unix.SizeofNlMsghdr || n > len(b) {
				return
			}
			r := reply{typ: native.Uint16(b[4:]), flags: native.Uint16(b[6:]), seq: native.Uint32(b[8:]),
				port: native.Uint32(b[12:]), body: b[unix.SizeofNlMsghdr:n]}
			if !yield(r) {
				return
			}
			b = b[min(align(n), len(b)):]
		}
	}
}

// attributes yields the type and value of each attribute in b, without the flag
// bits of the type. It stops at one that is cut off.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofRtAttr {
			n := int(native.Uint16(b))
			if n < unix.SizeofRtAttr || n > len(b) {
				return
			}
			typ := native.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if !yield(typ, b[unix.SizeofRtAttr:n]) {
				return
			}
			b = b[min(align(n), len(b)):]
		}
	}
}

// after returns the attributes that follow a fixed part of n bytes, or nil if the
// body is shorter.
func after(body []byte, n int) []byte {
	if len(body) < align(n) {
		return nil
	}
	return body[align(n):]
}

func align(n int) int { return (n + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1) }

// The readers return zero for a value that is too short: what the kernel did not
// say is not known.

func readU8(b []byte) uint8 {
	if len(b) < 1 {
		return 0
	}
	return b[0]
}

func readU16(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return native.Uint16(b)
}

func readU32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return native.Uint32(b)
}

func readPort(b []byte) uint16 {
	if len(b) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func readString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// readAddr returns the address in b, or the invalid one if b has not the length of
// one or is all zero, which is how the kernel writes "any".
func readAddr(b []byte) netip.Addr {
	a, ok := netip.AddrFromSlice(b)
	if !ok || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}
