package model

import (
	"net/netip"
	"slices"
	"time"
)

// Trial is what came of a change that was tried under traffic: of each part of the
// change, and of each pair of namespaces.
type Trial struct {
	Every time.Duration // between two packets of a pair
	Parts []Part        // in the order in which they were made
	Pairs []Stream      // that the topology has before and after
	After []Pair        // all of the new topology, in the end
	Left  int           // pairs that only the old topology has

	// Dropped is how many packets the machine itself had no room for meanwhile, whosesoever:
	// where there are any, lost packets may be of these.
	Dropped uint32
}

// Part is what was done to one node at a time.
type Part struct {
	Node      string
	Phase     string // of a change in phases; "": the whole change
	Removed   bool   // the new topology doesn't have the node
	Announced Impact // by the plan
	Changes   int    // of the plan
	Begin     time.Time

	// What Judge finds out.
	Measured Impact
	Lost     int // packets
	Silent   int // pairs that lost any
}

// Worse says whether the part did more harm than its plan had announced.
func (p *Part) Worse() bool { return p.Measured > p.Announced }

// Stream is the packets of one pair.
type Stream struct {
	From, To Place
	Dst      netip.Addr
	Sent     []time.Time
	Answered []bool // of each packet

	// What Judge finds out.
	Lost    int
	Longest time.Duration // without an answer; counted from packet to packet
}

// Judge finds out what each part did. A row of lost packets belongs to the part that was
// begun last before the first of them: brief is what ends before the next part begins, or
// the trial; disruptive what doesn't. What is lost before the first part belongs to none,
// and is an error of the trial: it returns how many packets that were.
func (t *Trial) Judge() (before int) {
	for i := range t.Pairs {
		s := &t.Pairs[i]
		touched := map[int]bool{}
		for first := 0; first < len(s.Sent); first++ {
			if s.Answered[first] {
				continue
			}
			end := first
			for end < len(s.Sent) && !s.Answered[end] {
				end++
			}
			s.Lost += end - first
			s.Longest = max(s.Longest, s.length(first, end, t.Every))
			at := t.partAt(s.Sent[first])
			if at < 0 {
				before += end - first
			} else {
				p := &t.Parts[at]
				p.Lost += end - first
				p.Measured = max(p.Measured, t.harm(s, at, end))
				if !touched[at] {
					p.Silent++
				}
				touched[at] = true
			}
			first = end
		}
	}
	return before
}

// length is how long a pair was silent, from the packet first to the packet end, which
// was answered; the last one may not have been sent.
func (s *Stream) length(first, end int, every time.Duration) time.Duration {
	if end < len(s.Sent) {
		return s.Sent[end].Sub(s.Sent[first])
	}
	return s.Sent[end-1].Sub(s.Sent[first]) + every
}

// partAt returns the part that was begun last at a time; -1: none was.
func (t *Trial) partAt(at time.Time) int {
	i, _ := slices.BinarySearchFunc(t.Parts, at, func(p Part, at time.Time) int {
		if p.Begin.After(at) {
			return 1
		}
		return -1
	})
	return i - 1
}

// harm is what a row of lost packets says of the part in which it began; end is the
// first packet after it.
func (t *Trial) harm(s *Stream, at, end int) Impact {
	if end == len(s.Sent) || at+1 < len(t.Parts) && s.Sent[end].After(t.Parts[at+1].Begin) {
		return ImpactDisruptive
	}
	return ImpactBrief
}

// Worst returns the worst that was announced, and that was measured.
func (t *Trial) Worst() (announced, measured Impact) {
	for i := range t.Parts {
		announced = max(announced, t.Parts[i].Announced)
		measured = max(measured, t.Parts[i].Measured)
	}
	return announced, measured
}

// Totals counts packets.
func (t *Trial) Totals() (sent, lost int) {
	for i := range t.Pairs {
		sent += len(t.Pairs[i].Sent)
		lost += t.Pairs[i].Lost
	}
	return sent, lost
}

// Unreachable returns the pairs of the new topology without an answer in the end.
func (t *Trial) Unreachable() []Pair { return (&Matrix{Pairs: t.After}).Failed() }

// Fails says whether the trial went wrong: a part did more harm than announced, or than
// is allowed (open: any), or a pair is unreachable in the end.
func (t *Trial) Fails(most Opt[Impact]) bool {
	announced, measured := t.Worst()
	limit, set := most.Get()
	return slices.ContainsFunc(t.Parts, func(p Part) bool { return p.Worse() }) || len(t.Unreachable()) > 0 || set && max(announced, measured) > limit
}
