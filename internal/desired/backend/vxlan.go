package backend

import (
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// vxlan wraps Ethernet frames in UDP (RFC 7348). Nothing is learnt or asked on the
// wire: each host computes the MAC and address of every peer's VTEP.
func vxlan() Backend {
	return Backend{
		Overhead: vxlanOverhead,
		Device:   func(n *spec.Node) string { return n.Overlay.Device },
		Family:   func(t *spec.Topology, _ *spec.Node) int { return t.Backend.Family },
		Clamped:  true,
		Expand: func(in *Input) {
			in.vtep()
			for p := range in.peers {
				in.vxlanPeer(p)
			}
		},
	}
}

// vxlanOverhead is the outer IP header, UDP, VXLAN and the inner Ethernet header.
func vxlanOverhead(family int) uint32 {
	if family == 6 {
		return 40 + 8 + 8 + 14
	}
	return 20 + 8 + 8 + 14
}

// vtep emits the node's own end.
func (in *Input) vtep() {
	b, o := in.Topology.Backend, in.Node.Overlay
	l := in.link(o.Device, model.TypeVXLAN)
	l.MAC = model.Some(o.MAC)
	l.VXLAN = model.VXLAN{
		VNI: model.Some(b.VNI), Port: model.Some(b.Port), Learning: model.Some(false),
		Local: model.Some(in.Node.Address(b.Family)), Dev: model.Some(in.Facts.Underlay[b.Family].Device),
	}
	in.Emit(l, overlayIntent(o.Device), o.Pos)
	for _, a := range o.Addresses {
		in.Emit(in.address(o.Device, a), overlayIntent(o.Device), o.Pos)
	}
}

// vxlanPeer emits what leads to a peer: its VTEP's MAC, where that is, and the
// routes to its subnets through it.
func (in *Input) vxlanPeer(p *spec.Node) {
	through := false
	device := in.Node.Overlay.Device
	for _, family := range families() {
		if !p.HasSubnets(family) || in.directRouting(p, family) {
			continue
		}
		through = true
		gateway := p.Overlay.Address(family).Addr()
		in.EmitNeighbour(model.Neighbour{
			Link: device, IP: gateway, MAC: model.Some(p.Overlay.MAC),
			State: model.Some(model.NeighbourPermanent), Protocol: model.Some(model.MarkProtocol),
		}, p)
		for s := range p.Subnets(family) {
			r := Route("", s, gateway, device)
			r.OnLink = model.Some(true)
			in.EmitRoute(r, p)
		}
	}
	if through {
		in.EmitFDB(model.FDBEntry{
			Link: device, MAC: p.Overlay.MAC, Dst: model.Some(p.Address(in.Topology.Backend.Family)),
			State: model.Some(model.FDBPermanent),
		}, p)
	}
}
