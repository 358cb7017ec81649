package desired

import "fmt"

// minIPv6MTU is the least MTU of a link that carries IPv6 (RFC 8200, 5).
const minIPv6MTU = 1280

// mtus derives the MTU of the overlay device from the underlay's, so that a packet
// that fits into the overlay never has to be fragmented outside.
func (x *expander) mtus() {
	family := x.backend.Family(x.topology, x.node)
	u := x.facts.Underlay[family]
	x.underlayMTU = u.MTU
	reason := fmt.Sprintf("the MTU of %s", u.Device)
	if x.topology.MTU != 0 {
		x.underlayMTU = x.topology.MTU
		reason = "mtu of the topology"
		if x.topology.MTU > u.MTU && !x.facts.Assumed {
			x.warn(x.node.Pos, "mtu %d is more than the underlay device %s has (%d): full-sized packets will not pass", x.topology.MTU, u.Device, u.MTU)
		}
	}
	overhead := x.backend.Overhead(family)
	most := x.underlayMTU - min(x.underlayMTU, overhead)
	possible := u.MTU - min(u.MTU, overhead)
	x.overlayMTU = most
	if overhead > 0 {
		reason = fmt.Sprintf("%s, %d, less %d for %s over IPv%d", reason, x.underlayMTU, overhead, x.topology.Backend.Type, family)
	}
	if explicit := x.node.Overlay.MTU; explicit != 0 {
		x.explicitMTU(explicit, most, possible)
		return
	}
	if x.backend.Clamped && most > possible {
		x.overlayMTU = possible
		reason = fmt.Sprintf("%s; the kernel allows no more over %s, which has %d", reason, u.Device, u.MTU)
	}
	x.noteNode("overlay.mtu", number(x.overlayMTU), reason)
	x.needIPv6(x.overlayMTU)
}

// explicitMTU takes the file's word, within what the kernel allows: it would clamp
// a vxlan device's MTU in silence, and differ for ever.
func (x *expander) explicitMTU(explicit, most, possible uint32) {
	x.overlayMTU = explicit
	if explicit > most {
		x.warn(x.node.Overlay.Pos, "overlay.mtu %d is more than the underlay leaves room for (%d)", explicit, most)
	}
	if x.backend.Clamped && explicit > possible {
		x.overlayMTU = possible
		x.noteNode("overlay.mtu", number(possible), fmt.Sprintf("%d was asked for; the kernel allows a %s device no more", explicit, x.topology.Backend.Type))
	}
	x.needIPv6(x.overlayMTU)
}

func (x *expander) needIPv6(mtu uint32) {
	if x.node.HasSubnets(6) && mtu < minIPv6MTU {
		x.fail(x.node.Pos, "an overlay MTU of %d leaves no room for IPv6, which needs %d; give the underlay a larger MTU or take the IPv6 addresses off the overlay", mtu, minIPv6MTU)
	}
}
