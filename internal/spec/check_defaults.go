package spec

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// checkDefaults checks the values that defaults: gives, each at its own place, also
// where they only don't fit what a node has.
func (d *decoder) checkDefaults(t *rawTopology) {
	if v := t.defaults.node.iface; v.given() {
		d.checkLinkName(v.at, "the interface", v.v)
	}
	d.checkOverlay(t, t.defaults.node.overlay)
	d.checkDefaultMTUs(t)
	for _, s := range t.defaults.namespace.sysctls {
		d.checkSysctl(s)
		if dev := s.device(); dev != "" && !t.has(dev) {
			d.warnf(codeNoInterfaceAnywhere, s.key, "", "no namespace has an interface %q", dev)
		}
	}
}

// checkDefaultMTUs refuses an MTU that is too small for somebody whom it is for.
func (d *decoder) checkDefaultMTUs(t *rawTopology) {
	var shared, bridges, interfaces []value[netip.Prefix]
	for _, n := range t.nodes {
		for _, b := range n.bridges {
			if !b.mtu.given() {
				bridges = append(bridges, b.addresses...)
			}
			if !n.overlay.mtu.given() && t.shares(b) {
				shared = append(shared, b.addresses...)
			}
		}
		for _, ns := range n.namespaces {
			for _, i := range ns.interfaces {
				if !i.mtu.given() {
					interfaces = append(interfaces, i.addresses...)
				}
			}
		}
	}
	d.checkRoomFor6(t.defaults.node.overlay.mtu, shared)
	d.checkRoomFor6(t.defaults.bridge.mtu, bridges)
	d.checkRoomFor6(t.defaults.mtu, interfaces)
}

// device returns the interface that a sysctl is about, or "".
func (s rawSysctl) device() string {
	if dev := (model.Sysctl{Name: s.name}).Device(); dev != "lo" {
		return dev
	}
	return ""
}

// has says whether the namespace has an interface.
func (r *rawNamespace) has(iface string) bool {
	for _, i := range r.interfaces {
		if i.name == iface {
			return true
		}
	}
	return false
}

// has says whether any namespace has an interface.
func (t *rawTopology) has(iface string) bool {
	for _, n := range t.nodes {
		for _, ns := range n.namespaces {
			if ns.has(iface) {
				return true
			}
		}
	}
	return false
}
