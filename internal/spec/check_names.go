package spec

import (
	"fmt"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// maxPorts is BR_MAX_PORTS-1 (net/bridge/br_private.h): ports are numbered from 1.
const maxPorts = 1023

// checkNames checks what must be unique after derivation: the names of links on a
// host, the VTEPs' MACs; and that bridges have not too many ports.
func (d *decoder) checkNames(t *Topology, raw *rawTopology) {
	macs := map[model.MAC]*rawNode{}
	tunnels := d.tunnels(t, raw)
	for i := range t.Nodes {
		n, r := &t.Nodes[i], raw.nodes[i]
		d.checkLinkNames(tunnels, n, r)
		d.checkMACs(n, r)
		if n.Overlay.MAC.IsZero() {
			continue
		}
		if first, ok := macs[n.Overlay.MAC]; ok {
			d.errorf(codeMACTaken, r.key, "set overlay.mac of one of them", "the VTEP's MAC %s is that of the node %s, too", n.Overlay.MAC, first.name)
		}
		macs[n.Overlay.MAC] = r
	}
}

// named is a link's name and what has it.
type named struct {
	name, what string
	at         node
}

// tunnels returns the names of the devices that lead to each node, with the mode
// per-peer; they are the same on every node.
func (d *decoder) tunnels(t *Topology, raw *rawTopology) map[string]*rawNode {
	if t.Backend.Mode != PerPeer {
		return nil
	}
	names := make(map[string]*rawNode, len(t.Nodes))
	for i := range t.Nodes {
		name := t.TunnelName(&Node{}, &t.Nodes[i])
		if first, ok := names[name]; ok {
			d.errorf(codeNameTaken, raw.nodes[i].key, "rename one of them", "the tunnel to the node is named %q, and so is that to %s", name, first.name)
		}
		names[name] = raw.nodes[i]
	}
	return names
}

func (d *decoder) checkLinkNames(tunnels map[string]*rawNode, n *Node, r *rawNode) {
	var l []named
	if n.Interface != "" {
		l = append(l, named{n.Interface, "the underlay device", orKey(r.iface.at, r.key)})
	}
	for _, b := range r.bridges {
		l = append(l, named{b.name, "a bridge", b.key})
	}
	if n.Overlay.Device != "" {
		l = append(l, named{n.Overlay.Device, "the overlay device", orKey(r.overlay.device.at, r.key)})
	}
	if n.Overlay.Device != "" {
		tunnels = nil // with a name of its own, there is no other
	}
	ports := map[string]int{}
	for i, ns := range n.Namespaces {
		for j, iface := range ns.Interfaces {
			at := r.namespaces[i].interfaces[j]
			l = append(l, named{iface.Host, fmt.Sprintf("the veth of %s/%s", ns.Name, iface.Name), orKey(at.host.at, at.at)})
			if ports[iface.Bridge]++; ports[iface.Bridge] == maxPorts+1 && iface.Bridge != "" {
				d.errorf(codeTooManyPorts, at.at, "", "the bridge %s would have more than %d ports; the kernel allows no more", iface.Bridge, maxPorts)
			}
		}
	}
	seen := make(map[string]named, len(l))
	for _, x := range l {
		if peer := tunnels[x.name]; peer != nil && peer != r {
			d.errorf(codeNameTaken, x.at, "rename one of them", "%s is named %q, and so is the tunnel to %s", x.what, x.name, peer.name)
		}
		if first, ok := seen[x.name]; ok && x.name != "" {
			d.errorf(codeNameTaken, x.at, "rename one of them", "%s is named %q, and so is %s, at %s", x.what, x.name, first.what, first.at.pos())
			continue
		}
		seen[x.name] = x
	}
}

func orKey(at, key node) node {
	if at.given() {
		return at
	}
	return key
}

// checkMACs refuses a MAC twice on the links of one node that the file names.
func (d *decoder) checkMACs(n *Node, r *rawNode) {
	seen := map[model.MAC]string{}
	once := func(m model.MAC, what string, at node) {
		if m.IsZero() {
			return
		}
		if first, ok := seen[m]; ok {
			d.errorf(codeMACTaken, at, "", "the MAC %s is that of %s, too", m, first)
		}
		seen[m] = what
	}
	for i, b := range n.Bridges {
		once(b.MAC, "the bridge "+b.Name, orKey(r.bridges[i].mac.at, r.bridges[i].key))
	}
	for i, ns := range n.Namespaces {
		for j, iface := range ns.Interfaces {
			at := r.namespaces[i].interfaces[j]
			once(iface.MAC, ns.Name+"/"+iface.Name, orKey(at.mac.at, at.at))
		}
	}
}
