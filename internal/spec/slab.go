package spec

import "net/netip"

// slabSize is how many things are allocated at once.
const slabSize = 256

// slab allocates short lists of which there are thousands.
type slab[T any] struct{ free []T }

// list returns an empty list with room for n.
func (s *slab[T]) list(n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		if n > slabSize/4 {
			return make([]T, 0, n)
		}
		s.free = make([]T, slabSize)
	}
	l := s.free[:0:n]
	s.free = s.free[n:]
	return l
}

// slabs are where the parts of nodes come from.
type slabs struct {
	hosts      slab[netip.Addr]
	prefixes   slab[netip.Prefix]
	bridges    slab[Bridge]
	namespaces slab[Namespace]
	interfaces slab[Interface]
	routes     slab[Route]
}

// addresses lists the prefixes that stand in the file.
func (s *slabs) addresses(raw []value[netip.Prefix]) []netip.Prefix {
	l := s.prefixes.list(len(raw))
	for _, a := range raw {
		l = append(l, a.v)
	}
	return l
}
