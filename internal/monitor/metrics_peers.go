package monitor

import (
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// peerMetrics are there where peers are probed. What is told of each peer is little:
// thousands of hosts that have thousands of peers make millions of series.
func peerMetrics() []*metric {
	return []*metric{
		gauge("peers", "Addresses of peers that are probed, by whether they answer.", func(s *status.Status, put put) {
			n := map[status.Reach]int{}
			for _, p := range s.Peers {
				n[p.State]++
			}
			for _, x := range []status.Reach{status.Up, status.Down, status.Unknown} {
				put(float64(n[x]), string(x))
			}
		}, "state"),
		perPeer("peer_up", "Whether a peer's address answers (1) or not (0). It is not there as long as that is unknown.", func(p *status.Peer) (float64, bool) {
			return truth(p.State == status.Up), p.State != status.Unknown
		}),
		perPeer("peer_rtt_seconds", "The round-trip time of a peer's last answer.", func(p *status.Peer) (float64, bool) {
			return p.RTT.Seconds(), p.RTT > 0
		}),
		perPeer("peer_loss_ratio", "How many of the last probes of a peer were not answered, 0 to 1.", func(p *status.Peer) (float64, bool) {
			return p.Loss, p.Sent > 0
		}),
		counter("probes_total", "Probes sent to peers.", func(s *status.Status, put put) { put(float64(s.Probes.Sent)) }),
		counter("probes_lost_total", "Probes that no peer has answered in time.", func(s *status.Status, put put) { put(float64(s.Probes.Lost)) }),
		histogram("probe_duration_seconds", "Round-trip times of all probes.", func(s *status.Status) map[string]*status.Histogram {
			return map[string]*status.Histogram{"": s.Probes.Seconds}
		}),
	}
}

// perPeer is a gauge of each peer that has the value.
func perPeer(name, help string, value func(*status.Peer) (float64, bool)) *metric {
	return gauge(name, help, func(s *status.Status, put put) {
		for i := range s.Peers {
			p := &s.Peers[i]
			if v, has := value(p); has {
				put(v, p.Node, p.Namespace, p.Address)
			}
		}
	}, "peer", "namespace", "address")
}
