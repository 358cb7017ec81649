// Package backend turns the peers of a node into kernel objects: one file a
// backend, which only emits objects and never talks to the kernel.
package backend

import (
	"fmt"
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Backend is one way to carry overlay packets across the underlay.
type Backend struct {
	// Overhead returns the bytes that each packet grows by, over an underlay of the
	// family (4 or 6).
	Overhead func(family int) uint32
	// Device returns the overlay device's name on the node, "" if there is none, or
	// one for each peer.
	Device func(n *spec.Node) string
	// Family returns the family of the underlay that carries the overlay.
	Family func(t *spec.Topology, n *spec.Node) int
	// Clamped says that the kernel lets the device's MTU be no larger than the
	// underlay's less the overhead.
	Clamped bool
	// NeedsDirect says that the backend reaches only peers on the same link.
	NeedsDirect bool
	// Expand emits the overlay device and what leads to the peers. It keeps nothing: of many
	// peers, it may be asked for each kind of objects at the same time, with inputs that take
	// that kind alone.
	Expand func(in *Input)
}

// For returns the backend of a type named in the topology.
func For(t spec.Backend) (Backend, error) {
	switch {
	case t.Type == spec.HostGW:
		return hostGW(), nil
	case t.Type == spec.VXLAN:
		return vxlan(), nil
	case t.Type == spec.IPIP && t.Mode == spec.PerPeer:
		return ipipPerPeer(), nil
	case t.Type == spec.IPIP:
		return ipip(), nil
	}
	return Backend{}, fmt.Errorf("unknown backend %q", t.Type)
}

// Input is what a backend works with, and where it puts what it makes.
type Input struct {
	Topology *spec.Topology
	Node     *spec.Node
	Facts    model.Facts
	Identity model.Identity
	MTU      uint32 // of the overlay device

	// Emit adds an object, with what it is part of and where it was declared.
	Emit func(o model.Object, intent string, pos spec.Pos)
	// EmitRoute adds a route to a peer out of a device that it shares with those to other
	// peers, with the metric that the topology gives such routes.
	EmitRoute func(r model.Route, peer *spec.Node)
	// EmitNeighbour and EmitFDB add what else leads to a peer.
	EmitNeighbour func(n model.Neighbour, peer *spec.Node)
	EmitFDB       func(f model.FDBEntry, peer *spec.Node)
	// Note adds a derived value to the expansion.
	Note func(path, value, reason string)
	// Fail adds an error.
	Fail func(pos spec.Pos, format string, args ...any)
	// Warn adds a warning.
	Warn func(pos spec.Pos, format string, args ...any)
}

// peers yields the other nodes of the topology.
func (in *Input) peers(yield func(*spec.Node) bool) {
	for i := range in.Topology.Nodes {
		p := &in.Topology.Nodes[i]
		if p.Name != in.Node.Name && !yield(p) {
			return
		}
	}
}

// link returns a device of ours that is up.
func (in *Input) link(name, kind string) model.Link {
	return model.Link{
		Name: name, Type: model.Some(kind), Up: model.Some(true), MTU: model.Some(in.MTU),
		Group: model.Some(model.MarkGroup), Alias: model.Some(in.Identity.Alias()),
	}
}

// address returns an address of ours.
func (in *Input) address(link string, p netip.Prefix) model.Address {
	return model.Address{Link: link, Prefix: p, Protocol: AddressMark(in.Facts)}
}

// AddressMark is the mark of an address, or open where the kernel has none.
func AddressMark(f model.Facts) model.Opt[uint8] {
	if !f.AddressProtocol {
		return model.Opt[uint8]{}
	}
	return model.Some(model.MarkProtocol)
}

// Route returns a plain route of ours in the kernel's normal form; an invalid via
// stands for none.
func Route(netns string, to netip.Prefix, via netip.Addr, dev string) model.Route {
	r := model.Route{
		Netns: netns, Dst: to, Table: model.TableMain, Metric: model.Metric(to, 0),
		Type: model.Some("unicast"), Via: model.Some(via), Dev: model.Some(dev), OnLink: model.Some(false),
		Protocol: model.Some(model.MarkProtocol),
	}
	if to.Addr().Is4() {
		r.Scope = model.Some(model.ScopeGlobal)
		if !via.IsValid() {
			r.Scope = model.Some(model.ScopeLink)
		}
	}
	return r
}

// direct emits plain routes to the peer's subnets of the family where the kernel
// says that the peer is on the underlay's own link, and returns whether it did.
func (in *Input) direct(p *spec.Node, family int) bool {
	gateway, d := in.directness(p, family)
	if !d.OK {
		return false
	}
	for subnet := range p.Subnets(family) {
		in.EmitRoute(Route("", subnet, gateway, in.Facts.Underlay[family].Device), p)
	}
	return true
}

// directness returns the peer's underlay address and whether it is on the link.
func (in *Input) directness(p *spec.Node, family int) (netip.Addr, model.Direct) {
	gateway := p.Address(family)
	switch {
	case !gateway.IsValid():
		return gateway, model.Direct{Reason: fmt.Sprintf("it has no IPv%d underlay address", family)}
	case !in.Node.Address(family).IsValid():
		return gateway, model.Direct{Reason: fmt.Sprintf("this node has no IPv%d underlay address", family)}
	}
	return gateway, in.Facts.Direct.To(gateway)
}

// directRouting is direct, where the file asks for it, with the decision noted.
func (in *Input) directRouting(p *spec.Node, family int) bool {
	if !in.Topology.Backend.DirectRouting || !p.HasSubnets(family) {
		return false
	}
	how := "through the overlay"
	ok := in.direct(p, family)
	if ok {
		how = "plain route"
	}
	_, d := in.directness(p, family)
	in.Note(fmt.Sprintf("nodes.%s.directRouting.ipv%d", p.Name, family), how, d.Reason)
	return ok
}

// PeerIntent is what all is part of that leads to a peer.
func PeerIntent(p *spec.Node) string { return "peer " + p.Name }

func overlayIntent(device string) string { return "overlay " + device }

// families are those of the addresses inside the overlay.
func families() [2]int { return [2]int{4, 6} }
