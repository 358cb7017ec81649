package model_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Comparing objects by their keys is comparing their keys.
func TestCompareKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	pick := func(l ...string) string { return l[r.IntN(len(l))] }
	addr := func() netip.Addr {
		return netip.MustParseAddr(pick("10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2", "::ffff:10.0.0.1", "fe80::1%eth0"))
	}
	object := func() model.Object {
		netns, link, mac := pick("", "a", "b"), pick("x", "y"), model.MAC{0, 0, 0, 0, 0, byte(r.IntN(3))}
		switch r.IntN(4) {
		case 0:
			ip := addr().WithZone("")
			return model.Route{Netns: netns, Dst: netip.PrefixFrom(ip, r.IntN(33)).Masked(), Table: uint32(253 + r.IntN(2)), Metric: uint32(r.IntN(2)), Dev: model.Some(link)}
		case 1:
			return model.Neighbour{Netns: netns, Link: link, IP: addr(), MAC: model.Some(mac)}
		case 2:
			return model.FDBEntry{Netns: netns, Link: link, MAC: mac, Dst: model.Some(addr())}
		}
		return model.Link{Netns: netns, Name: link}
	}
	for range 100_000 {
		a, b := object(), object()
		if want, got := a.Key().Compare(b.Key()), model.CompareKeys(a, b); want != got {
			t.Fatalf("%v and %v: %d, want %d", a, b, got, want)
		}
	}
}
