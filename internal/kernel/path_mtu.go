package kernel

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"
)

// PathMTUs finds, for each destination, the largest IP packet of at most the given
// size, in bytes, that gets there from inside a namespace without being fragmented,
// and is answered; 0 where none is. Mostly that is the largest, which costs a round
// trip; where it isn't, a few rounds narrow down where packets stop passing, for
// all destinations at once. What isn't answered is sent twice, each time waiting for
// the timeout. It needs CAP_NET_RAW.
func (h *Host) PathMTUs(ctx context.Context, netns string, dsts []netip.Addr, most int, timeout time.Duration) ([]int, error) {
	searches := make([]*mtuSearch, len(dsts))
	for i, d := range dsts {
		searches[i] = &mtuSearch{dst: d, fails: most + 1}
	}
	for fan := 1; ; fan = 16 {
		var probes []Probe
		var asking []*mtuSearch // of each probe
		for _, s := range searches {
			sizes := s.sizes(fan)
			probes = append(probes, sizes...)
			asking = append(asking, slices.Repeat([]*mtuSearch{s}, len(sizes))...)
		}
		if len(probes) == 0 {
			break
		}
		replies, err := h.Ping(ctx, netns, probes, 2, timeout)
		if err != nil {
			return nil, err
		}
		for i, r := range replies {
			asking[i].learn(probes[i].Size, r.Err)
		}
	}
	var l []int
	for _, s := range searches {
		l = append(l, s.passes)
	}
	return l, nil
}

// mtuSearch is what is known of the way to a destination: the answer is at least
// passes, and less than fails.
type mtuSearch struct {
	dst           netip.Addr
	passes, fails int
}

// sizes returns the probes to be sent next, from large to small: n of them, or as
// many as are left; none when the answer is known.
func (s *mtuSearch) sizes(n int) []Probe {
	least := ipv4Header + icmpHeader
	if s.dst.Is6() {
		least = ipv6Header + icmpHeader
	}
	low := max(s.passes+1, least) // the first that might fail
	step := max(1, (s.fails-low+n-1)/n)
	var l []Probe
	for size := s.fails - 1; size >= low; size -= step {
		l = append(l, Probe{Dst: s.dst, Size: size})
	}
	return l
}

// learn takes in the outcome of a probe. A large one that passes outweighs a smaller
// one that was lost. Who refuses a packet mostly says what would do.
func (s *mtuSearch) learn(size int, err error) {
	if size <= s.passes {
		return
	}
	if err == nil {
		s.passes = size
		s.fails = max(s.fails, size+1)
		return
	}
	s.fails = min(s.fails, size)
	var told *icmpError
	if errors.As(err, &told) && told.mtu > s.passes {
		s.fails = min(s.fails, told.mtu+1)
	}
}
