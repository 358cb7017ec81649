package probe

import (
	"cmp"
	"math/bits"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// window is how many results the loss is counted of.
const window = 20

// peer is what is known of a target. It has a fixed size.
type peer struct {
	Target
	turn uint64 // its place in the round, drawn by lot
	gone bool   // it is no target any more

	number  uint64 // the token of the last probe
	sent    time.Time
	waiting bool // for the answer to it

	state   status.Reach
	since   time.Time
	row     int // results in a row that speak against the state
	rtt     time.Duration
	probes  uint64
	lost    uint64
	history uint32 // the last results, the newest in bit 0; 1: lost
	err     error  // why the last probe could not be sent
}

// result takes what came of a probe, and says whether the state is another one now.
func (p *peer) result(answered bool, down, up int, now time.Time) bool {
	p.history = p.history << 1 & (1<<window - 1)
	p.probes++
	to, need := status.Up, up
	if !answered {
		to, need = status.Down, down
		p.history |= 1
		p.lost++
	}
	if p.state == to {
		p.row = 0
		return false
	}
	// From unknown, both sides count: an answer ends a row of losses.
	if p.state == status.Unknown && p.row != 0 && p.row < 0 == answered {
		p.row = 0
	}
	if answered {
		p.row++
	} else {
		p.row--
	}
	if max(p.row, -p.row) < need {
		return false
	}
	p.state, p.since, p.row = to, now, 0
	return true
}

func (p *peer) loss() float64 {
	n := min(p.probes, window)
	return float64(bits.OnesCount32(p.history)) / float64(max(n, 1))
}

func (p *peer) status() status.Peer {
	s := status.Peer{
		Node: p.Node, Address: p.Addr.String(), Namespace: p.Namespace, State: p.state, Since: p.since,
		RTT: p.rtt, Sent: p.probes, Lost: p.lost, Loss: p.loss(),
	}
	if p.err != nil {
		s.Error = p.err.Error()
	}
	return s
}

func byTurn(a, b *peer) int { return cmp.Compare(a.turn, b.turn) }
