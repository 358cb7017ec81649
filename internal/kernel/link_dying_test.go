package kernel

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// A veth can be made again at once after the namespace of its other end has gone,
// although the kernel takes the old one down only later. A veth of the name that is
// somebody's keeps it.
func TestVethMadeAgainAtOnce(t *testing.T) {
	s := newSim(t)
	blue := model.Netns{Name: "blue"}
	veth := model.Link{Name: "veth9", Type: some(model.TypeVeth), Peer: some(model.EndRef{Netns: "blue", Name: "eth0"})}
	for range 20 {
		s.create(blue)
		s.create(veth)
		s.remove(blue)
		s.create(blue)
		s.create(veth)
		if got := s.mustGet(veth.Key()).(model.Link); got.Peer != veth.Peer {
			t.Fatalf("got %v", got)
		}
		s.remove(veth)
		s.remove(blue)
	}
	s.create(blue)
	s.ip("link", "add", "veth9", "type", "veth", "peer", "name", "other")
	if err := s.do(model.OpCreate, nil, veth); !errors.Is(err, unix.EEXIST) {
		t.Errorf("somebody's veth: got error %v, want %v", err, unix.EEXIST)
	}
}
