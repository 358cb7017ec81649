package spec

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// checkRaw checks values one by one, and what depends on the backend.
func (d *decoder) checkRaw(t *rawTopology) {
	if t.name.given() {
		d.checkPlainName(t.name.at, "the topology's name", t.name.v)
	}
	d.checkBackend(t.backend)
	d.checkUnderlay(t)
	d.checkProbe(t)
	for _, n := range t.nodes {
		d.checkNode(t, n)
	}
	d.checkDefaults(t)
}

// checkBackend refuses options of other backends.
func (d *decoder) checkBackend(b rawBackend) {
	kind := b.kind.v
	if !b.kind.given() {
		return
	}
	foreign := func(at node, option, owner string) {
		if at.given() && !strings.Contains(owner, kind) {
			d.errorf(codeForeignOption, at, "leave it out, or use the backend "+owner, "%s is no option of %s", option, kind)
		}
	}
	foreign(b.vni.at, "vni", VXLAN)
	foreign(b.port.at, "port", VXLAN)
	foreign(b.mode.at, "mode", IPIP)
	foreign(b.direct.at, "directRouting", VXLAN+" or "+IPIP)
}

// checkUnderlay checks the addresses by which nodes reach each other.
func (d *decoder) checkUnderlay(t *rawTopology) {
	seen := map[netip.Addr]node{}
	var without4, without6 []string
	for _, n := range t.nodes {
		var family [7]node
		for _, a := range n.addresses {
			f := model.Family(a.v)
			if family[f].given() {
				d.errorf(codeUnderlayTwice, a.at, "", "the node has two IPv%d addresses on the underlay; it needs one", f)
			}
			family[f] = a.at
			if first, ok := seen[a.v]; ok {
				d.errorf(codeUnderlayTaken, a.at, "", "%s is the address of another node, too, at %s", a.v, first.pos())
			}
			seen[a.v] = a.at
		}
		if len(n.addresses) == 0 {
			continue
		}
		if !family[4].given() {
			without4 = append(without4, n.name)
			if t.backend.kind.v == IPIP {
				d.errorf(codeNoFamily, n.key, "give the node an IPv4 address, or use the backend vxlan or host-gw", "ipip needs an IPv4 underlay, and the node has only IPv6")
			}
		}
		if !family[6].given() {
			without6 = append(without6, n.name)
		}
	}
	if t.backend.kind.v == VXLAN && len(without4) > 0 && len(without6) > 0 {
		d.errorf(codeNoFamily, t.backend.at, "give all nodes an address of one family", "the nodes have no common family: %s without IPv4, %s without IPv6",
			some(without4), some(without6))
	}
}

// some lists the first few names.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func (d *decoder) checkNode(t *rawTopology, n *rawNode) {
	d.checkPlainName(n.key, "a node's name", n.name)
	if n.iface.given() {
		d.checkLinkName(n.iface.at, "the interface", n.iface.v)
	}
	d.checkOverlay(t, n.overlay)
	for _, b := range n.bridges {
		if t.shares(b) {
			d.checkRoomFor6(n.overlay.mtu, b.addresses)
		}
		d.checkLinkName(b.key, "the bridge", b.name)
		d.checkRoomFor6(b.mtu, b.addresses)
		d.checkCarried(t, b)
	}
	for _, ns := range n.namespaces {
		d.checkNetnsName(ns.key, ns.name)
		for _, i := range ns.interfaces {
			d.checkInterface(i)
		}
		for _, s := range ns.sysctls {
			d.checkSysctl(s)
			if dev := s.device(); dev != "" && !ns.has(dev) {
				d.errorf(codeNoInterface, s.key, "", "the namespace has no interface %q", dev)
			}
		}
		d.checkIPv6On(t, ns)
	}
}

func (d *decoder) checkInterface(i *rawInterface) {
	if i.key.given() {
		d.checkLinkName(i.key, "the interface", i.name)
	}
	if i.host.given() {
		d.checkLinkName(i.host.at, "the veth", i.host.v)
	}
	d.checkRoomFor6(i.mtu, i.addresses)
	if len(i.addresses) == 0 && !i.bridge.given() && i.at.empty() {
		d.errorf(codeNoBridge, i.at, "give it addresses, or bridge: and the bridge's name", "the interface has neither an address nor a bridge")
	}
}

// checkOverlay checks the overlay device against what the backend makes.
func (d *decoder) checkOverlay(t *rawTopology, o rawOverlay) {
	kind := t.backend.kind.v
	if !o.at.given() {
		return
	}
	if kind == HostGW {
		d.errorf(codeNoDevice, o.at, "leave it out", "host-gw has no overlay device")
		return
	}
	if o.device.given() {
		d.checkLinkName(o.device.at, "the device", o.device.v)
		if t.backend.mode.v == PerPeer && len(t.nodes) != 2 {
			d.errorf(codeNoDevice, o.device.at, "leave it out: the devices are named ipip-PEER", "with mode per-peer and %d nodes, there is not one device but one for each peer", len(t.nodes))
		}
	}
	if kind == IPIP && o.mac.given() {
		d.errorf(codeNoDevice, o.mac.at, "leave it out", "an ipip device has no MAC address")
	}
	var family [7]node
	for _, a := range o.addresses {
		f := model.Family(a.v.Addr())
		if family[f].given() {
			d.errorf(codeOverlayTwice, a.at, "", "the overlay device needs one IPv%d address, not two", f)
		}
		family[f] = a.at
		if f == 6 && kind == IPIP {
			d.errorf(codeIPIPOnlyIPv4, a.at, "use the backend vxlan for IPv6", "ipip carries IPv4 only")
		}
	}
}

// checkRoomFor6 refuses an MTU that IPv6 does not fit into (RFC 8200, 5).
func (d *decoder) checkRoomFor6(mtu value[uint32], addresses []value[netip.Prefix]) {
	if !mtu.given() || mtu.v >= 1280 {
		return
	}
	for _, a := range addresses {
		if a.v.Addr().Is6() {
			d.errorf(codeMTUTooSmall, mtu.at, "", "an MTU of %d is too small for %s: IPv6 needs 1280", mtu.v, a.v)
			return
		}
	}
}

// checkCarried refuses subnets that the backend cannot carry.
func (d *decoder) checkCarried(t *rawTopology, b *rawBridge) {
	if t.backend.kind.v != IPIP || !t.shares(b) {
		return
	}
	for _, a := range b.addresses {
		if a.v.Addr().Is6() {
			d.errorf(codeIPIPOnlyIPv4, a.at, "use the backend vxlan or host-gw, or overlay: false for a bridge that stays local", "ipip carries IPv4 only, and %s is IPv6", a.v)
		}
	}
}
