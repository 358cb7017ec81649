package model

import (
	"iter"
	"maps"
	"slices"
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
// It is not safe for concurrent change.
type State struct {
	entries map[Key]Entry
}

// NewState returns an empty state with room for n entries, which then costs no growing.
func NewState(n int) *State { return &State{entries: make(map[Key]Entry, n)} }

// Put adds or replaces the entry with the key of its object.
func (s *State) Put(e Entry) {
	if s.entries == nil {
		s.entries = make(map[Key]Entry)
	}
	s.entries[e.Object.Key()] = e
}

// Get returns the entry with the key.
func (s *State) Get(k Key) (Entry, bool) {
	e, ok := s.entries[k]
	return e, ok
}

// Remove takes the entry with the key out, if there is one.
func (s *State) Remove(k Key) { delete(s.entries, k) }

// Len returns the number of entries.
func (s *State) Len() int { return len(s.entries) }

// Keys returns the keys in order.
func (s *State) Keys() []Key {
	keys := make([]Key, 0, len(s.entries))
	for k := range s.entries {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, Key.Compare)
	return keys
}

// All yields the entries in the order of their keys.
func (s *State) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, k := range s.Keys() {
			if !yield(s.entries[k]) {
				return
			}
		}
	}
}

// Unordered yields the entries in any order, which costs no sorting.
func (s *State) Unordered() iter.Seq[Entry] { return maps.Values(s.entries) }

// Clone returns a copy that can be changed independently.
func (s *State) Clone() *State {
	c := &State{entries: make(map[Key]Entry, len(s.entries))}
	for k, e := range s.entries {
		c.entries[k] = e
	}
	return c
}
