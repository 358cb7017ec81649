package model

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
	if mine == observed.countMine() {
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

func compareRows[T Object](c *Comparison, mine *int, desired, observed *table[T], allows func(want, got *T) bool) {
	for i := range desired.rows {
		want := &desired.rows[i]
		if want.dead {
			continue
		}
		k := want.object.Key()
		got := observed.find(k)
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

func orphanRows[T Object](c *Comparison, observed, desired *table[T]) {
	for i := range observed.rows {
		r := &observed.rows[i]
		if r.dead || !r.Owner.Mine() {
			continue
		}
		if k := r.object.Key(); desired.find(k) == nil {
			c.Unlike = append(c.Unlike, k)
		}
	}
}

// Unlike returns the keys, in any order, of the entries that two states don't have alike.
func Unlike(a, b *State) []Key {
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
	l = unlikeRows(l, &a.routes, &b.routes, func(x, y *Route) bool { return *x == *y })
	l = unlikeRows(l, &a.neighbours, &b.neighbours, func(x, y *Neighbour) bool { return *x == *y })
	return unlikeRows(l, &a.fdb, &b.fdb, func(x, y *FDBEntry) bool { return *x == *y })
}

func unlikeRows[T Object](l []Key, a, b *table[T], same func(x, y *T) bool) []Key {
	both := 0
	for i := range a.rows {
		r := &a.rows[i]
		if r.dead {
			continue
		}
		k := r.object.Key()
		o := b.find(k)
		if o != nil {
			both++
		}
		if o == nil || o.Standing != r.Standing || !same(&o.object, &r.object) || !o.notes.same(r.notes) {
			l = append(l, k)
		}
	}
	if both == b.len() {
		return l
	}
	for i := range b.rows {
		if r := &b.rows[i]; !r.dead {
			if k := r.object.Key(); a.find(k) == nil {
				l = append(l, k)
			}
		}
	}
	return l
}

func (n *notes) same(o *notes) bool {
	return n == o || n != nil && o != nil && *n == *o
}

// countMine returns how many of the objects are ours.
func (s *State) countMine() int {
	n := 0
	for _, e := range s.entries {
		if e.Owner.Mine() {
			n++
		}
	}
	return n + mineIn(&s.routes) + mineIn(&s.neighbours) + mineIn(&s.fdb)
}

func mineIn[T Object](t *table[T]) int {
	n := 0
	for i := range t.rows {
		if r := &t.rows[i]; !r.dead && r.Owner.Mine() {
			n++
		}
	}
	return n
}
