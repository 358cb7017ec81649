package model

// Falling says which links go down with which. The zero value knows none.
type Falling struct{ with map[Key][]Key }

// Note takes a link down.
func (f *Falling) Note(l Link) {
	if f.with == nil {
		f.with = map[Key][]Key{}
	}
	k := l.Key()
	for _, n := range l.Needs() {
		if n.Key.Kind == KindLink && !n.Order {
			f.with[n.Key] = append(f.with[n.Key], k)
		}
	}
	if end, ok := l.Peer.Get(); ok {
		other := LinkKey(end.Netns, end.Name)
		f.with[other] = append(f.with[other], k)
	}
}

// Add adds to some links those that go down with one of them.
func (f *Falling) Add(links map[Key]bool) {
	todo := make([]Key, 0, len(links))
	for k := range links {
		todo = append(todo, k)
	}
	for len(todo) > 0 {
		k := todo[0]
		todo = todo[1:]
		for _, other := range f.with[k] {
			if !links[other] {
				links[other] = true
				todo = append(todo, other)
			}
		}
	}
}
