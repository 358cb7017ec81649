package review

import (
	"strings"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// outlook is all of a node that stays as it is that has a say in what leads to its peers,
// and in how many objects are counted with that. Of nodes with the same one, the plans say
// the same.
type outlook struct {
	device   string  // the overlay's
	mtu      uint32  // the overlay's, as in the file
	ends     int     // addresses of the overlay device
	bridges  int     // objects of bridges that are looked at
	underlay string  // its device, as in the file
	families [2]bool // of its addresses there: IPv4, IPv6
	direct   string  // which peers of both versions are on the link, in order, where that counts
}

// outlookOf returns that of a node; false where its plan can't be that of another one:
// where it changes, or has a device of its own for each peer.
func (c *comparison) outlookOf(name string) (outlook, bool) {
	if c.full(name) || c.to.Backend.Mode == spec.PerPeer {
		return outlook{}, false
	}
	node := c.after[name]
	o := outlook{
		device: node.Overlay.Device, mtu: node.Overlay.MTU, ends: len(node.Overlay.Addresses), underlay: node.Interface,
		families: [2]bool{node.Address(4).IsValid(), node.Address(6).IsValid()},
	}
	if !bare(node) {
		o.bridges = ofBridges(node.Bridges)
	}
	if c.to.Backend.DirectRouting {
		var b strings.Builder
		from, to := c.views(name)
		noteDirect(&b, from)
		noteDirect(&b, to)
		o.direct = b.String()
	}
	return o, true
}

// noteDirect writes down which of the peers are on the link of the first node.
func noteDirect(b *strings.Builder, t *spec.Topology) {
	f := assume(t, t, &t.Nodes[0], nil)
	for i := range t.Nodes[1:] {
		for _, a := range t.Nodes[i+1].Addresses {
			mark := byte('0')
			if f.Direct.To(a).OK {
				mark = '1'
			}
			b.WriteByte(mark)
		}
	}
}

// models are plans that say the same for all nodes of an outlook.
type models struct {
	sync.Mutex
	of map[outlook]*diff.Plan
}

// plan returns what Versions.plan does, for a node that looks like an earlier one without
// computing anything.
func (m *models) plan(v Versions, c *comparison, name string) (render.NodePlan, []string) {
	o, ok := c.outlookOf(name)
	if !ok {
		return v.plan(c, name)
	}
	m.Lock()
	found := m.of[o]
	m.Unlock()
	if found != nil {
		p := *found
		p.Unchanged += c.leftOut(name)
		return render.NodePlan{Header: v.header(name), Plan: &p}, nil
	}
	n, warnings := v.plan(c, name)
	if n.Err == nil && len(warnings) == 0 && leadsOnly(n.Plan) {
		p := *n.Plan
		p.Unchanged -= c.leftOut(name)
		m.Lock()
		m.of[o] = &p
		m.Unlock()
	}
	return n, warnings
}

// leadsOnly says whether a plan is about nothing but what leads to peers, which has
// nothing in it of the node that it is on.
func leadsOnly(p *diff.Plan) bool {
	for i := range p.Steps {
		s := &p.Steps[i]
		if !s.Key().Kind.Leads() || s.Along != nil {
			return false
		}
	}
	for i := range p.Changes {
		if !p.Changes[i].Key().Kind.Leads() {
			return false
		}
	}
	return len(p.Conflicts)+len(p.Missing)+len(p.Harmed) == 0
}
