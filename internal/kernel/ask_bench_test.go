package kernel

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkFIBMatches asks how packets to 10,000 peers would go: by the tables, by asking the
// kernel many questions at a time, and by one question after the other. The dump of the main
// table is what the first cannot do without.
func BenchmarkFIBMatches(b *testing.B) {
	s := wired(b)
	s.batch("ip", rowsToList, "route add 172.HI.LO.0/24 via 10.HI.LO.1 dev u0 proto 157")
	var peers []netip.Addr
	for i := range rowsToList {
		peers = append(peers, netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}))
	}
	b.Run("together", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if l, err := s.FIBMatches(b.Context(), peers); err != nil || l.To(rowsToList-1).Dev != "u0" {
				b.Fatal(l, err)
			}
		}
	})
	root, err := s.space("")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("asked", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m := newMatches(len(peers))
			if err := m.ask(root.conn, peers, allOf(peers)); err != nil || m.To(rowsToList-1).Type != "unicast" {
				b.Fatal(m.List, err)
			}
		}
	})
	b.Run("one by one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range peers {
				if l, err := s.FIBMatches(b.Context(), peers[i:i+1]); err != nil || l.To(0).Dev != "u0" {
					b.Fatal(l, err)
				}
			}
		}
	})
	b.Run("dump", func(b *testing.B) {
		for b.Loop() {
			if _, err := root.conn.dump(b.Context(), routeRequest(unix.AF_INET, 0)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
