package kernel

import (
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Looking writes nothing; each request that changes something counts as one.
func TestWrites(t *testing.T) {
	s := newSim(t)
	s.lines(vxlanCommands)
	count := func(what string, want uint64, f func()) {
		t.Helper()
		was := s.Writes()
		f()
		if got := s.Writes() - was; got != want {
			t.Errorf("%s counts for %d writes, want %d", what, got, want)
		}
	}
	link := model.Link{Name: "br0", Type: some(model.TypeBridge), Up: some(true)}
	set := model.Sysctl{Name: "net.ipv4.ip_forward", Value: some("1")}
	count("a netns, its file and its mount", 2, func() { s.create(model.Netns{Name: "blue"}) })
	count("a link, in two messages", 2, func() { s.create(link) })
	count("a link that is as it was", 0, func() {
		if err := s.do(model.OpUpdate, link, link); err != nil {
			t.Error(err)
		}
	})
	count("an address", 1, func() { s.create(model.Address{Link: "u1", Prefix: prefix("10.0.0.1/24")}) })
	count("a route", 1, func() { s.create(plainRoute("172.246.0.0/24")) })
	count("a neighbour", 1, func() {
		s.create(model.Neighbour{Link: "vx0", IP: addr("10.0.0.2"), MAC: some(mac("02:00:00:00:01:01"))})
	})
	count("an FDB entry", 1, func() {
		s.create(model.FDBEntry{Link: "vx0", MAC: mac("02:00:00:00:01:01"), Dst: someAddr("192.0.2.11")})
	})
	count("a sysctl", 1, func() { s.create(set) })
	count("looking at all there is", 0, func() {
		s.snapshot()
		s.mustGet(set.Key())
		if _, err := s.FIBMatch(t.Context(), addr("192.0.2.9")); err != nil {
			t.Error(err)
		}
	})
	count("a refusal, too", 1, func() { s.do(model.OpCreate, nil, link) })
	count("an FDB entry's end", 1, func() {
		s.remove(model.FDBEntry{Link: "vx0", MAC: mac("02:00:00:00:01:01"), Dst: someAddr("192.0.2.11")})
	})
	count("a netns's end", 2, func() { s.remove(model.Netns{Name: "blue"}) })
}
