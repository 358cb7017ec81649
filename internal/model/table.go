package model

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// bulk is a kind of which there are many objects.
type bulk[T any] interface {
	comparable
	Object
	// settled returns the object as the kernel tells of it once it is made: what is open
	// has its default.
	settled() T
	// digest is DigestOf.
	digest(free bool) Digest
}

// table holds the objects of one kind of which there are many, one after the other and
// not each by itself: routes, neighbours, FDB entries. They are found by their keys
// through slots, an open-addressed hash table of row numbers.
//
// The table of an observed state may lie over that of the desired one: of an object of
// ours that is just as desired, it holds one bit.
type table[T bulk[T]] struct {
	rows   []row[T]
	slots  []int32 // numbers of rows from 1; 0 is free; a power of two of them
	dead   int     // rows that were removed, and stay to keep the numbers of the others
	seed   maphash.Seed
	shared bool // another table lies over the rows: they must not be overwritten

	base *table[T] // the table that this one lies over, as it was then; nil: none
	same []uint64  // bits: the rows of base that are there, and ours
	both int       // how many bits are set

	next   int // the row of base after the one with the key of what was put in last
	strays int // rows of its own that were put in with the key of one of base
}

// row is an object with what is known about it.
type row[T bulk[T]] struct {
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

// mixer is a number of full length that has no factor in common with the length of a
// hash table (Knuth, The Art of Computer Programming, volume 3, 6.4).
const mixer = 0x9e3779b97f4a7c15

// hash mixes what differs among the objects of a kind. With a seed of its own for each
// table, keys that somebody chooses fall as evenly as others.
func (k Key) hash(seed maphash.Seed) uint64 {
	a := k.Prefix.Addr().As16()
	h := maphash.String(seed, k.Netns) + maphash.Bytes(seed, a[:])
	if k.Name != "" {
		h ^= maphash.String(seed, k.Name) * mixer
	}
	m := uint64(k.Metric)<<8 | uint64(uint8(k.Prefix.Bits()))
	for _, b := range k.MAC {
		m = m<<8 ^ m>>56 ^ uint64(b)
	}
	h += m * mixer
	return h ^ h>>32
}

// slot returns where the number of the row with the key is, or would be. A table that
// others lie over may have got rows since that these don't know.
func (t *table[T]) slot(k Key) int {
	mask := len(t.slots) - 1
	for i := int(k.hash(t.seed)) & mask; ; i = (i + 1) & mask {
		n := int(t.slots[i])
		if n == 0 || n <= len(t.rows) && t.rows[n-1].object.Key() == k {
			return i
		}
	}
}

// at returns the number of the row with the key, alive or not, or -1.
func (t *table[T]) at(k Key) int {
	if len(t.slots) == 0 {
		return -1
	}
	return int(t.slots[t.slot(k)]) - 1
}

// own returns the table's own row with the key, or nil.
func (t *table[T]) own(k Key) *row[T] {
	if i := t.at(k); i >= 0 && !t.rows[i].dead {
		return &t.rows[i]
	}
	return nil
}

// beneath returns the number of the base's row with the key, or -1.
func (t *table[T]) beneath(k Key) int {
	if t.base == nil {
		return -1
	}
	return t.base.at(k)
}

// following is beneath for a row that is put in. What is there comes in the order of what is
// wanted mostly: then nothing is looked for.
func (t *table[T]) following(k Key) int {
	if t.base == nil {
		return -1
	}
	i := t.next
	if i >= len(t.base.rows) || t.base.rows[i].object.Key() != k {
		i = t.base.at(k)
	}
	if i >= 0 {
		t.next = i + 1
	}
	return i
}

// beside returns the table's own row with the key, or nil; beneath is what the method says
// of the key.
func (t *table[T]) beside(k Key, beneath int) *row[T] {
	if beneath >= 0 && t.strays == 0 {
		return nil
	}
	return t.own(k)
}

func (t *table[T]) bit(i int) bool { return t.same[i/64]&(1<<(i%64)) != 0 }

// flip sets the bit of a row of the base, or clears it.
func (t *table[T]) flip(i int) {
	t.same[i/64] ^= 1 << (i % 64)
	if t.bit(i) {
		t.both++
	} else {
		t.both--
	}
}

// raised is a row of the base as the table has it.
func (t *table[T]) raised(i int) row[T] {
	return row[T]{object: t.base.rows[i].object.settled(), Standing: Standing{Owner: OwnerOurs}}
}

// find returns the row with the key, or nil. One that the table has a bit of is put into
// room.
func (t *table[T]) find(k Key, room *row[T]) *row[T] {
	if t.both > 0 {
		if i := t.beneath(k); i >= 0 && t.bit(i) {
			*room = t.raised(i)
			return room
		}
	}
	return t.own(k)
}

func (t *table[T]) has(k Key) bool { return t.number(k) >= 0 }

// number returns a number for the row with the key, -1 if there is none. Rows of the base
// come first.
func (t *table[T]) number(k Key) int {
	if t.both > 0 {
		if i := t.beneath(k); i >= 0 && t.bit(i) {
			return i
		}
	}
	if i := t.at(k); i >= 0 && !t.rows[i].dead {
		return len(t.same)*64 + i
	}
	return -1
}

// numbers returns how many numbers there may be.
func (t *table[T]) numbers() int { return len(t.same)*64 + len(t.rows) }

// put adds a row, or replaces the one with the same key.
func (t *table[T]) put(r row[T]) {
	k := r.object.Key()
	i := t.following(k)
	if i >= 0 && t.bit(i) {
		t.flip(i)
	}
	if t.beside(k, i) != nil {
		t.unshare()
		*t.own(k) = r
		return
	}
	t.insert(k, i, r)
}

// add adds a row, unless there is one with the same key, which it returns.
func (t *table[T]) add(r row[T]) (there row[T], ok bool) {
	k := r.object.Key()
	i := t.following(k)
	if i >= 0 && t.bit(i) {
		return t.raised(i), true
	}
	if old := t.beside(k, i); old != nil {
		return *old, true
	}
	t.insert(k, i, r)
	return row[T]{}, false
}

// insert adds a row with a key that no row has; beneath is what the method says of it.
func (t *table[T]) insert(k Key, beneath int, r row[T]) {
	if beneath >= 0 && r == t.raised(beneath) {
		t.flip(beneath)
		return
	}
	if beneath >= 0 {
		t.strays++
	}
	t.grow(1)
	s := t.slot(k)
	if n := t.slots[s]; n != 0 { // a dead one
		t.unshare()
		t.rows[n-1] = r
		t.dead--
		return
	}
	t.rows = append(t.rows, r)
	t.slots[s] = int32(len(t.rows))
}

// unshare comes before a row is overwritten that another table may lie over.
func (t *table[T]) unshare() {
	if t.shared {
		t.rows, t.slots, t.shared = slices.Clone(t.rows), slices.Clone(t.slots), false
	}
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

// reserve makes room for n more rows.
func (t *table[T]) reserve(n int) {
	if n > 0 {
		t.rows = slices.Grow(t.rows, n)
		t.grow(n)
	}
}

// over lays the empty table over another one.
func (t *table[T]) over(base *table[T]) {
	base.shared = true
	as := *base
	t.base, t.same = &as, make([]uint64, (len(as.rows)+63)/64)
}

func (t *table[T]) remove(k Key) {
	if i := t.beneath(k); i >= 0 && t.bit(i) {
		t.flip(i)
		return
	}
	if r := t.own(k); r != nil {
		r.dead = true
		t.dead++
	}
}

func (t *table[T]) len() int { return t.both + len(t.rows) - t.dead }

func (t *table[T]) clone() table[T] {
	c := *t
	c.rows, c.slots, c.shared = slices.Clone(t.rows), slices.Clone(t.slots), false
	c.same = slices.Clone(t.same)
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

// each calls f with every row until that returns false, which it returns, too. The row is
// f's until it returns.
func (t *table[T]) each(f func(*row[T]) bool) bool {
	var room row[T]
	for i := range t.same {
		for w := t.same[i]; w != 0; w &= w - 1 {
			if room = t.raised(i*64 + bits.TrailingZeros64(w)); !f(&room) {
				return false
			}
		}
	}
	for i := range t.rows {
		if r := &t.rows[i]; !r.dead && !f(r) {
			return false
		}
	}
	return true
}

// rowsOf yields the objects as they were put in or wanted, whose keys, links and sources
// are those that each tells: what differs is only what was left open.
func (t *table[T]) rowsOf() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range t.same {
			for w := t.same[i]; w != 0; w &= w - 1 {
				if !yield(&t.base.rows[i*64+bits.TrailingZeros64(w)].object) {
					return
				}
			}
		}
		for i := range t.rows {
			if r := &t.rows[i]; !r.dead && !yield(&r.object) {
				return
			}
		}
	}
}

func (t *table[T]) keys(l []Key) []Key {
	t.each(func(r *row[T]) bool {
		l = append(l, r.object.Key())
		return true
	})
	return l
}
