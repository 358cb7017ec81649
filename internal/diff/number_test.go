package diff

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Where the numbers of two objects differ, they are in the order of these.
func TestNumbers(t *testing.T) {
	entries := leadingOnOneLink(1000)
	l := numbers(entries)
	if l == nil {
		t.Fatal("what is on one link has no numbers")
	}
	differ := 0
	for i := range entries {
		for j := range entries {
			if l[i] == l[j] {
				continue
			}
			differ++
			if got, want := cmp.Compare(l[i], l[j]), compareLeading(&entries[i], &entries[j]); got != want {
				t.Fatalf("%s and %s: %d, want %d", entries[i].Object.Key(), entries[j].Object.Key(), got, want)
			}
		}
	}
	if most := len(entries) * len(entries) * 9 / 10; differ < most {
		t.Errorf("the numbers tell %d pairs apart, less than %d", differ, most)
	}
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b model.Entry) int { return compareLeading(&a, &b) })
	got := inOrder(slices.Values(entries), len(entries))
	if !slices.EqualFunc(got, sorted, func(a, b model.Entry) bool { return a.Object == b.Object }) {
		t.Error("by their numbers, they come in another order")
	}
}

// What is compared by more than the object has no numbers.
func TestNoNumbers(t *testing.T) {
	for name, e := range map[string]model.Entry{
		"another link":      {Object: model.Neighbour{Link: "vx2", IP: netip.MustParseAddr("192.0.2.1")}},
		"another namespace": {Object: model.Neighbour{Netns: "blue", Link: "vx1", IP: netip.MustParseAddr("192.0.2.1")}},
		"an intent":         {Object: model.Neighbour{Link: "vx1", IP: netip.MustParseAddr("192.0.2.1")}, Intent: "peer vm2"},
		"flooding":          {Object: model.FDBEntry{Link: "vx1", Dst: model.Some(netip.MustParseAddr("192.0.2.1"))}},
	} {
		if l := numbers(append(leadingOnOneLink(10), e)); l != nil {
			t.Errorf("%s: there are numbers", name)
		}
	}
}

// leadingOnOneLink are n objects of each kind, of both families where there are two.
func leadingOnOneLink(n int) []model.Entry {
	r := rand.New(rand.NewPCG(1, 2))
	address := func() netip.Addr {
		if r.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, byte(r.Uint32()), byte(r.Uint32()), byte(r.IntN(4))})
		}
		return netip.AddrFrom16([16]byte{0xfd, 1, 2, 3, 4, byte(r.IntN(4)), byte(r.Uint32()), byte(r.Uint32()), 15: byte(r.IntN(4))})
	}
	var l []model.Entry
	for range n {
		a := address()
		bits := a.BitLen() - r.IntN(3)
		dst, _ := a.Prefix(bits)
		l = append(l,
			model.Entry{Object: model.Route{Dst: dst, Table: model.TableMain, Dev: model.Some("vx1"), Metric: uint32(r.IntN(2))}},
			model.Entry{Object: model.Neighbour{Link: "vx1", IP: address()}},
			model.Entry{Object: model.FDBEntry{Link: "vx1", MAC: model.MAC{2, byte(r.Uint32()), byte(r.Uint32()), 3, byte(r.Uint32()), byte(r.IntN(3))}}})
	}
	return l
}
