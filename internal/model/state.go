package model

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
)

// Entry is an object of a state, with what is known about it beside the object.
type Entry struct {
	Object Object

	// Of a desired object.
	Source string // where it was declared, "topology.yaml:12"
	Intent string // what it is part of, "peer vm2": objects of one intent are shown together
	Ref    bool   // a foreign object that must exist and is never touched, such as the underlay
	Free   bool   // a route that may as well have the other one of Key.Plain and Key.Spread

	// Of an observed object.
	Owner Owner
	Maker string // who seems to have made a foreign object, "another topology classic/vm2", "proto bird"; "" if unknown
}

// State is a set of objects by key. The zero value is empty and ready to use.
// It is not safe for concurrent change, but that its routes, its neighbours, its FDB entries
// and all else may be changed by a goroutine each.
//
// What leads packets to peers is kept in tables of its kind: there are three such
// objects a peer, and most of the time nobody looks at them one by one.
type State struct {
	entries    map[Key]Entry // of the other kinds
	routes     table[Route]
	neighbours table[Neighbour]
	fdb        table[FDBEntry]
	last       atomic.Pointer[notes] // of the last entry that had any
}

// Reserve makes room for so many more objects of the kinds that lead to peers, which
// then costs no growing.
func (s *State) Reserve(routes, neighbours, fdb int) {
	s.routes.reserve(routes)
	s.neighbours.reserve(neighbours)
	s.fdb.reserve(fdb)
}

// Over lets an empty state, of what was observed, need little room for what is as desired.
func (s *State) Over(desired *State) {
	s.routes.over(&desired.routes)
	s.neighbours.over(&desired.neighbours)
	s.fdb.over(&desired.fdb)
}

// ReserveFrame is Reserve for objects that Frame yields.
func (s *State) ReserveFrame(n int) {
	entries := make(map[Key]Entry, len(s.entries)+n)
	maps.Copy(entries, s.entries)
	s.entries = entries
}

// ReserveAs makes as much room as another state has taken.
func (s *State) ReserveAs(o *State) {
	s.Reserve(o.routes.len(), o.neighbours.len(), o.fdb.len())
}

// Put adds or replaces the entry with the key of its object.
func (s *State) Put(e Entry) {
	switch o := e.Object.(type) {
	case Route:
		s.routes.put(rowOf(s, o, e))
	case Neighbour:
		s.neighbours.put(rowOf(s, o, e))
	case FDBEntry:
		s.fdb.put(rowOf(s, o, e))
	default:
		if s.entries == nil {
			s.entries = make(map[Key]Entry)
		}
		s.entries[e.Object.Key()] = e
	}
}

// PutRoute is Put without making an Object of the route; e has none.
func (s *State) PutRoute(r Route, e Entry) { s.routes.put(rowOf(s, r, e)) }

// PutNeighbour is Put without making an Object of the neighbour; e has none.
func (s *State) PutNeighbour(n Neighbour, e Entry) { s.neighbours.put(rowOf(s, n, e)) }

// PutFDB is Put without making an Object of the FDB entry; e has none.
func (s *State) PutFDB(f FDBEntry, e Entry) { s.fdb.put(rowOf(s, f, e)) }

// AddRoute is PutRoute, unless there is a route with the key, which it returns.
func (s *State) AddRoute(r Route, e Entry) (there Entry, ok bool) {
	if s.nextWanted(&r, &e) {
		return Entry{}, false
	}
	return added(&s.routes, rowOf(s, r, e))
}

// nextWanted notes that a route of ours is there, if it is the one that is wanted after the
// last that was, and just as wanted: thousands of them come one after the other.
func (s *State) nextWanted(r *Route, e *Entry) bool {
	t := &s.routes
	i := t.next
	if t.base == nil || i >= len(t.base.rows) || t.strays > 0 || t.bit(i) {
		return false
	}
	plain := e.Owner == OwnerOurs && !e.Ref && !e.Free && e.Maker == "" && e.Source == "" && e.Intent == ""
	if !plain || !t.base.rows[i].object.settlesAs(r) {
		return false
	}
	t.flip(i)
	t.next++
	return true
}

func added[T bulk[T]](t *table[T], r row[T]) (there Entry, ok bool) {
	old, ok := t.add(r)
	if !ok {
		return Entry{}, false
	}
	return old.entry(), true
}

func rowOf[T bulk[T]](s *State, o T, e Entry) row[T] {
	return row[T]{object: o, notes: s.notesOf(e), Standing: Standing{e.Owner, e.Ref, e.Free}}
}

// notesOf returns what the entry says in words, nil for nothing. Entries that say the
// same come one after the other mostly, and share it.
func (s *State) notesOf(e Entry) *notes {
	n := notes{source: e.Source, intent: e.Intent, maker: e.Maker}
	if n == (notes{}) {
		return nil
	}
	last := s.last.Load()
	if last == nil || *last != n {
		last = &notes{source: e.Source, intent: e.Intent, maker: e.Maker}
		s.last.Store(last)
	}
	return last
}

// Get returns the entry with the key.
func (s *State) Get(k Key) (Entry, bool) {
	switch k.Kind {
	case KindRoute:
		return found(&s.routes, k)
	case KindNeighbour:
		return found(&s.neighbours, k)
	case KindFDB:
		return found(&s.fdb, k)
	}
	e, ok := s.entries[k]
	return e, ok
}

