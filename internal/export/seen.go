package export

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// seen is what was found out about a host.
type seen struct {
	*view
	host    Host
	node    *node
	backend backend
	peers   []*peer
	under   string             // the underlay device
	told    map[model.Key]bool // routes of which was told why they are left out
}

// peer is another node, as far as a host knows it.
type peer struct {
	addresses []netip.Addr // on the underlay, at most one a family
	mac       model.MAC    // of its VTEP; zero: not known
	overlay   []netip.Prefix
	subnets   []netip.Prefix
	name      string // that it must have, because of the name of the tunnel to it; "": any
	direct    bool   // known by a plain route
}

// way is one way to carry packets to peers that a host may have.
type way struct {
	backend backend
	device  string // that the peers' routes lead out of; "" for a tunnel a peer
	own     overlay
	local   netip.Addr // the underlay address; invalid: not known
	under   string     // the underlay device; "": the one with the address
	peers   []*peer
	left    []string
	told    []model.Key // the routes that left tells of
	ours    bool
}

func (w *way) leave(format string, args ...any) {
	w.left = append(w.left, fmt.Sprintf(format, args...))
}

// leaveRoute tells why a route is not in the file.
func (w *way) leaveRoute(r model.Route, format string, args ...any) {
	w.told = append(w.told, r.Key())
	w.leave("%s: %s", routeText(r), fmt.Sprintf(format, args...))
}

// host finds out about a host, and describes its own side.
func (x *exporter) host(h Host) error {
	s := &seen{view: newView(h.State), told: map[model.Key]bool{}, host: h, node: &node{name: h.Node}}
	s.node.seen = s
	if other := s.other(); other != "" {
		return fmt.Errorf("it carries the mark of %s, and no other topology or node can take it over; describe it as that, or destroy that first", other)
	}
	w := x.way(s)
	s.backend, s.node.overlay, s.peers = w.backend, w.own, w.peers
	for _, k := range w.told {
		s.told[k] = true
	}
	if err := s.underlay(w); err != nil {
		return err
	}
	if w.backend.kind != spec.HostGW {
		x.direct(s)
	}
	for _, l := range w.left {
		x.leave(h.Node, "%s", l)
	}
	x.otherRoutes(s)
	if err := x.bridges(s); err != nil {
		return err
	}
	x.namespaces(s)
	x.otherPorts(s)
	x.seen = append(x.seen, s)
	x.out.nodes = append(x.out.nodes, s.node)
	return nil
}

// other names who else has marked the host, or is "".
func (s *seen) other() string {
	for _, l := range s.links {
		if e, _ := s.state.Get(l.Key()); e.Owner == model.OwnerOther {
			return e.Maker
		}
	}
	return ""
}

