package export

import (
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// otherRoutes tells of the routes that somebody made and that lead to no peer: they
// stay as they are, but whoever reads the file shall not miss them.
func (x *exporter) otherRoutes(s *seen) {
	for _, p := range s.peers {
		for _, subnet := range p.subnets {
			k := model.RouteKey("", model.TableMain, subnet, model.Metric(subnet, 0))
			if s.told[k] = true; k.Spreadable() {
				s.told[k.Spread()] = true
			}
		}
	}
	for _, r := range s.routes[""] {
		if r.Dst.Bits() > 0 && somebodys(r) && !s.told[r.Key()] {
			x.leave(s.host.Node, "%s: it leads to no peer", routeText(r))
		}
	}
}

// otherPorts tells of the ports of the file's bridges that it doesn't have.
func (x *exporter) otherPorts(s *seen) {
	bridges, described := map[string]bool{}, map[string]bool{}
	for _, b := range s.node.bridges {
		bridges[b.name] = true
	}
	for _, ns := range s.node.namespaces {
		for _, i := range ns.interfaces {
			described[i.host] = true
		}
	}
	unnamed := map[string]int{} // ports by bridge
	for _, l := range s.links {
		bridge := l.Master.Value()
		if !bridges[bridge] || described[l.Name] || isTunnel(l) {
			continue
		}
		if ns := l.Peer.Value().Netns; l.Type.Value() == model.TypeVeth && (ns == "?" || ofRuntime(ns)) {
			unnamed[bridge]++
			continue
		}
		x.leave(s.host.Node, "link %s, a port of %s: it leads into no namespace of the file", l.Name, bridge)
	}
	for _, b := range s.node.bridges {
		if n := unnamed[b.name]; n > 0 {
			x.leave(s.host.Node, "%s of %s: into namespaces without a name, or of pods", counted(n, "port"), b.name)
		}
	}
}
