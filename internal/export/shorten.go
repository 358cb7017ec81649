package export

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// reading is what a reader makes of the file.
type reading struct {
	topology *spec.Topology
	nodes    map[string]*spec.Node
	states   map[*seen]*desired.Expansion
}

// read reads the file, and expands it for each host that was observed.
func (x *exporter) read() (*reading, error) {
	w := x.out.write(true)
	t, problems := spec.Parse([]spec.Source{{Name: "export", Data: []byte(w.String())}})
	if t == nil {
		return nil, x.refused(problems)
	}
	r := &reading{topology: t, nodes: map[string]*spec.Node{}, states: map[*seen]*desired.Expansion{}}
	for i := range t.Nodes {
		r.nodes[t.Nodes[i].Name] = &t.Nodes[i]
	}
	for _, s := range x.seen {
		n := r.nodes[s.node.name]
		e, err := desired.Expand(t, n, s.facts(s.node, desired.Peers(t, n)))
		if err != nil {
			return nil, err
		}
		r.states[s] = e
	}
	return r, nil
}

// mtu returns the MTU that a link is to have; 0 where there is none.
func (r *reading) mtu(s *seen, netns, name string) uint32 {
	e, ok := r.states[s].State.Get(model.LinkKey(netns, name))
	if !ok {
		return 0
	}
	return e.Object.(model.Link).MTU.Value()
}

// field is a value of the file that could be derived.
type field struct {
	given   string
	drop    func()
	restore func()
	derived func(*reading) string // what the reader makes of it where the file says nothing
}

// fieldOf makes a field of a variable, whose zero value is nothing.
func fieldOf[T any](place *T, derived func(*reading) T) field {
	given := *place
	return field{
		given: fmt.Sprint(given),
		drop:  func() { var none T; *place = none }, restore: func() { *place = given },
		derived: func(r *reading) string { return fmt.Sprint(derived(r)) },
	}
}

// shorten leaves out of the file what its reader would derive. What is derived from
// something else comes after it.
func (x *exporter) shorten() error {
	full, err := x.withoutDefaults()
	if err != nil {
		return err
	}
	for _, fields := range []func() []field{
		x.backendFields, x.overlayFields, x.overlayMTUs, x.bridgeFields, x.bridgeMTUs, x.interfaceFields, x.interfaceMTUs,
		x.routeDevices, x.routes,
	} {
		if err := x.dropDerived(fields()); err != nil {
			return err
		}
	}
	short, err := x.read()
	if err != nil {
		return err
	}
	for s, e := range full.states {
		if !same(e.State, short.states[s].State) {
			return fmt.Errorf("the shortened file would not mean the same for %s: this is an error in the program", s.host.Node)
		}
	}
	return nil
}

// withoutDefaults reads the file, and leaves the routes of a namespace out that would get
// a default route with them which isn't there.
func (x *exporter) withoutDefaults() (*reading, error) {
	r, err := x.read()
	if err != nil {
		return nil, err
	}
	again := false
	for _, s := range x.seen {
		for _, ns := range s.node.namespaces {
			if ns.noRoutes || len(r.namespace(s, ns).Routes) == len(ns.routes) {
				continue
			}
			for _, rt := range ns.routes {
				x.leave("route %s via %s in netns %s of %s: a namespace with routes has a default route of each family, and this one has not",
					rt.to, rt.via, ns.name, s.host.Node)
			}
			ns.routes, ns.noRoutes, again = nil, true, true
		}
	}
	if again {
		return x.read()
	}
	return r, nil
}

// dropDerived drops all fields at once, and restores those that came out otherwise.
// Where a file without them can't be read, such as one with a name twice, all stay.
func (x *exporter) dropDerived(fields []field) error {
	for _, f := range fields {
		f.drop()
	}
	r, err := x.read()
	for _, f := range fields {
		if err != nil || f.derived(r) != f.given {
			f.restore()
		}
	}
	return nil
}

func (x *exporter) backendFields() []field {
	b := &x.out.backend
	return []field{
		fieldOf(&b.vni, func(r *reading) uint32 { return r.topology.Backend.VNI }),
		fieldOf(&b.port, func(r *reading) uint32 { return uint32(r.topology.Backend.Port) }),
		fieldOf(&b.mode, func(r *reading) string { return r.topology.Backend.Mode }),
	}
}

func (x *exporter) overlayFields() (l []field) {
	for _, n := range x.out.nodes {
		o := &n.overlay
		now := func(r *reading) *spec.Overlay { return &r.nodes[n.name].Overlay }
		if o.device != "" {
			l = append(l, fieldOf(&o.device, func(r *reading) string { return now(r).Device }))
		}
		if !o.mac.IsZero() {
			l = append(l, fieldOf(&o.mac, func(r *reading) model.MAC { return now(r).MAC }))
		}
		if len(o.addresses) > 0 {
			l = append(l, fieldOf(&o.addresses, func(r *reading) []netip.Prefix { return now(r).Addresses }))
		}
	}
	return l
}

func (x *exporter) overlayMTUs() (l []field) {
	for _, s := range x.seen {
		l = append(l, fieldOf(&s.node.overlay.mtu, func(r *reading) uint32 {
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
			l = append(l, fieldOf(&b.mac, func(r *reading) model.MAC { return r.bridge(s, b.name).MAC }))
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
			l = append(l, fieldOf(&b.mtu, func(r *reading) uint32 { return r.mtu(s, "", b.name) }))
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

func (x *exporter) interfaceFields() (l []field) {
	x.eachInterface(func(s *seen, ns *namespace, i *iface) {
		now := func(r *reading) spec.Interface {
			return named(r.namespace(s, ns).Interfaces, i.name, func(f spec.Interface) string { return f.Name })
		}
		if len(i.addresses) > 0 {
			l = append(l, fieldOf(&i.bridge, func(r *reading) string { return now(r).Bridge }))
		}
		l = append(l, fieldOf(&i.host, func(r *reading) string { return now(r).Host }))
	})
	return l
}

func (r *reading) namespace(s *seen, ns *namespace) spec.Namespace {
	return named(r.nodes[s.node.name].Namespaces, ns.name, func(n spec.Namespace) string { return n.Name })
}

func (x *exporter) interfaceMTUs() (l []field) {
	x.eachInterface(func(s *seen, ns *namespace, i *iface) {
		l = append(l, fieldOf(&i.mtu, func(r *reading) uint32 { return r.mtu(s, ns.name, i.name) }))
	})
	return l
}

// routeDevices are the devices of routes with a gateway.
func (x *exporter) routeDevices() (l []field) {
	for _, s := range x.seen {
		for _, ns := range s.node.namespaces {
			for k, rt := range ns.routes {
				if rt.via.IsValid() {
					l = append(l, fieldOf(&rt.dev, func(r *reading) string {
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
func (x *exporter) routes() (l []field) {
	full, err := x.read()
	if err != nil {
		return nil
	}
	for _, s := range x.seen {
		for _, ns := range s.node.namespaces {
			routes, none := ns.routes, ns.noRoutes
			l = append(l, field{
				given:   routesText(full.namespace(s, ns).Routes),
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

// same compares two states but for where the objects were declared.
func same(a, b *model.State) bool {
	if a.Len() != b.Len() {
		return false
	}
	for e := range a.Unordered() {
		o, ok := b.Get(e.Object.Key())
		if !ok || o.Object != e.Object {
			return false
		}
	}
	return true
}
