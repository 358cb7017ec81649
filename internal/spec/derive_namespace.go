package spec

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

func (y *nodeDeriver) namespace(r *rawNamespace) Namespace {
	ns := Namespace{Name: r.name, Pos: r.key.pos()}
	slices.SortFunc(r.interfaces, func(a, b rawInterface) int { return cmp.Compare(a.name, b.name) })
	ns.Interfaces = y.slabs.interfaces.list(len(r.interfaces))
	for i := range r.interfaces {
		ns.Interfaces = append(ns.Interfaces, y.iface(r, &r.interfaces[i]))
	}
	y.routes(r, &ns)
	ns.Sysctls = y.sysctls(r)
	return ns
}

// sysctls joins the namespace's own with the defaults, by name. A default for an
// interface is for the namespaces that have it.
func (y *nodeDeriver) sysctls(r *rawNamespace) []Sysctl {
	defaults := y.deriver.raw.defaults.namespace.sysctls
	if len(r.sysctls)+len(defaults) == 0 {
		return nil
	}
	var l []Sysctl
	var own map[string]bool
	if len(r.sysctls) > 0 {
		own = make(map[string]bool, len(r.sysctls))
	}
	for _, s := range r.sysctls {
		own[s.name] = true
		l = append(l, Sysctl{Name: s.name, Value: normal(s.value.v), Pos: s.key.pos()})
	}
	for _, s := range defaults {
		if dev := s.device(); !own[s.name] && (dev == "" || r.has(dev)) {
			l = append(l, Sysctl{Name: s.name, Value: normal(s.value.v), Pos: s.key.pos()})
		}
	}
	slices.SortFunc(l, func(a, b Sysctl) int { return cmp.Compare(a.Name, b.Name) })
	return l
}

// normal writes a sysctl's value as the kernel's is read: with single spaces.
func normal(v string) string { return strings.Join(strings.Fields(v), " ") }

func (y *nodeDeriver) iface(ns *rawNamespace, r *rawInterface) Interface {
	i := Interface{
		Name: r.name, MAC: r.mac.v, Host: r.host.v,
		MTU: r.mtu.or(y.deriver.raw.defaults.mtu).v, Pos: r.at.pos(),
	}
	if r.key.given() {
		i.Pos = r.key.pos()
	}
	i.Addresses = y.slabs.addresses(r.addresses)
	if i.Bridge = y.bridgeOf(r); i.Bridge != "" && !r.bridge.given() {
		i.Made |= madeBridge
	}
	if !r.host.given() {
		i.Host = y.veths.of(ns.name, r.name, len(y.out.Namespaces))
		i.Made |= madeHost
	}
	return i
}

// bridgeOf returns the bridge that an interface is on: the one it names, else the
// one whose subnet holds its addresses.
func (y *nodeDeriver) bridgeOf(r *rawInterface) string {
	if r.bridge.given() {
		y.checkBridge(r)
		return r.bridge.v
	}
	found := ""
	for _, a := range r.addresses {
		b := y.holder(a.v.Addr())
		switch {
		case b == nil:
			y.noBridge(a)
		case found == "":
			found = b.name
		case b.name != found:
			y.errorf(codeWrongBridge, a.at, "an interface is on one bridge; make another interface", "%s is in the subnet of the bridge %s, but the interface is on %s", a.v, b.name, found)
		}
	}
	if len(r.addresses) == 0 && !r.at.empty() && r.at.shape() == mapping && !r.at.get("addresses").given() {
		y.errorf(codeNoBridge, r.at, "name it with bridge:", "without an address, nothing says which bridge the interface is on")
	}
	return found
}

// holder finds the bridge with a subnet that holds the address.
func (y *nodeDeriver) holder(a netip.Addr) *rawBridge {
	for i := range y.raw.bridges {
		b := &y.raw.bridges[i]
		for _, p := range b.addresses {
			if p.v.Masked().Contains(a) {
				return b
			}
		}
	}
	return nil
}

// noBridge tells that no bridge has the subnet of an address; what is wrong with a
// bridge was told already.
func (y *nodeDeriver) noBridge(a value[netip.Prefix]) {
	const most = 5
	var there []string
	more := 0
	for _, b := range y.raw.bridges {
		if b.broken {
			return
		}
		for _, p := range b.addresses {
			if len(there) == most {
				more++
				continue
			}
			there = append(there, fmt.Sprintf("%s (%s)", b.name, p.v.Masked()))
		}
	}
	if len(there) == 0 {
		y.errorf(codeWrongBridge, a.at, "give the node a bridge with an address in the subnet", "no bridge of the node holds %s: it has none", a.v)
		return
	}
	list := strings.Join(there, ", ")
	if more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	y.errorf(codeWrongBridge, a.at, "", "no bridge of the node has a subnet that holds %s; there is %s", a.v, list)
}

// checkBridge checks a bridge that an interface names.
func (y *nodeDeriver) checkBridge(r *rawInterface) {
	var names []string
	for _, b := range y.raw.bridges {
		names = append(names, b.name)
		if b.name != r.bridge.v {
			continue
		}
		for _, a := range r.addresses {
			if !b.broken && len(b.addresses) > 0 && !slices.ContainsFunc(b.addresses, func(p value[netip.Prefix]) bool { return p.v.Masked().Contains(a.v.Addr()) }) {
				y.errorf(codeWrongBridge, a.at, "", "%s is outside the subnets of the bridge %s", a.v, b.name)
			}
		}
		return
	}
	y.errorf(codeUnknownBridge, r.bridge.at, didYouMean(r.bridge.v, names), "the node has no bridge %q", r.bridge.v)
}
