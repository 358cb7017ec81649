package export

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Metrics and protocols of routes that a topology may stand for: those that somebody
// added by hand or a program like flannel does (RTPROT_BOOT, RTPROT_STATIC), and ours.
const (
	protocolBoot, protocolStatic = 3, 4
)

// view is an observed host by what is asked of it.
type view struct {
	state      *model.State
	links      []model.Link // of the root namespace, by name
	byName     map[string]model.Link
	inside     map[string][]model.Link // the links of a namespace that was looked into
	netns      []model.Netns
	addresses  map[model.Key][]netip.Prefix // of a link, but those that the kernel makes
	routes     map[string][]model.Route     // of a namespace, but those that the kernel makes
	fib        map[netip.Prefix]model.Route // of the root namespace, whoever made it: the best one to a destination
	neighbours map[string]map[netip.Addr]model.MAC
	fdb        map[string]map[model.MAC]netip.Addr
	sysctls    map[string][]model.Sysctl // of a namespace
	joined     map[string]bool           // the bridges with a port that leads into a named namespace
	protocols  bool                      // addresses have a protocol
}

func newView(s *model.State) *view {
	v := &view{
		state: s, byName: map[string]model.Link{}, inside: map[string][]model.Link{},
		addresses: map[model.Key][]netip.Prefix{}, routes: map[string][]model.Route{},
		sysctls: map[string][]model.Sysctl{}, joined: map[string]bool{}, fib: map[netip.Prefix]model.Route{}, neighbours: map[string]map[netip.Addr]model.MAC{}, fdb: map[string]map[model.MAC]netip.Addr{},
	}
	for e := range s.All() {
		v.add(e)
	}
	return v
}

func (v *view) add(e model.Entry) {
	switch o := e.Object.(type) {
	case model.Netns:
		v.netns = append(v.netns, o)
	case model.Link:
		v.inside[o.Netns] = append(v.inside[o.Netns], o)
		if o.Netns == "" {
			v.links = append(v.links, o)
			v.byName[o.Name] = o
		}
		if ns := o.Peer.Value().Netns; o.Netns == "" && ns != "" && ns != "?" && !ofRuntime(ns) {
			v.joined[o.Master.Value()] = true
		}
	case model.Sysctl:
		v.sysctls[o.Netns] = append(v.sysctls[o.Netns], o)
	case model.Address:
		v.protocols = v.protocols || o.Protocol.IsSet()
		if e.Owner != model.OwnerKernel {
			k := model.LinkKey(o.Netns, o.Link)
			v.addresses[k] = append(v.addresses[k], o.Prefix)
		}
	case model.Neighbour:
		put(v.neighbours, o.Link, o.IP, o.MAC.Value())
	case model.FDBEntry:
		put(v.fdb, o.Link, o.MAC, o.Dst.Value())
	case model.Route:
		if _, ok := v.fib[o.Dst]; o.Netns == "" && !ok { // sorted by metric
			v.fib[o.Dst] = o
		}
		if e.Owner != model.OwnerKernel {
			v.routes[o.Netns] = append(v.routes[o.Netns], o)
		}
	}
}

func put[K, L comparable, T any](m map[L]map[K]T, of L, k K, value T) {
	if m[of] == nil {
		m[of] = map[K]T{}
	}
	m[of][k] = value
}

// owner tells whose an object is.
func (v *view) owner(k model.Key) model.Owner {
	e, _ := v.state.Get(k)
	return e.Owner
}

func (v *view) on(link string) []netip.Prefix { return v.addresses[model.LinkKey("", link)] }

// holder returns the link of the root namespace with an address, and whether there is
// just one.
func (v *view) holder(a netip.Addr) (link string, only bool) {
	for _, l := range v.links {
		if slices.ContainsFunc(v.on(l.Name), func(p netip.Prefix) bool { return p.Addr() == a }) {
			if link != "" {
				return link, false
			}
			link = l.Name
		}
	}
	return link, link != ""
}

// facts are what expansion must know of the host, as far as its own tables tell.
func (v *view) facts(n *node, peers []netip.Addr) model.Facts {
	f := model.Facts{Underlay: map[int]model.Underlay{}, AddressProtocol: v.protocols}
	for _, a := range n.addresses {
		dev, _ := v.holder(a)
		dev = cmp.Or(n.iface, dev)
		u := model.Underlay{Device: dev, MTU: v.byName[dev].MTU.Value()}
		for _, p := range v.on(dev) {
			if p.Addr() == a {
				u.Prefix = p
			}
		}
		f.Underlay[model.Family(a)] = u
	}
	if u, ok := f.Underlay[6]; ok {
		if e, ok := v.state.Get(model.SysctlKey("", model.DeviceSysctl(6, u.Device, "accept_ra"))); ok {
			f.AcceptRA = e.Object.(model.Sysctl).Value.Value()
		}
	}
	direct := map[netip.Addr]model.Direct{}
	for _, p := range peers {
		direct[p] = v.direct(p, f.Underlay[model.Family(p)].Device)
	}
	f.Direct = model.DirectsOf(direct)
	return f
}

// direct says whether a peer is on the link of a device, by the main table: the route
// with the longest prefix leads out of the device and has no gateway.
func (v *view) direct(peer netip.Addr, dev string) model.Direct {
	var best model.Route
	for bits := peer.BitLen(); bits >= 0 && !best.Dst.IsValid(); bits-- {
		p, _ := peer.Prefix(bits) // it fits
		best = v.fib[p]
	}
	ok := dev != "" && best.Type.Value() == "unicast" && best.Dev.Value() == dev && !best.Via.Value().IsValid() &&
		best.NextHops.Value() == "" && (peer.Is6() || best.Scope.Value() == model.ScopeLink)
	return model.Direct{OK: ok, Reason: "the host's routes"}
}

// plain says whether a route is one to a single next hop, with nothing that a topology
// can't say.
func plain(r model.Route) bool {
	return r.Type.Value() == "unicast" && r.NextHops.Value() == "" && r.Table == model.TableMain
}

// somebodys says whether a route was made by hand, by a program that leaves it as if it
// had been, or by us.
func somebodys(r model.Route) bool {
	p := r.Protocol.Value()
	return p == protocolBoot || p == protocolStatic || p == model.MarkProtocol
}

func sortedAddrs[T any](m map[netip.Addr]T) []netip.Addr {
	var l []netip.Addr
	for a := range m {
		l = append(l, a)
	}
	slices.SortFunc(l, netip.Addr.Compare)
	return l
}
