package desired

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/netplan-overlay/netplan-overlay/internal/desired/backend"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Expansion is all that a node should have.
type Expansion struct {
	State    *model.State
	Derived  []spec.Derived // what the file doesn't state, with reasons
	Warnings []string
}

// Peers returns the underlay addresses of the peers that the expansion wants to
// know about whether they are on the node's own link.
func Peers(t *spec.Topology, node *spec.Node) []netip.Addr {
	b, err := backend.For(t.Backend)
	if err != nil || !b.NeedsDirect && !t.Backend.DirectRouting {
		return nil
	}
	own4, own6 := node.Address(4).IsValid(), node.Address(6).IsValid()
	l := make([]netip.Addr, 0, len(t.Nodes)*len(node.Addresses))
	for i := range t.Nodes {
		p := &t.Nodes[i]
		for _, a := range p.Addresses {
			if (own4 && a.Is4() || own6 && a.Is6()) && p.Name != node.Name {
				l = append(l, a)
			}
		}
	}
	return l
}

// Expand returns what the node should have, given the facts of its host. The error
// joins all that is wrong, each with its place in the file.
func Expand(t *spec.Topology, node *spec.Node, facts model.Facts) (*Expansion, error) {
	b, err := backend.For(t.Backend)
	if err != nil {
		return nil, err
	}
	if kindsPay(t) {
		if x := newExpander(t, node, facts, b); x.byKinds() {
			return x.result()
		}
	}
	x := newExpander(t, node, facts, b)
	x.inTurn()
	return x.result()
}

func newExpander(t *spec.Topology, node *spec.Node, facts model.Facts, b backend.Backend) *expander {
	x := &expander{
		topology: t, node: node, facts: facts, backend: b,
		id:  model.Identity{Topology: t.Name, Node: node.Name},
		out: &Expansion{State: &model.State{}, Derived: t.Derived(node)},
	}
	x.out.State.Reserve(most(t))
	return x
}

// result returns what was emitted, or what is wrong.
func (x *expander) result() (*Expansion, error) {
	if err := errors.Join(x.errs...); err != nil {
		return nil, err
	}
	return x.out, nil
}

// own emits what the node has for itself.
func (x *expander) own() {
	x.underlay()
	x.mtus()
	x.host()
	for i := range x.node.Bridges {
		x.bridge(&x.node.Bridges[i])
	}
	for i := range x.node.Namespaces {
		x.namespace(&x.node.Namespaces[i])
	}
}

type expander struct {
	topology *spec.Topology
	node     *spec.Node
	facts    model.Facts
	backend  backend.Backend
	id       model.Identity
	out      *Expansion
	errs     []error

	underlayMTU uint32
	overlayMTU  uint32
}

// input is what a backend works with; where it puts what leads to peers is still open.
func (x *expander) input() *backend.Input {
	return &backend.Input{
		Topology: x.topology, Node: x.node, Facts: x.facts, Identity: x.id, MTU: x.overlayMTU,
		Emit: x.emit, Note: x.note, Fail: x.fail, Warn: x.warn,
	}
}

func (x *expander) emit(o model.Object, intent string, pos spec.Pos) {
	if old, ok := x.out.State.Get(o.Key()); ok && old.Object != o {
		x.twice(o, old, pos)
		return
	}
	x.out.State.Put(model.Entry{Object: o, Intent: intent, Source: pos.String()})
}

func (x *expander) twice(o model.Object, old model.Entry, pos spec.Pos) {
	x.fail(pos, "%s is asked for twice, with different attributes (also at %s)", o.Key(), old.Source)
}

func (x *expander) note(path, value, reason string) {
	x.out.Derived = append(x.out.Derived, spec.Derived{Path: path, Value: value, Reason: reason})
}

func (x *expander) noteNode(path, value, reason string) {
	x.note("nodes."+x.node.Name+"."+path, value, reason)
}

func (x *expander) fail(pos spec.Pos, format string, args ...any) {
	x.errs = append(x.errs, fmt.Errorf("%s: "+format, append([]any{pos}, args...)...))
}

func (x *expander) warn(pos spec.Pos, format string, args ...any) {
	x.out.Warnings = append(x.out.Warnings, fmt.Sprintf("%s: "+format, append([]any{pos}, args...)...))
}

// underlay refers to the devices that hold the node's addresses; they must exist,
// and are never touched.
func (x *expander) underlay() {
	for _, family := range []int{4, 6} {
		u, ok := x.facts.Underlay[family]
		if !ok {
			continue
		}
		if x.node.Interface == "" {
			reason := fmt.Sprintf("the device that holds %s", x.node.Address(family))
			if x.facts.Assumed {
				reason = "assumed: this is not the node's host"
			}
			x.noteNode("interface", u.Device, reason)
		}
		x.out.State.Put(model.Entry{Object: model.Link{Name: u.Device}, Ref: true, Intent: "host", Source: x.node.Pos.String()})
	}
}

// host emits what the host itself must do: forward packets between the bridges and
// the underlay.
func (x *expander) host() {
	var v4, v6 bool
	for _, b := range x.node.Bridges {
		for _, a := range b.Addresses {
			v4, v6 = v4 || a.Addr().Is4(), v6 || a.Addr().Is6()
		}
	}
	if v4 {
		x.sysctl("net.ipv4.ip_forward", "1", "the host forwards for its bridges")
	}
	if v6 {
		x.sysctl("net.ipv6.conf.all.forwarding", "1", "the host forwards for its bridges")
		x.keepRouterAdvertisements()
	}
}

// keepRouterAdvertisements keeps the underlay's default route, where that comes
// from router advertisements: a forwarding host ignores them unless accept_ra is 2
// (Documentation/networking/ip-sysctl.rst).
func (x *expander) keepRouterAdvertisements() {
	if x.facts.AcceptRA != "1" && x.facts.AcceptRA != "2" {
		return
	}
	x.sysctl(model.DeviceSysctl(6, x.facts.Underlay[6].Device, "accept_ra"), "2", "a forwarding host would no longer hear router advertisements on its underlay")
}

func (x *expander) sysctl(name, value, reason string) {
	x.noteNode("sysctls."+name, value, reason)
	x.emit(model.Sysctl{Name: name, Value: model.Some(value)}, "host", x.node.Pos)
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
