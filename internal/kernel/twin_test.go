package kernel

import (
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// TestSecond lists neighbours and FDB entries of a device at the same time, over sockets of
// their own, which go with the namespace's handle.
func TestSecond(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	s.batch("ip", 1000, "neighbour add 10.HI.LO.0 lladdr 02:00:00:00:HEX dev vx0 nud permanent")
	s.batch("bridge", 1000, "fdb add 02:00:00:00:HEX dev vx0 dst 192.0.2.9")
	root, err := s.space("")
	if err != nil {
		t.Fatal(err)
	}
	root.newsMu.Lock() // as a dump of neighbours holds it
	second, err := root.second()
	if err != nil {
		t.Fatal(err)
	}
	dev, err := root.link("vx0")
	if err != nil {
		t.Fatal(err)
	}
	l, twice, err := second.neighbourRows(t.Context(), dev, 7) // AF_BRIDGE
	n := 0
	for range l.replies() {
		n++
	}
	if err != nil || twice || n < 1000 {
		t.Errorf("%d FDB entries, twice %v, %v", n, twice, err)
	}
	root.newsMu.Unlock()
	var neighbours, entries int
	for range 2 {
		neighbours, entries = 0, 0
		done := make(chan error)
		go func() {
			_, err := s.EachFDB(t.Context(), "", "vx0", func(model.FDBEntry) { entries++ })
			done <- err
		}()
		_, err = s.EachNeighbour(t.Context(), "", "vx0", func(model.Neighbour) { neighbours++ })
		if other := <-done; err != nil || other != nil {
			t.Fatal(err, other)
		}
	}
	if neighbours != 1000 || entries != 1000 {
		t.Errorf("%d neighbours and %d FDB entries, want 1000 of each", neighbours, entries)
	}
	if again, _ := root.second(); again != second {
		t.Error("there is a third handle")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if second.conn.fd >= 0 || second.news.fd >= 0 {
		t.Error("the second handle is open after the host was closed")
	}
}
