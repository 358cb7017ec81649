package spec

// firsts remembers who was the first with a key: of few without a map.
type firsts[K comparable, V any] struct {
	keys   []K
	values []V
	index  map[K]int
}

// fewKeys is how many keys are looked through one by one.
const fewKeys = 16

func (f *firsts[K, V]) clear() { f.keys, f.values, f.index = f.keys[:0], f.values[:0], nil }

func (f *firsts[K, V]) position(k K) (int, bool) {
	if f.index != nil {
		i, ok := f.index[k]
		return i, ok
	}
	for i := range f.keys {
		if f.keys[i] == k {
			return i, true
		}
	}
	return 0, false
}

// find returns the first with the key, if there is one.
func (f *firsts[K, V]) find(k K) (first V, there bool) {
	i, there := f.position(k)
	if there {
		first = f.values[i]
	}
	return first, there
}

// put takes another for the first with the key.
func (f *firsts[K, V]) put(k K, v V) {
	if i, there := f.position(k); there {
		f.values[i] = v
		return
	}
	f.keys, f.values = append(f.keys, k), append(f.values, v)
	switch {
	case f.index != nil:
		f.index[k] = len(f.keys) - 1
	case len(f.keys) == fewKeys:
		f.index = make(map[K]int, 2*fewKeys)
		for i, k := range f.keys {
			f.index[k] = i
		}
	}
}
