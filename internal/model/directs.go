package model

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
)

// Directs says of each of the peers' underlay addresses that were asked for what the kernel
// would do with a packet to it. That is the same for nearly all of the many thousand of a
// large fleet. The zero value has none.
type Directs struct {
	peers  []netip.Addr
	usual  Direct
	unlike map[netip.Addr]Direct // of those for which it is not the usual one
}

// DirectsOf returns what a map says.
func DirectsOf(m map[netip.Addr]Direct) Directs {
	return Directs{peers: slices.SortedFunc(maps.Keys(m), netip.Addr.Compare), unlike: m}
}

// DirectsBy returns what answers say, which are fewer than the peers: of gives, for each
// peer, the place of its own. What it is given, it keeps.
func DirectsBy(peers []netip.Addr, answers []Direct, of []int) Directs {
	if len(peers) == 0 {
		return Directs{}
	}
	count := make([]int, len(answers))
	for _, i := range of {
		count[i]++
	}
	most := slices.Index(count, slices.Max(count))
	d := Directs{peers: peers, usual: answers[most]}
	if count[most] == len(peers) {
		return d
	}
	d.unlike = make(map[netip.Addr]Direct, len(peers)-count[most])
	for p, i := range of {
		if answers[i] != d.usual {
			d.unlike[peers[p]] = answers[i]
		}
	}
	return d
}

// To returns what is said of a peer that was asked for.
func (d *Directs) To(peer netip.Addr) Direct {
	if len(d.unlike) > 0 {
		if x, ok := d.unlike[peer]; ok {
			return x
		}
	}
	return d.usual
}

// All yields all peers that were asked for.
func (d *Directs) All() iter.Seq2[netip.Addr, Direct] {
	return func(yield func(netip.Addr, Direct) bool) {
		for _, p := range d.peers {
			if !yield(p, d.To(p)) {
				return
			}
		}
	}
}

// None says that no peer was asked for.
func (d *Directs) None() bool { return len(d.peers) == 0 }

// Equal says whether both tell the same of the same peers.
func (d *Directs) Equal(o *Directs) bool {
	if d.usual == o.usual && maps.Equal(d.unlike, o.unlike) && slices.Equal(d.peers, o.peers) {
		return true
	}
	return len(d.peers) == len(o.peers) && maps.Equal(maps.Collect(d.All()), maps.Collect(o.All()))
}
