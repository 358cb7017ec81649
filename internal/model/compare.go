package model

import (
	"cmp"
	"math/bits"
)

// Comparison is how a desired state and an observed one differ.
type Comparison struct {
	// Unlike are the keys, in any order, of desired objects that are not there as asked
	// for, or somebody else's, of references that are not there, and of what is ours and not
	// desired.
	Unlike []Key
	// Right is how many desired objects are there as asked for, and nobody else's.
	Right int
}

// Compare finds out what a plan that leads from observed to desired has to look at. It
// makes nothing of what is right, which costs one look-up each.
func Compare(desired, observed *State) Comparison {
	var c Comparison
	mine := 0 // desired objects that are there, and ours
	for k, want := range desired.entries {
		got, ok := observed.entries[k]
		if ok && got.Owner.Mine() {
			mine++
		}
		switch {
		case want.Ref && ok:
		case ok && want.isRight(got):
			c.Right++
		default:
			c.Unlike = append(c.Unlike, k)
		}
	}
	compareRows(&c, &mine, &desired.routes, &observed.routes, (*Route).allows)
	compareRows(&c, &mine, &desired.neighbours, &observed.neighbours, (*Neighbour).allows)
	compareRows(&c, &mine, &desired.fdb, &observed.fdb, (*FDBEntry).allows)
	if mine == observed.CountMine() {
		return c
	}
	for k, got := range observed.entries {
		if got.Owner.Mine() && !desired.Has(k) {
			c.Unlike = append(c.Unlike, k)
		}
	}
	c.orphans(observed, desired)
	return c
}

// isRight says whether an observed object is as asked for, and nobody else's.
func (e Entry) isRight(got Entry) bool {
	if !got.Owner.Mine() && got.Owner != OwnerShared {
		return false
	}
	return e.Object == got.Object || e.Object.Fill(got.Object) == got.Object
}

// SameFrame says whether the namespaces, links and addresses are as desired, and no others
// are ours: what others stand on.
func SameFrame(desired, observed *State) bool {
	for k, want := range desired.entries {
		if k.Kind == KindSysctl {
			continue
		}
		if got, ok := observed.entries[k]; !ok || !want.Ref && !want.isRight(got) {
			return false
		}
	}
	for k, got := range observed.entries {
		if k.Kind != KindSysctl && got.Owner.Mine() && !desired.Has(k) {
			return false
		}
	}
	return true
}

func compareRows[T bulk[T]](c *Comparison, mine *int, desired, observed *table[T], allows func(want, got *T) bool) {
	over := observed.liesOver(desired)
	var room row[T]
	for i := range desired.rows {
		want := &desired.rows[i]
		if want.dead {
			continue
		}
		if over && i/64 < len(observed.same) && observed.bit(i) {
			*mine++
			c.Right++
			continue
		}
		k := want.object.Key()
		got := observed.find(k, &room)
		if got != nil && got.Owner.Mine() {
			*mine++
			if !want.Ref && allows(&want.object, &got.object) {
				c.Right++
				continue
			}
		}
		if want.Ref && got != nil {
			continue
		}
		c.Unlike = append(c.Unlike, k)
	}
}

// orphans adds the rows that are ours and not desired.
func (c *Comparison) orphans(observed, desired *State) {
	orphanRows(c, &observed.routes, &desired.routes)
	orphanRows(c, &observed.neighbours, &desired.neighbours)
	orphanRows(c, &observed.fdb, &desired.fdb)
}

func orphanRows[T bulk[T]](c *Comparison, observed, desired *table[T]) {
	observed.each(func(r *row[T]) bool {
		if k := r.object.Key(); r.Owner.Mine() && !desired.has(k) {
			c.Unlike = append(c.Unlike, k)
		}
		return true
	})
}

// Unlike returns the keys, in any order and some of them twice, of the entries that two
// states don't have alike.
func Unlike(a, b *State) []Key {
	l := unlikeRows(UnlikeFrames(a, b), &a.routes, &b.routes)
	l = unlikeRows(l, &a.neighbours, &b.neighbours)
	return unlikeRows(l, &a.fdb, &b.fdb)
}

// UnlikeFrames is Unlike for what Frame yields.
func UnlikeFrames(a, b *State) []Key {
	var l []Key
	for k, e := range a.entries {
		if o, ok := b.entries[k]; !ok || o != e {
			l = append(l, k)
		}
	}
	for k := range b.entries {
		if _, ok := a.entries[k]; !ok {
			l = append(l, k)
		}
	}
	return l
}

func unlikeRows[T bulk[T]](l []Key, a, b *table[T]) []Key {
	if a.base != nil && b.base != nil && a.base.is(b.base) {
		return unlikeBits(l, a, b)
	}
	return unlikeEach(l, a, b)
}

// unlikeBits is unlikeRows for tables over the same one, which may differ in few rows.
func unlikeBits[T bulk[T]](l []Key, a, b *table[T]) []Key {
	var room row[T]
	for i := range a.same {
		for w := a.same[i] ^ b.same[i]; w != 0; w &= w - 1 {
			r := a.raised(i*64 + bits.TrailingZeros64(w))
			k := r.object.Key()
			if x := cmp.Or(a.own(k), b.own(k)); !r.alike(x) { // of the one without the bit
				l = append(l, k)
			}
		}
	}
	for _, t := range []struct{ one, other *table[T] }{{a, b}, {b, a}} {
		for i := range t.one.rows {
			r := &t.one.rows[i]
			if k := r.object.Key(); !r.dead && !r.alike(t.other.find(k, &room)) {
				l = append(l, k)
			}
		}
	}
	return l
}

func unlikeEach[T bulk[T]](l []Key, a, b *table[T]) []Key {
	var room row[T]
	for _, t := range []struct{ one, other *table[T] }{{a, b}, {b, a}} {
		t.one.each(func(r *row[T]) bool {
			if k := r.object.Key(); !r.alike(t.other.find(k, &room)) {
				l = append(l, k)
			}
			return true
		})
	}
	return l
}

// alike says whether another row says the same; nil says nothing.
func (r *row[T]) alike(o *row[T]) bool {
	return o != nil && o.Standing == r.Standing && o.object == r.object && o.notes.same(r.notes)
}

// is says whether both tables were one when they were copied, and no row of it was
// overwritten since.
func (t *table[T]) is(o *table[T]) bool {
	return len(t.rows) == len(o.rows) && (len(t.rows) == 0 || &t.rows[0] == &o.rows[0])
}

// liesOver says whether the rows of the base have the same numbers in the other table.
func (t *table[T]) liesOver(o *table[T]) bool {
	return t.base != nil && len(t.base.rows) > 0 && len(o.rows) >= len(t.base.rows) && &t.base.rows[0] == &o.rows[0]
}

func (n *notes) same(o *notes) bool {
	return n == o || n != nil && o != nil && *n == *o
}

// CountMine returns how many of the objects are ours.
func (s *State) CountMine() int {
	n := 0
	for _, e := range s.entries {
		if e.Owner.Mine() {
			n++
		}
	}
	return n + mineIn(&s.routes) + mineIn(&s.neighbours) + mineIn(&s.fdb)
}

func mineIn[T bulk[T]](t *table[T]) int {
	n := t.both
	for i := range t.rows {
		if r := &t.rows[i]; !r.dead && r.Owner.Mine() {
			n++
		}
	}
	return n
}
