package model_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// plain is a state as nobody could get it wrong.
type plain map[model.Key]model.Entry

// A state that lies over the desired one has just what was put into it, whatever becomes
// of either, and so do their copies; Compare and Unlike say how they differ.
func TestOver(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 5))
		desired, want := &model.State{}, plain{}
		for range r.IntN(40) {
			put(desired, want, leading(r, "topology.yaml:1"))
		}
		observed, got := &model.State{}, plain{}
		observed.Over(desired)
		for step := range 60 {
			switch r.IntN(12) {
			case 0:
				put(desired, want, leading(r, "topology.yaml:2"))
			case 1:
				remove(r, desired, want)
			case 2:
				remove(r, observed, got)
			case 3:
				observed = observed.Clone()
			case 4, 5, 6: // just as desired
				if k, ok := oneOf(r, want); ok {
					e := want[k]
					put(observed, got, model.Entry{Object: kernelTells(e.Object), Owner: model.OwnerOurs})
				}
			default:
				put(observed, got, leading(r, ""))
			}
			for name, s := range map[string]struct {
				state *model.State
				plain plain
			}{"desired": {desired, want}, "observed": {observed, got}} {
				if d := cmp.Diff(lines(s.plain), toldOf(s.state)); d != "" {
					t.Fatalf("seed %d, step %d, %s (-want +got):\n%s", seed, step, name, d)
				}
			}
			compare(t, seed, desired, observed, want, got)
		}
	}
}

func compare(t *testing.T, seed uint64, desired, observed *model.State, want, got plain) {
	t.Helper()
	var unlike []string
	right := 0
	for k, w := range want {
		g, ok := got[k]
		if ok && g.Owner.Mine() && w.Object.Fill(g.Object) == g.Object {
			right++
		} else {
			unlike = append(unlike, k.String())
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok && g.Owner.Mine() {
			unlike = append(unlike, k.String())
		}
	}
	slices.Sort(unlike)
	c := model.Compare(desired, observed)
	if d := cmp.Diff(unlike, keyLines(c.Unlike)); d != "" || c.Right != right {
		t.Fatalf("seed %d: %d right, want %d; unlike (-want +got):\n%s", seed, c.Right, right, d)
	}
	var differ []string
	for k, w := range want {
		if w != got[k] {
			differ = append(differ, k.String())
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			differ = append(differ, k.String())
		}
	}
	slices.Sort(differ)
	if d := cmp.Diff(differ, keyLines(model.Unlike(desired, observed))); d != "" {
		t.Fatalf("seed %d: entries that are not alike (-want +got):\n%s", seed, d)
	}
}

// Two looks at one host differ in what has changed in between.
func TestUnlikeOver(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 6))
		desired, want := &model.State{}, plain{}
		for range 30 {
			put(desired, want, leading(r, "topology.yaml:1"))
		}
		var looks [2]*model.State
		var seen [2]plain
		for i := range looks {
			looks[i], seen[i] = &model.State{}, plain{}
			looks[i].Over(desired)
			for k, e := range want {
				if r.IntN(8) > 0 {
					put(looks[i], seen[i], model.Entry{Object: kernelTells(e.Object), Owner: model.OwnerOurs})
				} else if o := leading(r, "").Object; o.Key() == k || r.IntN(2) == 0 {
					put(looks[i], seen[i], model.Entry{Object: o, Owner: model.OwnerForeign})
				}
			}
		}
		var differ []string
		for k := range seen[0] {
			if e, ok := seen[1][k]; !ok || e != seen[0][k] {
				differ = append(differ, k.String())
			}
		}
		for k := range seen[1] {
			if _, ok := seen[0][k]; !ok {
				differ = append(differ, k.String())
			}
		}
		slices.Sort(differ)
		if d := cmp.Diff(differ, keyLines(model.Unlike(looks[0], looks[1]))); d != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, d)
		}
	}
}

// leading is one of few objects that lead to peers, with one of few values.
func leading(r *rand.Rand, source string) model.Entry {
	n := byte(r.IntN(9))
	e := model.Entry{Source: source, Owner: model.OwnerOurs}
	if source == "" && r.IntN(3) == 0 {
		e.Owner = model.OwnerForeign
	}
	far := netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(2))})
	switch r.IntN(3) {
	case 0:
		o := model.Route{Dst: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, n, 0}), 24), Table: model.TableMain, Via: model.Some(far), Dev: model.Some("vx0"), Protocol: model.Some(model.MarkProtocol)}
		if source == "" || r.IntN(4) == 0 {
			o.Src, o.NextHops = model.Some(netip.Addr{}), model.Some("")
		}
		e.Object = o
	case 1:
		e.Object = model.Neighbour{Link: "vx0", IP: netip.AddrFrom4([4]byte{10, 0, n, 0}), MAC: model.Some(model.MAC{2, 0, 0, 0, 0, byte(r.IntN(2))})}
	default:
		e.Object = model.FDBEntry{Link: "vx0", MAC: model.MAC{2, 0, 0, 0, 1, n}, Dst: model.Some(far)}
	}
	return e
}

// kernelTells fills what a desired object leaves open.
func kernelTells(o model.Object) model.Object {
	r, ok := o.(model.Route)
	if !ok {
		return o
	}
	return r.Fill(model.Route{Src: model.Some(netip.Addr{}), NextHops: model.Some("")})
}

func put(s *model.State, p plain, e model.Entry) {
	s.Put(e)
	p[e.Object.Key()] = e
}

func remove(r *rand.Rand, s *model.State, p plain) {
	if k, ok := oneOf(r, p); ok {
		s.Remove(k)
		delete(p, k)
	}
}

func oneOf(r *rand.Rand, p plain) (model.Key, bool) {
	var keys []model.Key
	for k := range p {
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return model.Key{}, false
	}
	slices.SortFunc(keys, model.Key.Compare)
	return keys[r.IntN(len(keys))], true
}

func lines(p plain) []string {
	var l []string
	for k, e := range p {
		l = append(l, fmt.Sprint(k, e))
	}
	slices.Sort(l)
	return l
}

func toldOf(s *model.State) []string {
	p := plain{}
	for e := range s.All() {
		p[e.Object.Key()] = e
	}
	n := 0
	for e := range s.Unordered() {
		if k := e.Object.Key(); p[k] != e || !s.Has(k) {
			return []string{fmt.Sprintf("%s is told in two ways", k)}
		}
		n++
	}
	if n != len(p) || s.Len() != n {
		return []string{fmt.Sprintf("%d objects in order, %d in any, %d in all", len(p), n, s.Len())}
	}
	return lines(p)
}

// keyLines are the keys as text, in order and each once.
func keyLines(keys []model.Key) []string {
	var l []string
	for _, k := range keys {
		l = append(l, k.String())
	}
	slices.Sort(l)
	return slices.Compact(l)
}
