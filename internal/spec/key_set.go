package spec

// keySet links the keys of a map, and finds those that it has already. Where each is
// greater than the one before, as mostly in a large map, that takes no more than to
// compare the two.
type keySet struct {
	tree      *tree
	of        uint32 // the map
	last      uint32
	count     int
	unordered bool
	index     map[string]uint32
}

// first returns the key of that text, 0 for none.
func (s *keySet) first(text string) uint32 {
	if s.last == 0 || !s.unordered && s.text(s.last) < text {
		return 0
	}
	s.unordered = true
	if s.index == nil && s.count > fewKeys {
		s.index = make(map[string]uint32, 2*s.count)
		for k := s.tree.at(s.of).in; k != 0; k = s.tree.at(k).next {
			s.index[s.text(k)] = k
		}
	}
	if s.index != nil {
		return s.index[text]
	}
	for k := s.tree.at(s.of).in; k != 0; k = s.tree.at(k).next {
		if s.text(k) == text {
			return k
		}
	}
	return 0
}

func (s *keySet) text(k uint32) string { return node{s.tree, k}.text() }

// add puts a key behind the others.
func (s *keySet) add(k uint32) {
	s.tree.append(s.of, s.last, k)
	s.last = k
	s.count++
	if s.index != nil {
		s.index[s.text(k)] = k
	}
}
