package model

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// A set of marks says what a map says, whatever lies over what.
func TestMarks(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var pool []Object
		for i := range 40 {
			a := netip.AddrFrom4([4]byte{10, 0, byte(i), 0})
			pool = append(pool, Route{Dst: netip.PrefixFrom(a, 24), Table: TableMain}, Neighbour{Link: "vx", IP: a},
				FDBEntry{Link: "vx", MAC: MAC{2, 0, 0, 0, 0, byte(i)}}, Address{Link: "br0", Prefix: netip.PrefixFrom(a, 24)})
		}
		want, seen := &State{}, &State{}
		for _, o := range pool {
			if r.IntN(3) > 0 {
				want.Put(Entry{Object: o, Owner: OwnerOurs})
			}
		}
		seen.Over(want)
		for _, o := range pool {
			switch r.IntN(5) {
			case 0, 1:
				e, ok := want.Get(o.Key())
				if ok {
					o = e.Object
				}
				seen.Put(Entry{Object: o, Owner: OwnerOurs})
			case 2:
				seen.Put(Entry{Object: o, Owner: OwnerForeign})
			case 3:
				seen.Put(Entry{Object: o, Owner: OwnerOurs})
				seen.Remove(o.Key())
			}
		}
		m, truth := seen.Marks(), map[Key]bool{}
		for range 300 {
			k, in := pool[r.IntN(len(pool))].Key(), r.IntN(3) > 0
			m.Set(k, in)
			truth[k] = in
			maps.DeleteFunc(truth, func(_ Key, in bool) bool { return !in })
			for _, o := range pool {
				if m.Has(o.Key()) != truth[o.Key()] {
					t.Fatalf("seed %d: %s is marked: %v", seed, o.Key(), m.Has(o.Key()))
				}
			}
			if m.Len() != len(truth) {
				t.Fatalf("seed %d: %d are marked, want %d", seed, m.Len(), len(truth))
			}
		}
	}
}
