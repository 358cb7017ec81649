package kernel

import (
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkLinks lists 2,000 ends of veths, as a host of many containers has them; the floor
// is the dump alone.
func BenchmarkLinks(b *testing.B) {
	s := newSim(b)
	s.batch("ip", 1000, "link add aHI-LO type veth peer name bHI-LO")
	root, err := s.space("")
	if err != nil {
		b.Fatal(err)
	}
	for _, x := range []struct {
		name string
		list func() error
	}{
		{"floor", func() error {
			_, err := root.conn.dump(b.Context(), newMessage(unix.RTM_GETLINK, 0, make([]byte, unix.SizeofIfInfomsg)).u32(unix.IFLA_EXT_MASK, skipStats))
			return err
		}},
		{"devices", func() error {
			_, err := s.Devices(b.Context(), "")
			return err
		}},
		{"links", func() error {
			_, err := s.Links(b.Context(), "")
			return err
		}},
		{"addresses", func() error {
			_, err := s.Addresses(b.Context(), "")
			return err
		}},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := x.list(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
