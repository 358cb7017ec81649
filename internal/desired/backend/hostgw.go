package backend

import (
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// hostGW makes each peer the gateway to its own subnets: no device, no overhead,
// but all nodes must be on one link.
func hostGW() Backend {
	return Backend{
		Overhead:    func(int) uint32 { return 0 },
		Device:      func(*spec.Node) string { return "" },
		Family:      firstFamily,
		NeedsDirect: true,
		Expand: func(in *Input) {
			for p := range in.peers {
				for _, family := range families() {
					in.hostGWPeer(p, family)
				}
			}
		},
	}
}

// firstFamily is IPv4 where the node has it.
func firstFamily(_ *spec.Topology, n *spec.Node) int {
	if n.Address(4).IsValid() {
		return 4
	}
	return 6
}

func (in *Input) hostGWPeer(p *spec.Node, family int) {
	if !p.HasSubnets(family) || in.direct(p, family) {
		return
	}
	gateway, d := in.directness(p, family)
	if !gateway.IsValid() || !in.Node.Address(family).IsValid() {
		in.Warn(p.Pos, "peer %s: its IPv%d subnets cannot be reached: %s", p.Name, family, d.Reason)
		return
	}
	in.Fail(p.Pos, "host-gw cannot reach peer %s: %s is not on the link of %s: %s; use the backend vxlan or ipip (with directRouting: true for the peers that are on the link)",
		p.Name, gateway, in.Facts.Underlay[family].Device, d.Reason)
}
