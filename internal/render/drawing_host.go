package render

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// hostDrawer draws a host: what the topology says of it, what a plan does to it, or
// both. It finds what is drawn by name.
type hostDrawer struct {
	*Host
	endpoints  map[string]*Box
	bridges    map[string]*Bridge
	namespaces map[string]*Namespace
	interfaces map[[2]string]*Interface // by namespace and name
	peers      map[string]*Peer
	nodes      map[string]string // names of nodes by underlay address; nil: not known
}

func newHostDrawer(name string, nodes map[string]string) *hostDrawer {
	return &hostDrawer{
		Host: &Host{Name: name}, nodes: nodes,
		endpoints: map[string]*Box{}, bridges: map[string]*Bridge{}, namespaces: map[string]*Namespace{},
		interfaces: map[[2]string]*Interface{}, peers: map[string]*Peer{},
	}
}

func (h *hostDrawer) endpoint(name string) *Box {
	b := h.endpoints[name]
	if b == nil {
		b = &Box{Name: name}
		h.endpoints[name] = b
		h.Endpoints = append(h.Endpoints, b)
	}
	return b
}

func (h *hostDrawer) bridge(name string) *Bridge {
	b := h.bridges[name]
	if b == nil {
		b = &Bridge{Box: Box{Name: name}}
		h.bridges[name] = b
		h.Bridges = append(h.Bridges, b)
	}
	return b
}

func (h *hostDrawer) namespace(name string) *Namespace {
	n := h.namespaces[name]
	if n == nil {
		n = &Namespace{Box: Box{Name: name}}
		h.namespaces[name] = n
		h.Namespaces = append(h.Namespaces, n)
	}
	return n
}

func (h *hostDrawer) iface(netns, name string) *Interface {
	key := [2]string{netns, name}
	i := h.interfaces[key]
	if i == nil {
		i = &Interface{Box: Box{Name: name}}
		h.interfaces[key] = i
		n := h.namespace(netns)
		n.Interfaces = append(n.Interfaces, i)
	}
	return i
}

func (h *hostDrawer) peer(name string) *Peer {
	if n := h.nodes[name]; n != "" {
		name = n
	}
	p := h.peers[name]
	if p == nil {
		p = &Peer{Name: name}
		h.peers[name] = p
		h.Peers = append(h.Peers, p)
	}
	return p
}

// plan draws what becomes of the host.
func (h *hostDrawer) plan(p *diff.Plan) {
	for _, c := range withIntents(p.Changes) {
		h.change(&c)
	}
	for _, c := range p.Conflicts {
		h.object(c.Want, c.Intent, Blocked)
	}
	for _, e := range p.Missing {
		h.note("needs "+e.Object.Key().String(), Blocked)
	}
	for _, x := range p.Harmed {
		h.note("harms "+x.Object.Key().String(), Blocked)
	}
	for _, p := range h.Peers {
		h.Joint.mixes(p.Mark)
	}
}

// change draws a change. Something renamed is drawn under its new name.
func (h *hostDrawer) change(c *diff.Change) {
	h.object(c.Object(), c.Intent, Mark(c.Action))
	if link, ok := c.Object().(model.Link); ok && (c.Action == diff.Update || c.Action == diff.Replace) {
		if b := h.linkBox(link, c.Intent); b != nil {
			attributes(b, c)
		}
	}
}

// attributes adds the attributes that change, a line each.
func attributes(b *Box, c *diff.Change) {
	for _, a := range c.Differences() {
		if !a.Mark {
			b.line(attrText(c.Key().Kind, a), Mark(diff.Update))
		}
	}
}

// object draws what becomes of an object.
func (h *hostDrawer) object(o model.Object, intent string, m Mark) {
	key := o.Key()
	h.Mark.has(m)
	peer, ofPeer := strings.CutPrefix(intent, "peer ")
	switch o := o.(type) {
	case model.Netns:
		h.namespace(o.Name).Mark.is(m)
		return
	case model.Link:
		if b := h.linkBox(o, intent); b != nil {
			b.Mark.is(m)
			h.partOf(o, m)
			return
		}
	case model.Address:
		if b := h.addressBox(o, intent); b != nil {
			b.line(prefixText(o.Prefix), m)
			if o.Netns != "" {
				h.namespace(o.Netns).Mark.has(m)
			}
			return
		}
	}
	switch {
	case key.Netns != "":
		h.namespace(key.Netns).line(key.Kind.String()+" "+key.Label(), m)
	case ofPeer:
		h.peer(peer).object(key, m)
	default:
		h.note(key.String(), m)
	}
}

// linkBox returns the box of a link, or nil for one of a peer.
func (h *hostDrawer) linkBox(l model.Link, intent string) *Box {
	end := l.Peer.Value()
	switch {
	case l.Netns != "":
		return &h.iface(l.Netns, l.Name).Box
	case h.endpoints[l.Name] != nil:
		return h.endpoints[l.Name]
	case l.Type.Value() == model.TypeVeth && end.Netns != "" && end.Netns != "?":
		i := h.iface(end.Netns, end.Name)
		if master := l.Master.Value(); master != "" {
			i.Bridge = master
			h.bridge(master)
		}
		return &i.Box
	case l.Type.Value() == model.TypeBridge:
		return &h.bridge(l.Name).Box
	case strings.HasPrefix(intent, "overlay "):
		return h.endpoint(l.Name)
	}
	return nil
}

// partOf marks what a link is part of.
func (h *hostDrawer) partOf(l model.Link, m Mark) {
	netns := l.Netns
	if netns == "" {
		netns = l.Peer.Value().Netns
	}
	if n := h.namespaces[netns]; n != nil {
		n.Mark.has(m)
	}
}

// addressBox returns the box of the link that an address is on, or nil for one of a
// peer.
func (h *hostDrawer) addressBox(a model.Address, intent string) *Box {
	noun, _, _ := strings.Cut(intent, " ")
	switch {
	case a.Netns != "":
		return &h.iface(a.Netns, a.Link).Box
	case h.endpoints[a.Link] != nil || noun == "overlay":
		return h.endpoint(a.Link)
	case h.bridges[a.Link] != nil || noun == "bridge":
		return &h.bridge(a.Link).Box
	}
	return nil
}

// note adds a line about the host itself.
func (h *hostDrawer) note(text string, m Mark) {
	h.Mark.has(m)
	h.Lines = withLine(h.Lines, text, m)
}

// object takes in what becomes of one of the peer's objects.
func (p *Peer) object(k model.Key, m Mark) {
	p.Mark.is(m)
	kind := k.Kind.String()
	for _, have := range p.Kinds {
		if have == kind {
			return
		}
	}
	p.Kinds = append(p.Kinds, kind)
}

// text says what of the way to the peer changes: "route, neighbour, fdb".
func (p *Peer) text() string { return strings.Join(p.Kinds, ", ") }

// prefixText writes an address with its length, but for a full one.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// summaryLine is what a host's plan comes to: "5 to add, 1 to change".
func summaryLine(p *diff.Plan) string {
	l := counts(p.Summary(), [5]string{"to add", "to change", "to replace", "to destroy", "to adopt"}, false)
	if len(l) == 0 {
		return "no changes"
	}
	return fmt.Sprintf("%s; impact: %s", strings.Join(l, ", "), p.Summary().Impact)
}
