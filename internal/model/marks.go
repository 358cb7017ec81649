package model

// Marks are a set of keys, mostly of objects that a state has, which must not change as long
// as the set is used. Of the kinds of which there are many, an object takes a bit.
type Marks struct {
	state *State
	rows  [3][]uint64  // bits, by the numbers of rows of routes, neighbours and FDB entries
	other map[Key]bool // the other kinds, and what the state does not have
	n     int
}

// Marks returns the empty set.
func (s *State) Marks() *Marks { return &Marks{state: s, other: map[Key]bool{}} }

// Len returns how many keys there are.
func (m *Marks) Len() int { return m.n }

// Has says whether the key is among them.
func (m *Marks) Has(k Key) bool {
	if m.n == 0 {
		return false
	}
	if table, i := m.place(k); i >= 0 {
		l := m.rows[table]
		return l != nil && l[i/64]&(1<<(i%64)) != 0
	}
	return m.other[k]
}

// Set puts a key in, or takes it out.
func (m *Marks) Set(k Key, in bool) {
	if m.Has(k) == in {
		return
	}
	if in {
		m.n++
	} else {
		m.n--
	}
	table, i := m.place(k)
	switch {
	case i >= 0:
		if m.rows[table] == nil {
			m.rows[table] = make([]uint64, (m.room(table)+63)/64)
		}
		m.rows[table][i/64] ^= 1 << (i % 64)
	case in:
		m.other[k] = true
	default:
		delete(m.other, k)
	}
}

// place returns the table that has an object with the key and the number of its row, -1 for
// none.
func (m *Marks) place(k Key) (table, row int) {
	switch k.Kind {
	case KindRoute:
		return 0, m.state.routes.number(k)
	case KindNeighbour:
		return 1, m.state.neighbours.number(k)
	case KindFDB:
		return 2, m.state.fdb.number(k)
	}
	return 0, -1
}

// room returns how many rows a table has numbers for.
func (m *Marks) room(table int) int {
	return [...]int{m.state.routes.numbers(), m.state.neighbours.numbers(), m.state.fdb.numbers()}[table]
}
