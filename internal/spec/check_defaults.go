package spec

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// roomy are the first IPv6 addresses for which each of the MTUs that defaults: gives must
// leave room.
type roomy struct{ overlay, bridge, iface []value[netip.Prefix] }

// expectDefaults says what is to be looked for in the nodes.
func (w *walker) expectDefaults() {
	w.devices = map[string]bool{}
	for _, s := range w.raw.defaults.namespace.sysctls {
		if dev := s.device(); dev != "" {
			w.devices[dev] = false
		}
	}
	w.known.wanted = len(w.raw.probe.namespaces) > 0
}

// meet keeps of a node what the defaults and the probe are checked against.
func (w *walker) meet(n *rawNode) {
	for i := range n.bridges {
		b := &n.bridges[i]
		if !b.mtu.given() {
			keepFirst6(&w.roomy.bridge, b.addresses)
		}
		if !n.overlay.mtu.given() && w.raw.shares(b) {
			keepFirst6(&w.roomy.overlay, b.addresses)
		}
	}
	for i := range n.namespaces {
		ns := &n.namespaces[i]
		w.known.add(ns.name)
		for j := range ns.interfaces {
			if !ns.interfaces[j].mtu.given() {
				keepFirst6(&w.roomy.iface, ns.interfaces[j].addresses)
			}
			if len(w.devices) > 0 {
				w.meetDevice(ns.interfaces[j].name)
			}
		}
	}
}

// keepFirst6 keeps the first IPv6 address of all.
func keepFirst6(kept *[]value[netip.Prefix], l []value[netip.Prefix]) {
	if len(*kept) > 0 {
		return
	}
	for _, a := range l {
		if a.v.Addr().Is6() {
			*kept = append(*kept, a)
			return
		}
	}
}

func (w *walker) meetDevice(name string) {
	if _, wanted := w.devices[name]; wanted {
		w.devices[name] = true
	}
}

// checkDefaults checks the values that defaults: gives, each at its own place, also
// where they only don't fit what a node has.
func (w *walker) checkDefaults() {
	defaults := &w.raw.defaults
	if v := defaults.node.iface; v.given() {
		w.checkLinkName(v.at, "the interface", v.v)
	}
	w.checkOverlay(w.raw, &defaults.node.overlay)
	w.checkRoomFor6(defaults.node.overlay.mtu, w.roomy.overlay)
	w.checkRoomFor6(defaults.bridge.mtu, w.roomy.bridge)
	w.checkRoomFor6(defaults.mtu, w.roomy.iface)
	for _, s := range defaults.namespace.sysctls {
		w.checkSysctl(s)
		if dev := s.device(); dev != "" && !w.devices[dev] {
			w.warnf(codeNoInterfaceAnywhere, s.key, "", "no namespace has an interface %q", dev)
		}
	}
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
	for i := range r.interfaces {
		if r.interfaces[i].name == iface {
			return true
		}
	}
	return false
}
