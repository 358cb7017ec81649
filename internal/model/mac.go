package model

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// MAC is a 48-bit Ethernet address. The zero value stands for "none"; the kernel
// uses it as the default entry of a vxlan FDB.
type MAC [6]byte

// ParseMAC reads six colon- or hyphen-separated pairs of hexadecimal digits.
func ParseMAC(s string) (MAC, error) {
	var m MAC
	if len(s) != 17 || (s[2] != ':' && s[2] != '-') {
		return m, fmt.Errorf("%q is not a MAC address like 02:00:5e:10:00:01", s)
	}
	parts := strings.Split(s, s[2:3])
	if len(parts) != 6 {
		return m, fmt.Errorf("%q is not a MAC address like 02:00:5e:10:00:01", s)
	}
	for i, p := range parts {
		if len(p) != 2 {
			return MAC{}, fmt.Errorf("%q is not a MAC address like 02:00:5e:10:00:01", s)
		}
		if _, err := hex.Decode(m[i:i+1], []byte(p)); err != nil {
			return MAC{}, fmt.Errorf("%q is not a MAC address: %q is not a hexadecimal byte", s, p)
		}
	}
	return m, nil
}

// String returns the address as iproute2 prints it, in lower case with colons.
func (m MAC) String() string {
	var b [17]byte
	for i, v := range m {
		const digits = "0123456789abcdef"
		b[i*3], b[i*3+1] = digits[v>>4], digits[v&15]
		if i < 5 {
			b[i*3+2] = ':'
		}
	}
	return string(b[:])
}

// IsZero says whether the address is all zero.
func (m MAC) IsZero() bool { return m == MAC{} }

// IsMulticast says whether the group bit is set (IEEE 802-2014, 8.2); such an
// address cannot belong to a link. Broadcast is a multicast address, too.
func (m MAC) IsMulticast() bool { return m[0]&1 == 1 }

// MarshalText implements encoding.TextMarshaler.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *MAC) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMAC(string(b))
	return err
}
