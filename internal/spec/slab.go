package spec

import (
	"cmp"
	"net/netip"
)

// slabSize is how many things are allocated at once.
const slabSize = 256

// slab allocates short lists of which there are thousands.
type slab[T any] struct {
	free []T
	size int // of the next ones; 0: slabSize
}

// list returns an empty list with room for n.
func (s *slab[T]) list(n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		if n > slabSize/4 {
			return make([]T, 0, n)
		}
		s.free = make([]T, max(n, cmp.Or(s.size, slabSize)))
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

// slabsFor returns those for so many nodes, of a size that leaves little over where each has
// one of everything.
func slabsFor(nodes int) slabs {
	count := (nodes + slabSize - 1) / slabSize
	size := (nodes + count - 1) / count
	return slabs{
		slab[netip.Addr]{size: size}, slab[netip.Prefix]{size: size}, slab[Bridge]{size: size},
		slab[Namespace]{size: size}, slab[Interface]{size: size}, slab[Route]{size: size},
	}
}

// addresses lists the prefixes that stand in the file.
func (s *slabs) addresses(raw []value[netip.Prefix]) []netip.Prefix {
	l := s.prefixes.list(len(raw))
	for _, a := range raw {
		l = append(l, a.v)
	}
	return l
}
