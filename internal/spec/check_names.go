package spec

import (
	"cmp"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// maxPorts is BR_MAX_PORTS-1 (net/bridge/br_private.h): ports are numbered from 1.
const maxPorts = 1023

// link is one of a node's, and where it stands.
type link struct {
	kind string // "the veth of", with namespace and iface; or what it is
	name string // of a bridge that has a MAC

	namespace, iface string
	at               node
}

func (l link) String() string {
	if l.iface == "" {
		return l.kind + l.name
	}
	return l.kind + l.namespace + "/" + l.iface
}

// tunnelNames returns the names of the devices that lead to each node, with the mode
// per-peer; they are the same on every node.
func (w *walker) tunnelNames() map[string]node {
	if w.out.Backend.Mode != PerPeer || !w.raw.nodes.given() {
		return nil
	}
	var keys []node
	w.eachNode(func(k, _ node) { keys = append(keys, k) })
	slices.SortFunc(keys, func(a, b node) int { return cmp.Compare(a.text(), b.text()) })
	names := make(map[string]node, len(keys))
	for _, k := range keys {
		name := w.out.TunnelName(&Node{}, &Node{Name: k.text()})
		if first, ok := names[name]; ok {
			w.errorf(codeNameTaken, k, "rename one of them", "the tunnel to the node is named %q, and so is that to %s", name, first.text())
		}
		names[name] = k
	}
	return names
}

// checkLinkNames refuses a name twice on a host, after derivation, and bridges with too
// many ports.
func (w *walker) checkLinkNames(n *Node, r *rawNode) {
	w.links.clear()
	tunnels := w.tunnels
	if n.Overlay.Device != "" {
		tunnels = nil // with a name of its own, there is no other
	}
	if n.Interface != "" {
		w.checkLink(tunnels, r, n.Interface, link{kind: "the underlay device", at: orKey(r.iface.at, r.key)})
	}
	for i := range r.bridges {
		w.checkLink(tunnels, r, r.bridges[i].name, link{kind: "a bridge", at: r.bridges[i].key})
	}
	if n.Overlay.Device != "" {
		w.checkLink(tunnels, r, n.Overlay.Device, link{kind: "the overlay device", at: orKey(r.overlay.device.at, r.key)})
	}
	interfaces := 0
	for i := range n.Namespaces {
		ns := &n.Namespaces[i]
		interfaces += len(ns.Interfaces)
		for j := range ns.Interfaces {
			at := &r.namespaces[i].interfaces[j]
			w.checkLink(tunnels, r, ns.Interfaces[j].Host, link{kind: "the veth of ", namespace: ns.Name, iface: ns.Interfaces[j].Name, at: orKey(at.host.at, at.at)})
		}
	}
	if interfaces > maxPorts {
		w.checkPorts(n, r)
	}
}

func (w *walker) checkLink(tunnels map[string]node, r *rawNode, name string, l link) {
	if peer := tunnels[name]; peer.given() && peer != r.key {
		w.errorf(codeNameTaken, l.at, "rename one of them", "%s is named %q, and so is the tunnel to %s", l, name, peer.text())
	}
	if name == "" {
		return
	}
	if first, ok := w.links.find(name); ok {
		w.errorf(codeNameTaken, l.at, "rename one of them", "%s is named %q, and so is %s, at %s", l, name, first, first.at.pos())
		return
	}
	w.links.put(name, l)
}

// checkPorts refuses bridges with more ports than the kernel allows.
func (w *walker) checkPorts(n *Node, r *rawNode) {
	ports := map[string]int{}
	for i := range n.Namespaces {
		for j, iface := range n.Namespaces[i].Interfaces {
			if ports[iface.Bridge]++; ports[iface.Bridge] == maxPorts+1 && iface.Bridge != "" {
				w.errorf(codeTooManyPorts, r.namespaces[i].interfaces[j].at, "", "the bridge %s would have more than %d ports; the kernel allows no more", iface.Bridge, maxPorts)
			}
		}
	}
}

func orKey(at, key node) node {
	if at.given() {
		return at
	}
	return key
}

// checkMACs refuses a MAC twice on the links of one node, and keeps that of its VTEP.
func (w *walker) checkMACs(n *Node, r *rawNode) {
	w.macs.clear()
	for i := range n.Bridges {
		b := &n.Bridges[i]
		w.checkMAC(b.MAC, link{kind: "the bridge ", name: b.Name, at: orKey(r.bridges[i].mac.at, r.bridges[i].key)})
	}
	for i := range n.Namespaces {
		ns := &n.Namespaces[i]
		for j := range ns.Interfaces {
			at := &r.namespaces[i].interfaces[j]
			w.checkMAC(ns.Interfaces[j].MAC, link{namespace: ns.Name, iface: ns.Interfaces[j].Name, at: orKey(at.mac.at, at.at)})
		}
	}
	if !n.Overlay.MAC.IsZero() {
		w.vteps = append(w.vteps, vtep{n.Overlay.MAC, r.key.i})
	}
}

// checkMAC refuses a MAC that another link of the node has. Of several, the last one is
// named.
func (w *walker) checkMAC(m model.MAC, l link) {
	if m.IsZero() {
		return
	}
	if first, ok := w.macs.find(m); ok {
		w.errorf(codeMACTaken, l.at, "", "the MAC %s is that of %s, too", m, first)
	}
	w.macs.put(m, l)
}

// vtep is the MAC of a node's overlay device.
type vtep struct {
	mac   model.MAC
	owner uint32
}

// checkVTEPs refuses a MAC of several nodes.
func (w *walker) checkVTEPs() {
	sortIfNeeded(w.vteps, func(a, b vtep) int {
		if d := cmp.Compare(number(a.mac), number(b.mac)); d != 0 {
			return d
		}
		return w.byName(a.owner, b.owner)
	})
	for i, v := range w.vteps {
		if i > 0 && v.mac == w.vteps[i-1].mac {
			w.errorf(codeMACTaken, w.place(v.owner), "set overlay.mac of one of them", "the VTEP's MAC %s is that of the node %s, too", v.mac, w.place(w.vteps[i-1].owner).text())
		}
	}
}

func number(m model.MAC) uint64 {
	return uint64(m[0])<<40 | uint64(m[1])<<32 | uint64(m[2])<<24 | uint64(m[3])<<16 | uint64(m[4])<<8 | uint64(m[5])
}
