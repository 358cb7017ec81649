package model

// Words are what an entry says in words, once for all objects of which the same is said.
// The zero value says nothing.
type Words struct{ notes *notes }

// MakeWords returns Words for n things, whose sources and intents of returns. They lie in
// one piece.
func MakeWords(n int, of func(i int) (source, intent string)) []Words {
	l, all := make([]Words, n), make([]notes, n)
	for i := range l {
		all[i].source, all[i].intent = of(i)
		l[i].notes = &all[i]
	}
	return l
}

// AddRouteOf is AddRoute, with the words that others have, too.
func (s *State) AddRouteOf(w Words, r Route, free bool) (there Entry, ok bool) {
	return added(&s.routes, row[Route]{object: r, notes: w.notes, Standing: Standing{Free: free}})
}

// AddNeighbourOf adds a neighbour, unless there is one with the key, which it returns.
func (s *State) AddNeighbourOf(w Words, n Neighbour) (there Entry, ok bool) {
	return added(&s.neighbours, row[Neighbour]{object: n, notes: w.notes})
}

// AddFDBOf adds an FDB entry, unless there is one with the key, which it returns.
func (s *State) AddFDBOf(w Words, f FDBEntry) (there Entry, ok bool) {
	return added(&s.fdb, row[FDBEntry]{object: f, notes: w.notes})
}
