package export

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// field is a value of the file that could be derived.
type field struct {
	node    string // that it is of; "" for the topology
	given   string
	drop    func()
	restore func()
	derived func(*reading) string // what the reader makes of it where the file says nothing
}

// fieldOf makes a field of a variable, whose zero value is nothing.
func fieldOf[T any](n *node, place *T, derived func(*reading) T) field {
	given := *place
	name := ""
	if n != nil {
		name = n.name
	}
	return field{
		node: name, given: fmt.Sprint(given),
		drop: func() { var none T; *place = none }, restore: func() { *place = given },
		derived: func(r *reading) string { return fmt.Sprint(derived(r)) },
	}
}

func (x *exporter) backendFields() []field {
	b := &x.out.backend
	return []field{
		fieldOf(nil, &b.vni, func(r *reading) uint32 { return r.topology.Backend.VNI }),
		fieldOf(nil, &b.port, func(r *reading) uint32 { return uint32(r.topology.Backend.Port) }),
		fieldOf(nil, &b.mode, func(r *reading) string { return r.topology.Backend.Mode }),
	}
}

// namedFields are those that spec derives, of names and values.
func (x *exporter) namedFields() [][]field {
	bridges, hosts := x.interfaceFields()
	return [][]field{x.overlayFields(), x.bridgeFields(), bridges, hosts, x.routeDevices()}
}

func (x *exporter) overlayFields() (l []field) {
	for _, n := range x.out.nodes {
		o := &n.overlay
		now := func(r *reading) *spec.Overlay { return &r.nodes[n.name].Overlay }
		if o.device != "" {
			l = append(l, fieldOf(n, &o.device, func(r *reading) string { return now(r).Device }))
		}
		if !o.mac.IsZero() {
			l = append(l, fieldOf(n, &o.mac, func(r *reading) model.MAC { return now(r).MAC }))
		}
		if len(o.addresses) > 0 {
			l = append(l, fieldOf(n, &o.addresses, func(r *reading) []netip.Prefix { return now(r).Addresses }))
		}
	}
	return l
}

func (x *exporter) overlayMTUs() (l []field) {
	for _, s := range x.seen {
		l = append(l, fieldOf(s.node, &s.node.overlay.mtu, func(r *reading) uint32 {
			for _, name := range s.overlayDevices(r) {
				if mtu := r.mtu(s, "", name); mtu != 0 {
					return mtu
				}
			}
			return 0
		}))
	}
	return l
}

// overlayDevices names the node's overlay device, or those to its peers.
func (s *seen) overlayDevices(r *reading) []string {
	n := r.nodes[s.node.name]
	if r.topology.Backend.Mode != spec.PerPeer {
		return []string{n.Overlay.Device}
	}
	var l []string
	for i := range r.topology.Nodes {
		if p := &r.topology.Nodes[i]; p != n {
			l = append(l, r.topology.TunnelName(n, p))
		}
	}
	return l
}

func (x *exporter) bridgeFields() (l []field) {
	for _, s := range x.seen {
		for _, b := range s.node.bridges {
			l = append(l, fieldOf(s.node, &b.mac, func(r *reading) model.MAC { return r.bridge(s, b.name).MAC }))
		}
	}
	return l
}

func (r *reading) bridge(s *seen, name string) spec.Bridge {
	return named(r.nodes[s.node.name].Bridges, name, func(b spec.Bridge) string { return b.Name })
}

// named finds something in a list that is sorted by name; without it, it is zero.
func named[T any](l []T, name string, nameOf func(T) string) (found T) {
	i, ok := slices.BinarySearchFunc(l, name, func(x T, name string) int { return cmp.Compare(nameOf(x), name) })
	if ok {
		found = l[i]
	}
	return found
}

func (x *exporter) bridgeMTUs() (l []field) {
	for _, s := range x.seen {
		for _, b := range s.node.bridges {
			l = append(l, fieldOf(s.node, &b.mtu, func(r *reading) uint32 { return r.mtu(s, "", b.name) }))
		}
	}
	return l
}

// eachInterface yields the interfaces of the namespaces.
func (x *exporter) eachInterface(yield func(s *seen, ns *namespace, i *iface)) {
	for _, s := range x.seen {
		for _, ns := range s.node.namespaces {
			for _, i := range ns.interfaces {
				yield(s, ns, i)
			}
		}
	}
}

func (x *exporter) interfaceFields() (bridges, hosts []field) {
	x.eachInterface(func(s *seen, ns *namespace, i *iface) {
		now := func(r *reading) spec.Interface {
			return named(r.namespace(s, ns).Interfaces, i.name, func(f spec.Interface) string { return f.Name })
		}
		if len(i.addresses) > 0 {
			bridges = append(bridges, fieldOf(s.node, &i.bridge, func(r *reading) string { return now(r).Bridge }))
		}
		hosts = append(hosts, fieldOf(s.node, &i.host, func(r *reading) string { return now(r).Host }))
	})
	return bridges, hosts
}

func (r *reading) namespace(s *seen, ns *namespace) spec.Namespace {
	return named(r.nodes[s.node.name].Namespaces, ns.name, func(n spec.Namespace) string { return n.Name })
}

func (x *exporter) interfaceMTUs() (l []field) {
	x.eachInterface(func(s *seen, ns *namespace, i *iface) {
		l = append(l, fieldOf(s.node, &i.mtu, func(r *reading) uint32 { return r.mtu(s, ns.name, i.name) }))
	})
	return l
}

// routeDevices are the devices of routes with a gateway.
func (x *exporter) routeDevices() (l []field) {
	for _, s := range x.seen {
		for _, ns := range s.node.namespaces {
			for k, rt := range ns.routes {
				if rt.via.IsValid() {
					l = append(l, fieldOf(s.node, &rt.dev, func(r *reading) string {
						if routes := r.namespace(s, ns).Routes; k < len(routes) {
							return routes[k].Dev
						}
						return ""
					}))
				}
			}
		}
	}
	return l
}

// routes are all routes of a namespace, which may be those that it gets anyway.
func (x *exporter) routes(full *reading) (l []field) {
	for _, s := range x.seen {
		for _, ns := range s.node.namespaces {
			routes, none := ns.routes, ns.noRoutes
			l = append(l, field{
				node: s.node.name, given: routesText(full.namespace(s, ns).Routes),
				drop:    func() { ns.routes, ns.noRoutes = nil, false },
				restore: func() { ns.routes, ns.noRoutes = routes, none },
				derived: func(r *reading) string { return routesText(r.namespace(s, ns).Routes) },
			})
		}
	}
	return l
}

func routesText(routes []spec.Route) string {
	var b strings.Builder
	for _, r := range routes {
		fmt.Fprintln(&b, r.To, r.Via, r.Dev, r.Metric)
	}
	return b.String()
}

// mtu returns the MTU that a link is to have; 0 where there is none.
func (r *reading) mtu(s *seen, netns, name string) uint32 {
	e, ok := r.states[s].State.Get(model.LinkKey(netns, name))
	if !ok {
		return 0
	}
	return e.Object.(model.Link).MTU.Value()
}
