package spec

import (
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

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

// checkNode checks the values of a node one by one, and what depends on the backend.
func (w *walker) checkNode(n *rawNode) {
	d, t := w.decoder, w.raw
	d.checkPlainName(n.key, "a node's name", n.name)
	if n.iface.given() {
		d.checkLinkName(n.iface.at, "the interface", n.iface.v)
	}
	d.checkOverlay(t, &n.overlay)
	for i := range n.bridges {
		b := &n.bridges[i]
		if t.shares(b) {
			d.checkRoomFor6(n.overlay.mtu, b.addresses)
		}
		d.checkLinkName(b.key, "the bridge", b.name)
		d.checkRoomFor6(b.mtu, b.addresses)
		d.checkCarried(t, b)
	}
	for i := range n.namespaces {
		ns := &n.namespaces[i]
		d.checkNetnsName(ns.key, ns.name)
		for j := range ns.interfaces {
			d.checkInterface(&ns.interfaces[j])
		}
		for _, s := range ns.sysctls {
			w.checkSysctl(s)
			if dev := s.device(); dev != "" && !ns.has(dev) {
				d.errorf(codeNoInterface, s.key, "", "the namespace has no interface %q", dev)
			}
		}
		d.checkIPv6On(t, ns)
	}
	w.meet(n)
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
func (d *decoder) checkOverlay(t *rawTopology, o *rawOverlay) {
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
		if t.backend.mode.v == PerPeer && t.count != 2 {
			d.errorf(codeNoDevice, o.device.at, "leave it out: the devices are named ipip-PEER", "with mode per-peer and %d nodes, there is not one device but one for each peer", t.count)
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
