package review

import (
	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/desired/backend"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"net/netip"
)

// assumedMTU is the underlay device's where neither version of a file says more.
const assumedMTU = 1500

// assume returns the facts of a node's host for one version of a topology, given the
// other one, in which the node may be missing: twin is what it is there. A host has one
// underlay device with one MTU: where only one version names the device, it is that, and
// its MTU is what the larger version counts on.
func assume(t, other *spec.Topology, node, twin *spec.Node) model.Facts {
	f := desired.Assume(t, node)
	mtu := max(assumedMTU, t.MTU, other.MTU)
	for family, u := range f.Underlay {
		u.MTU = mtu
		if node.Interface == "" && twin != nil && twin.Interface != "" {
			u.Device = twin.Interface
		}
		f.Underlay[family] = u
	}
	if b, err := backend.For(t.Backend); err == nil && b.NeedsDirect {
		// Whoever asks for this backend says that the nodes are on one link.
		direct := map[netip.Addr]model.Direct{}
		for a := range f.Direct.All() {
			direct[a] = model.Direct{OK: true, Reason: "assumed, as " + t.Backend.Type + " needs it"}
		}
		f.Direct = model.DirectsOf(direct)
	}
	return f
}

// converged returns what a host that has all of the base would show, with what the base
// leaves open left open: the plan compares nothing else. What the kernel makes for itself,
// such as routes to the subnets of addresses, changes no plan, and is left out. asked is
// what is wanted next: of parameters that the base doesn't set, and devices that it doesn't
// name, the host has something, too.
func converged(base, asked *model.State) *model.State {
	s := &model.State{}
	for e := range base.Unordered() {
		if e.Ref {
			putDevice(s, e.Object)
			continue
		}
		if x, ok := e.Object.(model.Sysctl); ok {
			x.Saved = model.Some(other(x.Value.Value()))
			e.Object = x
		}
		s.Put(model.Entry{Object: e.Object, Owner: model.OwnerOurs})
	}
	for e := range asked.Unordered() {
		switch o := e.Object.(type) {
		case model.Link:
			if e.Ref {
				putDevice(s, o)
			}
		case model.Sysctl:
			putUnset(s, o)
		}
	}
	return s
}

// putDevice adds an underlay device.
func putDevice(s *model.State, o model.Object) {
	if _, ok := s.Get(o.Key()); !ok {
		l := model.Link{Name: o.Key().Name, Type: model.Some(""), Up: model.Some(true)}
		s.Put(model.Entry{Object: l, Owner: model.OwnerForeign})
	}
}

// putUnset adds a parameter that is wanted and was not set before, where what it belongs
// to is there already.
func putUnset(s *model.State, x model.Sysctl) {
	if _, ok := s.Get(x.Key()); ok {
		return
	}
	for _, n := range x.Needs() {
		if _, ok := s.Get(n.Key); !ok {
			return
		}
	}
	x.Value = model.Some(other(x.Value.Value()))
	s.Put(model.Entry{Object: x, Owner: model.OwnerShared})
}

// other returns what a parameter was, before it was set to a value: of a switch the other
// position, else nothing that is known.
func other(value string) string {
	switch value {
	case "0":
		return "1"
	case "1":
		return "0"
	}
	return ""
}
