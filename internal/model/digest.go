package model

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"net/netip"
	"slices"
	"sync"
)

// Digest stands for an object in what is kept beyond a run: of its key, and of all of it.
// Two different ones are equal once in 2^64 by chance; nothing may be decided by them.
type Digest struct{ Key, Object uint64 }

// DigestOf returns the digest of a desired object. A free route has the same one with
// either of its metrics, and no other route has it.
func DigestOf(o Object, free bool) Digest {
	switch o := o.(type) {
	case Route:
		return o.digest(free)
	case Neighbour:
		return o.digest(false)
	case FDBEntry:
		return o.digest(false)
	}
	h := digester(o.Key().Kind)
	h.key(o.Key())
	d := Digest{Key: uint64(h)}
	b, _ := json.Marshal(o) // it has nothing that cannot be written
	h.text(string(b))
	d.Object = uint64(h)
	return d
}

// Digests returns those of all objects of a desired state that are not references, in any
// order. They are made on all processors.
func (s *State) Digests() []Digest {
	var frame, routes, neighbours, fdb []Digest
	var all sync.WaitGroup
	all.Go(func() { routes = digests(&s.routes) })
	all.Go(func() { neighbours, fdb = digests(&s.neighbours), digests(&s.fdb) })
	for _, e := range s.entries {
		if !e.Ref {
			frame = append(frame, DigestOf(e.Object, false))
		}
	}
	all.Wait()
	return slices.Concat(frame, routes, neighbours, fdb)
}

func digests[T bulk[T]](t *table[T]) []Digest {
	l := make([]Digest, 0, t.len())
	t.each(func(r *row[T]) bool {
		if !r.Ref {
			l = append(l, r.object.digest(r.Free))
		}
		return true
	})
	return l
}

// digester mixes words as wyhash does: the halves of a product depend on each bit of both
// factors.
type digester uint64

func (h *digester) word(v uint64) {
	const odd = 0xa0761d6478bd642f
	hi, lo := bits.Mul64(uint64(*h)^v^mixer, odd)
	*h = digester(hi ^ lo + v)
}

func (h *digester) text(s string) {
	h.word(uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		h.word(binary.LittleEndian.Uint64([]byte(s[:8])))
	}
	var rest [8]byte
	copy(rest[:], s)
	h.word(binary.LittleEndian.Uint64(rest[:]))
}

func (h *digester) address(a netip.Addr) {
	b := a.As16() // of the invalid one, as of ::
	h.word(binary.LittleEndian.Uint64(b[:]))
	h.word(binary.LittleEndian.Uint64(b[8:]))
	h.word(uint64(a.BitLen()))
	if a.Zone() != "" {
		h.text(a.Zone())
	}
}

func (h *digester) mac(m MAC) {
	var b [8]byte
	copy(b[:], m[:])
	h.word(binary.LittleEndian.Uint64(b[:]))
}

// flag mixes in whether an attribute is specified; what it is follows in any case.
func (h *digester) flag(set bool) {
	if set {
		h.word(1)
	} else {
		h.word(2)
	}
}

func (h *digester) key(k Key) {
	h.text(k.Netns)
	h.text(k.Name)
	h.address(k.Prefix.Addr())
	h.word(uint64(uint16(k.Prefix.Bits()))<<32 | uint64(k.Metric))
	h.mac(k.MAC)
	h.word(uint64(k.Table))
}

func (r Route) digest(free bool) Digest {
	h := digester(KindRoute)
	if free {
		r.Metric = 0
		h = digester(KindRoute) << 8
	}
	h.key(r.Key())
	d := Digest{Key: uint64(h)}
	for _, o := range [...]Opt[string]{r.Type, r.Dev, r.NextHops} {
		h.flag(o.set)
		h.text(o.value)
	}
	for _, o := range [...]Opt[netip.Addr]{r.Via, r.Src} {
		h.flag(o.set)
		h.address(o.value)
	}
	for _, o := range [...]Opt[uint8]{r.Scope, r.Protocol} {
		h.flag(o.set)
		h.word(uint64(o.value))
	}
	h.flag(r.OnLink.set)
	h.flag(r.OnLink.value)
	d.Object = uint64(h)
	return d
}

func (n Neighbour) digest(bool) Digest {
	h := digester(KindNeighbour)
	h.key(n.Key())
	d := Digest{Key: uint64(h)}
	h.flag(n.MAC.set)
	h.mac(n.MAC.value)
	h.flag(n.State.set)
	h.word(uint64(n.State.value))
	h.flag(n.Protocol.set)
	h.word(uint64(n.Protocol.value))
	d.Object = uint64(h)
	return d
}

func (f FDBEntry) digest(bool) Digest {
	h := digester(KindFDB)
	h.key(f.Key())
	d := Digest{Key: uint64(h)}
	h.flag(f.Dst.set)
	h.address(f.Dst.value)
	h.flag(f.State.set)
	h.word(uint64(f.State.value))
	d.Object = uint64(h)
	return d
}

// Narrowed returns of an observed object what a desired one specifies, for the kinds of
// which there are many; ok is false for others.
func Narrowed(observed, desired Object) (o Object, ok bool) {
	switch w := desired.(type) {
	case Route:
		r, ok := observed.(Route)
		r.Type, r.Via, r.Dev, r.OnLink = r.Type.within(w.Type), r.Via.within(w.Via), r.Dev.within(w.Dev), r.OnLink.within(w.OnLink)
		r.Scope, r.Src, r.NextHops, r.Protocol = r.Scope.within(w.Scope), r.Src.within(w.Src), r.NextHops.within(w.NextHops), r.Protocol.within(w.Protocol)
		return r, ok
	case Neighbour:
		n, ok := observed.(Neighbour)
		n.MAC, n.State, n.Protocol = n.MAC.within(w.MAC), n.State.within(w.State), n.Protocol.within(w.Protocol)
		return n, ok
	case FDBEntry:
		f, ok := observed.(FDBEntry)
		f.Dst, f.State = f.Dst.within(w.Dst), f.State.within(w.State)
		return f, ok
	}
	return nil, false
}

// within returns the value where the desired attribute is specified.
func (o Opt[T]) within(desired Opt[T]) Opt[T] {
	if !desired.set {
		return Opt[T]{}
	}
	return o
}
