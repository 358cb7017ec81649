package kernel

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestEchoRequestSize(t *testing.T) {
	for _, c := range []struct {
		family     uint8
		size, want int // of the IP packet; of the message
	}{
		{unix.AF_INET, 0, 8}, {unix.AF_INET, 28, 8}, {unix.AF_INET, 1500, 1480},
		{unix.AF_INET6, 0, 8}, {unix.AF_INET6, 48, 8}, {unix.AF_INET6, 1500, 1460},
	} {
		if got := len(echoRequest(c.family, 1, 2, c.size)); got != c.want {
			t.Errorf("family %d, packet of %d bytes: the message has %d, want %d", c.family, c.size, got, c.want)
		}
	}
}

// Packets as they come from the wire; ident 0x1234, seq 0x0007, to 10.0.0.2 or fd00::2.
const (
	header4 = "4500001c 00000000 4001 0000 c0000201 0a000002" // protocol 1
	quoted4 = header4 + "0800 0000 1234 0007"
	header6 = "60000000 0008 3a40 fd000000000000000000000000000001 fd000000000000000000000000000002"
	quoted6 = header6 + "8000 0000 1234 0007"
)

func TestParseEcho(t *testing.T) {
	from4, from6 := addr("10.0.0.2"), addr("fd00::2")
	about := func(dst netip.Addr, err *icmpError) *echo { return &echo{0x1234, 7, dst, err} }
	for _, c := range []struct {
		name   string
		family uint8
		hex    string
		want   *echo // nil: not for us
	}{
		{"reply", unix.AF_INET, header4 + "0000 0000 1234 0007", about(from4, nil)},
		{"reply with options in the header", unix.AF_INET, "46" + header4[2:] + "01010100" + "0000 0000 1234 0007", about(from4, nil)},
		{"request", unix.AF_INET, header4 + "0800 0000 1234 0007", nil},
		{"host unreachable", unix.AF_INET, header4 + "0301 0000 00000000" + quoted4, about(from4, &icmpError{from: from4, reason: "host unreachable"})},
		{"prohibited", unix.AF_INET, header4 + "030d 0000 00000000" + quoted4, about(from4, &icmpError{from: from4, reason: "prohibited"})},
		{"some other code", unix.AF_INET, header4 + "0303 0000 00000000" + quoted4, about(from4, &icmpError{from: from4, reason: "unreachable (code 3)"})},
		{"too big", unix.AF_INET, header4 + "0304 0000 00000578" + quoted4, about(from4, &icmpError{from: from4, reason: "packets may have 1400 bytes", tooBig: true, mtu: 1400})},
		{"exceeded", unix.AF_INET, header4 + "0b00 0000 00000000" + quoted4, about(from4, &icmpError{from: from4, reason: "time to live exceeded"})},
		{"an error about UDP", unix.AF_INET, header4 + "0303 0000 00000000" + strings.Replace(quoted4, "4001", "4011", 1), nil},
		{"an error about a reply", unix.AF_INET, header4 + "0301 0000 00000000" + header4 + "0000 0000 1234 0007", nil},
		{"redirect", unix.AF_INET, header4 + "0501 0000 0a000001" + quoted4, nil},
		{"reply over IPv6", unix.AF_INET6, "8100 0000 1234 0007", about(from6, nil)},
		{"request over IPv6", unix.AF_INET6, "8000 0000 1234 0007", nil},
		{"no route over IPv6", unix.AF_INET6, "0100 0000 00000000" + quoted6, about(from6, &icmpError{from: from6, reason: "no route"})},
		{"address unreachable over IPv6", unix.AF_INET6, "0103 0000 00000000" + quoted6, about(from6, &icmpError{from: from6, reason: "address unreachable"})},
		{"too big over IPv6", unix.AF_INET6, "0200 0000 00000500" + quoted6, about(from6, &icmpError{from: from6, reason: "packets may have 1280 bytes", tooBig: true, mtu: 1280})},
		{"exceeded over IPv6", unix.AF_INET6, "0300 0000 00000000" + quoted6, about(from6, &icmpError{from: from6, reason: "hop limit exceeded"})},
		{"neighbour solicitation", unix.AF_INET6, "8700 0000 00000000" + quoted6, nil},
		{"an error about TCP over IPv6", unix.AF_INET6, "0103 0000 00000000" + strings.Replace(quoted6, "3a40", "0640", 1), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			from := from4
			if c.family == unix.AF_INET6 {
				from = from6
			}
			var got *echo
			if e, ok := parseEcho(c.family, b, from); ok {
				got = &e
			}
			if d := cmp.Diff(c.want, got, cmp.AllowUnexported(echo{}, icmpError{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for i := range b { // cut short, it is nothing, and no panic
				if e, ok := parseEcho(c.family, b[:i], from); ok {
					t.Errorf("the first %d bytes of %d are taken for %+v", i, len(b), e)
				}
			}
		})
	}
}
