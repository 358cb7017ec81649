package spec

import (
	"cmp"
	"net/netip"
)

// slabSize is how many things are allocated at once.
const slabSize = 256

// slab allocates short lists of which there are thousands.
type slab[T any] struct {
	all  []T // the present one
	used int // of it
	size int // of the next ones; 0: slabSize
}

// list returns an empty list with room for n.
func (s *slab[T]) list(n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(s.all)-s.used {
		if n > slabSize/4 {
			return make([]T, 0, n)
		}
		s.all, s.used = make([]T, max(n, cmp.Or(s.size, slabSize))), 0
	}
	s.used += n
	return s.all[s.used-n : s.used-n : s.used]
}

// giveBack takes back the lists that were made since the slab was as it says: nobody has
// them any more.
func (s *slab[T]) giveBack(since slab[T]) {
	if len(since.all) > 0 && len(s.all) > 0 && &since.all[0] == &s.all[0] {
		s.used = since.used
	} else {
		s.used = 0 // all of this one was made since
	}
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

// giveBack is that of each.
func (s *slabs) giveBack(since *slabs) {
	s.hosts.giveBack(since.hosts)
	s.prefixes.giveBack(since.prefixes)
	s.bridges.giveBack(since.bridges)
	s.namespaces.giveBack(since.namespaces)
	s.interfaces.giveBack(since.interfaces)
	s.routes.giveBack(since.routes)
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
