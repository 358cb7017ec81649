package model

import (
	"net/netip"
	"time"
)

// Matrix is who reaches whom: the outcome of probing.
type Matrix struct {
	Pairs []Pair `json:"pairs"` // by source, then by destination
}

// Place is a namespace of a node.
type Place struct {
	Node  string `json:"node"`
	Netns string `json:"namespace"`
}

// String returns "node/namespace".
func (p Place) String() string { return p.Node + "/" + p.Netns }

// Pair is the outcome of probing one address from one namespace.
type Pair struct {
	From Place         `json:"from"`
	To   Place         `json:"to"`
	Dst  netip.Addr    `json:"address"`
	OK   bool          `json:"ok"`
	RTT  time.Duration `json:"rtt_ns"`          // 0 where there was no answer
	MTU  int           `json:"path_mtu"`        // the largest IP packet that passed, in bytes; 0 where not known
	Err  string        `json:"error,omitempty"` // why there was no answer
}

// Failed returns the pairs without an answer.
func (m *Matrix) Failed() []Pair {
	var l []Pair
	for _, p := range m.Pairs {
		if !p.OK {
			l = append(l, p)
		}
	}
	return l
}

// Reached returns the pairs with an answer.
func (m *Matrix) Reached() []Pair {
	var l []Pair
	for _, p := range m.Pairs {
		if p.OK {
			l = append(l, p)
		}
	}
	return l
}