func found[T bulk[T]](t *table[T], k Key) (Entry, bool) {
	var room row[T]
	r := t.find(k, &room)
	if r == nil {
		return Entry{}, false
	}
	return r.entry(), true
}

// Has says whether there is an entry with the key.
func (s *State) Has(k Key) bool {
	switch k.Kind {
	case KindRoute:
		return s.routes.has(k)
	case KindNeighbour:
		return s.neighbours.has(k)
	case KindFDB:
		return s.fdb.has(k)
	}
	_, ok := s.entries[k]
	return ok
}

// Remove takes the entry with the key out, if there is one.
func (s *State) Remove(k Key) {
	switch k.Kind {
	case KindRoute:
		s.routes.remove(k)
	case KindNeighbour:
		s.neighbours.remove(k)
	case KindFDB:
		s.fdb.remove(k)
	default:
		delete(s.entries, k)
	}
}

// Len returns the number of entries.
func (s *State) Len() int {
	return len(s.entries) + s.routes.len() + s.neighbours.len() + s.fdb.len()
}

// Makeable returns how many objects of a desired state are ours to make: not those that it
// only refers to.
func (s *State) Makeable() int {
	n := s.Len()
	for e := range s.Frame() {
		if e.Ref {
			n--
		}
	}
	return n
}

// Keys returns the keys in order.
func (s *State) Keys() []Key {
	keys := make([]Key, 0, s.Len())
	for k := range s.entries {
		keys = append(keys, k)
	}
	keys = s.routes.keys(keys)
	keys = s.neighbours.keys(keys)
	keys = s.fdb.keys(keys)
	slices.SortFunc(keys, Key.Compare)
	return keys
}

// All yields the entries in the order of their keys.
func (s *State) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, k := range s.Keys() {
			if e, _ := s.Get(k); !yield(e) {
				return
			}
		}
	}
}

// Unordered yields the entries in any order, which costs no sorting.
func (s *State) Unordered() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for e := range s.Frame() {
			if !yield(e) {
				return
			}
		}
		_ = s.routes.each(func(r *row[Route]) bool { return yield(r.entry()) }) &&
			s.neighbours.each(func(r *row[Neighbour]) bool { return yield(r.entry()) }) &&
			s.fdb.each(func(r *row[FDBEntry]) bool { return yield(r.entry()) })
	}
}

// Frame yields, in any order, the entries of all kinds but those that lead packets to
// peers: routes, neighbours and FDB entries are many, and each to be made an Object.
func (s *State) Frame() iter.Seq[Entry] { return maps.Values(s.entries) }

// Routes yields the routes in any order, and what is known about them. They must not be
// changed.
func (s *State) Routes() iter.Seq2[*Route, Standing] {
	return func(yield func(*Route, Standing) bool) {
		s.routes.each(func(r *row[Route]) bool { return yield(&r.object, r.Standing) })
	}
}

// TakeFrame puts what Frame yields of another state in the place of its own.
func (s *State) TakeFrame(from *State) { s.entries = from.entries }

// Leading calls f with each of what leads packets, in any order: the link that it is on, or
// each of them, "" for none, and the source address that a route prefers. It returns the keys of those
// for which f says so, of all of which it makes nothing.
func (s *State) Leading(f func(netns, link string, src netip.Addr) bool) []Key {
	var l []Key
	for k := range s.routes.rowsOf() {
		if k.OutOf(func(link string) bool { return f(k.Netns, link, k.Src.Value()) }) {
			l = append(l, k.Key())
		}
	}
	for k := range s.neighbours.rowsOf() {
		if f(k.Netns, k.Link, netip.Addr{}) {
			l = append(l, k.Key())
		}
	}
	for k := range s.fdb.rowsOf() {
		if f(k.Netns, k.Link, netip.Addr{}) {
			l = append(l, k.Key())
		}
	}
	return l
}

// LeadingOn yields, in any order, the routes, neighbours and FDB entries on a link.
func (s *State) LeadingOn(link Key) iter.Seq[Entry] {
	return s.LeadingWhere(func(netns, name string) bool { return netns == link.Netns && name == link.Name })
}

// LeadingWhere yields, in any order, the routes, neighbours and FDB entries on those links,
// "" for none, for which on says so. It makes nothing of the others.
func (s *State) LeadingWhere(on func(netns, link string) bool) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		_ = s.routes.each(func(r *row[Route]) bool {
			o := &r.object
			return !o.OutOf(func(link string) bool { return on(o.Netns, link) }) || yield(r.entry())
		}) && s.neighbours.each(func(r *row[Neighbour]) bool {
			return !on(r.object.Netns, r.object.Link) || yield(r.entry())
		}) && s.fdb.each(func(r *row[FDBEntry]) bool {
			return !on(r.object.Netns, r.object.Link) || yield(r.entry())
		})
	}
}

// Clone returns a copy that can be changed independently.
func (s *State) Clone() *State {
	return &State{
		entries: maps.Clone(s.entries),
		routes:  s.routes.clone(), neighbours: s.neighbours.clone(), fdb: s.fdb.clone(),
	}
}
