package model

import (
	"hash/maphash"
	"slices"
)

// table holds the objects of one kind of which there are many, one after the other and
// not each by itself: routes, neighbours, FDB entries. They are found by their keys
// through slots, an open-addressed hash table of row numbers.
type table[T Object] struct {
	rows  []row[T]
	slots []int32 // numbers of rows from 1; 0 is free; a power of two of them
	dead  int     // rows that were removed, and stay to keep the numbers of the others
	seed  maphash.Seed
}

// row is an object with what is known about it.
type row[T Object] struct {
	object T
	notes  *notes
	Standing
	dead bool
}

// Standing is what is known about an object beside its words.
type Standing struct {
	Owner Owner // of an observed object
	Ref   bool  // as Entry has it
	Free  bool  // as Entry has it
}

// notes are what an entry says in words. All objects of a peer have the same.
type notes struct{ source, intent, maker string }

// spread is a number of full length that has no factor in common with the length of a
// hash table (Knuth, The Art of Computer Programming, volume 3, 6.4).
const spread = 0x9e3779b97f4a7c15

// hash mixes what differs among the objects of a kind. With a seed of its own for each
// table, keys that somebody chooses fall as evenly as others.
func (k Key) hash(seed maphash.Seed) uint64 {
	a := k.Prefix.Addr().As16()
	h := maphash.String(seed, k.Netns) + maphash.Bytes(seed, a[:])
	if k.Name != "" {
		h ^= maphash.String(seed, k.Name) * spread
	}
	m := uint64(k.Metric)<<8 | uint64(uint8(k.Prefix.Bits()))
	for _, b := range k.MAC {
		m = m<<8 ^ m>>56 ^ uint64(b)
	}
	h += m * spread
	return h ^ h>>32
}

// slot returns where the number of the row with the key is, or would be.
func (t *table[T]) slot(k Key) int {
	mask := len(t.slots) - 1
	for i := int(k.hash(t.seed)) & mask; ; i = (i + 1) & mask {
		n := t.slots[i]
		if n == 0 || t.rows[n-1].object.Key() == k {
			return i
		}
	}
}

// find returns the row with the key, or nil.
func (t *table[T]) find(k Key) *row[T] {
	if len(t.slots) == 0 {
		return nil
	}
	n := t.slots[t.slot(k)]
	if n == 0 || t.rows[n-1].dead {
		return nil
	}
	return &t.rows[n-1]
}

// put adds a row, or replaces the one with the same key.
func (t *table[T]) put(r row[T]) {
	if old := t.add(r); old != nil {
		*old = r
	}
}

// add adds a row, unless there is one with the same key, which it returns.
func (t *table[T]) add(r row[T]) *row[T] {
	t.grow(1)
	s := t.slot(r.object.Key())
	n := t.slots[s]
	switch {
	case n == 0:
		t.rows = append(t.rows, r)
		t.slots[s] = int32(len(t.rows))
		return nil
	case t.rows[n-1].dead:
		t.rows[n-1] = r
		t.dead--
		return nil
	}
	return &t.rows[n-1]
}

// grow makes room for n more rows.
func (t *table[T]) grow(n int) {
	const fill = 2 // slots a row: half of them stay free
	if (len(t.rows)+n)*fill <= len(t.slots) {
		return
	}
	size := 16
	for size < (len(t.rows)+n)*fill {
		size *= 2
	}
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	t.slots = make([]int32, size)
	for i := range t.rows {
		t.slots[t.slot(t.rows[i].object.Key())] = int32(i + 1)
	}
}

func (t *table[T]) remove(k Key) {
	if r := t.find(k); r != nil {
		r.dead = true
		t.dead++
	}
}

func (t *table[T]) len() int { return len(t.rows) - t.dead }

func (t *table[T]) clone() table[T] {
	c := table[T]{seed: t.seed, rows: make([]row[T], len(t.rows)), slots: make([]int32, len(t.slots)), dead: t.dead}
	copy(c.rows, t.rows)
	copy(c.slots, t.slots)
	return c
}

// entry returns the row as others see it.
func (r *row[T]) entry() Entry {
	e := Entry{Object: r.object, Owner: r.Owner, Ref: r.Ref, Free: r.Free}
	if r.notes != nil {
		e.Source, e.Intent, e.Maker = r.notes.source, r.notes.intent, r.notes.maker
	}
	return e
}

func (t *table[T]) keys(l []Key) []Key {
	for i := range t.rows {
		if !t.rows[i].dead {
			l = append(l, t.rows[i].object.Key())
		}
	}
	return l
}

// reserve makes room for n more rows.
func (t *table[T]) reserve(n int) {
	if n > 0 {
		t.rows = slices.Grow(t.rows, n)
		t.grow(n)
	}
}

// each calls f with every row until that returns false, which it returns, too.
func (t *table[T]) each(f func(*row[T]) bool) bool {
	for i := range t.rows {
		if r := &t.rows[i]; !r.dead && !f(r) {
			return false
		}
	}
	return true
}
