package model

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"net/netip"
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
	all := make([]Digest, s.Len()) // the only room that it takes
	left := all
	room := func(n int) (part []Digest) {
		part, left = left[:0:n], left[n:]
		return part
	}
	routes, neighbours, fdb, frame := room(s.routes.len()), room(s.neighbours.len()), room(s.fdb.len()), room(len(s.entries))
	var done sync.WaitGroup
	done.Go(func() { routes = appendDigests(routes, &s.routes) })
	done.Go(func() { neighbours, fdb = appendDigests(neighbours, &s.neighbours), appendDigests(fdb, &s.fdb) })
	for _, e := range s.entries {
		if !e.Ref {
			frame = append(frame, DigestOf(e.Object, false))
		}
	}
	done.Wait()
	l := all[:0]
	for _, part := range [][]Digest{routes, neighbours, fdb, frame} {
		l = append(l, part...) // moves it to where references have left room
	}
	return l
}

func appendDigests[T bulk[T]](l []Digest, t *table[T]) []Digest {
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

// text mixes in a short one, as most are, by one word: its length and what it is.
func (h *digester) text(s string) {
	const long = 1 << 63 // no short one has that bit
	if len(s) >= 8 {
		h.word(long | uint64(len(s)))
	}
	for ; len(s) >= 8; s = s[8:] {
		h.word(binary.LittleEndian.Uint64([]byte(s[:8])))
	}
	last := uint64(len(s))
	for i := range len(s) {
		last = last<<8 | uint64(s[i])
	}
	h.word(last)
}

// address mixes in one of IPv4 by one word. Those of IPv6, and none, begin with words that
// no such address has.
func (h *digester) address(a netip.Addr) {
	const four, six, zoned = 1 << 32, 2 << 32, 3 << 32
	switch {
	case a.Is4():
		b := a.As4()
		h.word(four | uint64(binary.LittleEndian.Uint32(b[:])))
		return
	case !a.IsValid():
		h.word(0)
		return
	case a.Zone() != "":
		h.word(zoned)
		h.text(a.Zone())
	default:
		h.word(six)
	}
	b := a.As16()
	h.word(binary.LittleEndian.Uint64(b[:]))
	h.word(binary.LittleEndian.Uint64(b[8:]))
}

func (h *digester) mac(m MAC) {
	var b [8]byte
	copy(b[:], m[:])
	h.word(binary.LittleEndian.Uint64(b[:]))
}

func (h *digester) key(k Key) {
	h.text(k.Netns)
	h.text(k.Name)
	h.address(k.Prefix.Addr())
	h.word(uint64(uint16(k.Prefix.Bits()))<<32 | uint64(k.Metric))
	h.mac(k.MAC)
	h.word(uint64(k.Table))
}

// flags are a bit each: whether attributes are specified. What they are follows in any case.
func flags(set ...bool) (bits uint64) {
	for _, is := range set {
		bits <<= 1
		if is {
			bits |= 1
		}
	}
	return bits
}

func (r Route) digest(free bool) Digest {
	h := digester(KindRoute)
	if free {
		r.Metric = 0
		h = digester(KindRoute) << 8
	}
	h.key(r.Key())
	d := Digest{Key: uint64(h)}
	h.word(flags(r.Type.set, r.Dev.set, r.NextHops.set, r.Via.set, r.Src.set, r.Scope.set, r.Protocol.set, r.OnLink.set, r.OnLink.value)<<16 |
		uint64(r.Scope.value)<<8 | uint64(r.Protocol.value))
	h.text(r.Type.value)
	h.text(r.Dev.value)
	h.text(r.NextHops.value)
	h.address(r.Via.value)
	h.address(r.Src.value)
	d.Object = uint64(h)
	return d
}

func (n Neighbour) digest(bool) Digest {
	h := digester(KindNeighbour)
	h.key(n.Key())
	d := Digest{Key: uint64(h)}
	h.word(flags(n.MAC.set, n.State.set, n.Protocol.set)<<24 | uint64(n.State.value)<<8 | uint64(n.Protocol.value))
	h.mac(n.MAC.value)
	d.Object = uint64(h)
	return d
}

func (f FDBEntry) digest(bool) Digest {
	h := digester(KindFDB)
	h.key(f.Key())
	d := Digest{Key: uint64(h)}
	h.word(flags(f.Dst.set, f.State.set)<<16 | uint64(f.State.value))
	h.address(f.Dst.value)
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
