package export

import (
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// namespaces describes the namespaces that are on the bridges of the file.
func (x *exporter) namespaces(s *seen) {
	pods := 0
	taken := map[string]bool{}
	for _, b := range s.node.bridges {
		taken[b.name] = true
	}
	for _, n := range s.netns {
		owner := s.owner(n.Key())
		if owner == model.OwnerOther {
			continue
		}
		if ofRuntime(n.Name) && !owner.Mine() {
			pods++
			continue
		}
		ns := &namespace{name: n.Name}
		var apart []string // that are on no bridge of the file
		for _, l := range s.inside[n.Name] {
			if i := s.iface(l, taken); i != nil {
				ns.interfaces = append(ns.interfaces, i)
			} else if s.owner(l.Key()) != model.OwnerKernel {
				apart = append(apart, l.Name)
			}
		}
		if len(ns.interfaces) == 0 && !owner.Mine() {
			continue
		}
		if hidden(n.Name) {
			x.leave(s.host.Node, "netns %s: a topology ignores names that begin with x-", n.Name)
			continue
		}
		for _, name := range apart {
			why := "it is no veth to a bridge of the file"
			if hidden(name) {
				why = "a topology ignores names that begin with x-"
			}
			x.leave(s.host.Node, "link %s in netns %s: %s", name, n.Name, why)
		}
		x.inside(s, ns)
		s.node.namespaces = append(s.node.namespaces, ns)
	}
	if pods > 0 {
		x.leave(s.host.Node, "%s cni-...: a container runtime makes and removes such as it likes", counted(pods, "network namespace"))
	}
}

// iface describes the end of a veth whose other end is a port of a bridge of the file;
// nil for anything else.
func (s *seen) iface(l model.Link, bridges map[string]bool) *iface {
	peer, ok := l.Peer.Get()
	port := s.byName[peer.Name]
	if !ok || peer.Netns != "" || !bridges[port.Master.Value()] || hidden(l.Name) {
		return nil
	}
	i := &iface{name: l.Name, bridge: port.Master.Value(), host: port.Name, mtu: l.MTU.Value()}
	for _, p := range s.addresses[l.Key()] {
		if !p.Addr().Is6() || !p.Addr().IsLinkLocalUnicast() {
			i.addresses = append(i.addresses, p)
		}
	}
	return i
}

// inside describes the routes and sysctls of a namespace.
func (x *exporter) inside(s *seen, ns *namespace) {
	for _, r := range s.routes[ns.name] {
		if why := ns.cannot(r); why != "" {
			x.leave(s.host.Node, "%s in netns %s: %s", routeText(r), ns.name, why)
			continue
		}
		out := &route{to: r.Dst, via: r.Via.Value(), dev: r.Dev.Value()}
		if r.Metric != model.Metric(r.Dst, 0) {
			out.metric = r.Metric
		}
		ns.routes = append(ns.routes, out)
	}
	ns.noRoutes = len(ns.routes) == 0
	for _, v := range s.sysctls[ns.name] {
		// A namespace inherits ip_forward: only in one that can forward it was meant.
		if v.Saved.IsSet() || len(ns.interfaces) > 1 && v.Value.Value() == "1" && (v.Name == forwarding4 || v.Name == forwarding6) {
			ns.sysctls = append(ns.sysctls, v)
		}
	}
}

// The sysctls that make a namespace a router.
const (
	forwarding4 = "net.ipv4.ip_forward"
	forwarding6 = "net.ipv6.conf.all.forwarding"
)

// cannot says why a topology can't have a route of a namespace, or "".
func (ns *namespace) cannot(r model.Route) string {
	via := r.Via.Value()
	i := slices.IndexFunc(ns.interfaces, func(i *iface) bool { return i.name == r.Dev.Value() })
	switch {
	case !plain(r):
		return "a topology has routes to one next hop"
	case i < 0:
		return "it leads out of no interface of the file"
	case via.IsValid() && model.Family(via) != model.Family(r.Dst.Addr()):
		return "its gateway is of another family"
	case via.IsLinkLocalUnicast() && via.Is6():
		return "its gateway is link-local"
	case r.OnLink.Value() && !slices.ContainsFunc(ns.interfaces[i].addresses, func(p netip.Prefix) bool { return p.Contains(via) }):
		return "its gateway is in no subnet of the interface"
	}
	return ""
}