// way decides which of the host's ways is the overlay: our own one, or the one to the
// most peers. A device that leads to nobody yet goes before plain routes.
func (x *exporter) way(s *seen) way {
	ways := slices.Concat(s.vxlans(), s.multipoints(), s.tunnels())
	slices.SortStableFunc(ways, func(a, b way) int {
		return cmp.Or(boolToInt(b.ours)-boolToInt(a.ours), len(b.peers)-len(a.peers))
	})
	for i := 1; i < len(ways); i++ {
		x.leave(s.host.Node, "%s %s: a topology has one overlay, and this is not the one with the most peers", ways[i].backend.kind, ways[i].device)
	}
	for _, l := range s.links {
		if isTunnel(l) && l.Master.Value() != "" {
			x.leave(s.host.Node, "link %s, a port of %s: one Ethernet for several hosts is none of the backends", l.Name, l.Master.Value())
		}
	}
	if len(ways) > 0 {
		return ways[0]
	}
	w := s.plainRoutes()
	if len(w.peers) == 0 {
		x.assume("the backend host-gw: %s has neither an overlay device nor routes to peers", s.host.Node)
	}
	return w
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// underlay finds the node's address on the underlay, and its device.
func (s *seen) underlay(w way) error {
	a := w.local
	if !a.IsValid() {
		a = s.addressFor(w)
	}
	if !a.IsValid() {
		return errors.New("no address of the host's is the one that its peers would know it by: neither an overlay device nor a route to a peer tells")
	}
	dev, only := s.holder(a)
	if dev == "" {
		return fmt.Errorf("no device has the address %s that the overlay device sends from", a)
	}
	s.under = cmp.Or(w.under, dev)
	if !only {
		s.node.iface = s.under
	}
	s.node.addresses = append(s.node.addresses, a)
	if e, ok := s.state.Get(model.SysctlKey("", model.DeviceSysctl(6, s.under, "accept_ra"))); ok && e.Object.(model.Sysctl).Saved.IsSet() {
		s.addAddress(6) // we have set it for the node's IPv6 address on the underlay
	}
	for _, p := range s.peers {
		for _, far := range p.addresses {
			s.addAddress(model.Family(far))
		}
	}
	return nil
}

// addressFor returns the address that a device without one of its own sends from: one
// beside the first peer, or the underlay device's first; without a peer, that of the
// default route's device.
func (s *seen) addressFor(w way) netip.Addr {
	dev, family := w.under, 4
	if len(w.peers) > 0 {
		far := w.peers[0].addresses[0]
		family = model.Family(far)
		for _, l := range s.links {
			for _, own := range s.on(l.Name) {
				if own.Contains(far) && (dev == "" || l.Name == dev) {
					return own.Addr()
				}
			}
		}
	}
	for _, whole := range []string{"0.0.0.0/0", "::/0"} {
		if r, ok := s.fib[netip.MustParsePrefix(whole)]; ok && dev == "" {
			dev, family = r.Dev.Value(), model.Family(r.Dst.Addr())
		}
	}
	return s.first(dev, family)
}

// first returns the first address of the family on a device, or the invalid Addr.
func (s *seen) first(dev string, family int) netip.Addr {
	for _, p := range s.on(dev) {
		if model.Family(p.Addr()) == family && !p.Addr().IsLinkLocalUnicast() && !p.Addr().IsLoopback() {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// addAddress gives the node the underlay device's address of a family, too.
func (s *seen) addAddress(family int) {
	if a := s.first(s.under, family); !s.node.address(family).IsValid() && a.IsValid() {
		s.node.addresses = append(s.node.addresses, a)
	}
}

// device describes an overlay device itself.
func (s *seen) device(w *way, l model.Link) {
	w.own.device, w.own.mtu = l.Name, l.MTU.Value()
	w.ours = s.owner(l.Key()).Mine()
	w.own.addresses = s.tunnelAddresses(w, l.Name)
}

// tunnelAddresses returns the addresses of an overlay device, at most one a family.
func (s *seen) tunnelAddresses(w *way, dev string) (l []netip.Prefix) {
	for _, p := range s.on(dev) {
		switch {
		case p.Addr().IsLinkLocalUnicast() && p.Addr().Is6():
		case slices.ContainsFunc(l, func(o netip.Prefix) bool { return o.Addr().BitLen() == p.Addr().BitLen() }):
			w.leave("address %s on %s: an overlay device has one a family", p, dev)
		default:
			l = append(l, p)
		}
	}
	return l
}

// candidate says whether a device may be the overlay: not another topology's, nor a port
// of a bridge, which carries one Ethernet to all peers.
func (s *seen) candidate(l model.Link) bool {
	owner := s.owner(l.Key())
	return owner != model.OwnerOther && owner != model.OwnerKernel && l.Master.Value() == ""
}

// oddMetric says what is wrong with the metric of a route to a peer: a topology has them
// without one, or with that of their destination.
func (s *seen) oddMetric(r model.Route) string {
	k := r.Key()
	switch {
	case k.Metric == model.Metric(r.Dst, 0):
		return ""
	case !k.Spreadable() || k != k.Spread():
		return "routes to peers have no such metric"
	}
	if _, undercut := s.state.Get(k.Plain()); undercut {
		return "the one without a metric takes its packets"
	}
	return ""
}

// routesOf yields the routes out of a device that a topology may stand for, and tells
// the others.
func (s *seen) routesOf(w *way, dev string) (l []model.Route) {
	for _, r := range s.routes[""] {
		switch {
		case !r.OutOf(func(link string) bool { return link == dev }):
		case !plain(r):
			w.leaveRoute(r, "a topology has routes to one next hop")
		default:
			if why := s.oddMetric(r); why != "" {
				w.leaveRoute(r, "%s", why)
				continue
			}
			l = append(l, r)
		}
	}
	return l
}
