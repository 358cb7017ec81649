package diff

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Touch is a change that may cut the connection by which the host is managed.
type Touch struct {
	Action Action
	Object model.Object
	Cause  model.Key // the step that it goes with; zero: it has one of its own
	Why    string    // "br0 carries the default route"
}

// Touches returns what the plan's steps do to what carries the management connection:
// what they change or take along of it, and what would draw its packets elsewhere. The
// table in docs/safety.md lists the ways that there are. Creating something that only
// uses a device, such as a route or a vxlan device over it, touches nothing.
func Touches(p *Plan, observed *model.State, m model.Management) []Touch {
	if len(m.Ways) == 0 {
		return nil
	}
	g := &guard{plan: p, observed: observed, ways: m.Ways}
	g.carriers = carriersOf(m, observed)
	g.router = newRouter(m, p.Steps)
	for _, s := range p.Steps {
		g.step(s)
	}
	return g.found
}

// guard looks at steps, one after the other.
type guard struct {
	plan     *Plan
	observed *model.State
	ways     []model.Way
	actions  map[model.Key]Action // of the changes; made when first needed
	carriers *carriers
	router   *router
	found    []Touch
}

// actionOn returns what the plan does to an object, 0 for nothing.
func (g *guard) actionOn(k model.Key) Action {
	if g.actions == nil {
		g.actions = make(map[model.Key]Action, len(g.plan.Changes))
		for i := range g.plan.Changes {
			c := &g.plan.Changes[i]
			g.actions[c.Key()] = c.Action
		}
	}
	return g.actions[k]
}

func (g *guard) add(o model.Object, cause model.Key, why string) {
	if why == "" {
		return
	}
	t := Touch{Action: g.actionOn(o.Key()), Object: o, Cause: cause, Why: why}
	if t.Action == 0 {
		t.Action = Delete // by the kernel, with the step
	}
	same := func(x Touch) bool { return x.Object.Key() == o.Key() && x.Why == why }
	if !slices.ContainsFunc(g.found, same) {
		g.found = append(g.found, t)
	}
}

func (g *guard) step(s model.Step) {
	none := model.Key{}
	if v, ok := s.Object().(model.Sysctl); ok {
		g.add(v, none, g.sysctl(s))
	}
	why := ""
	if s.Before != nil {
		why = g.losing(s.Before)
	}
	if s.After != nil && why == "" {
		why = g.making(s)
	}
	g.add(s.Object(), none, why)
	for _, o := range slices.Concat(s.Lost(), s.Restore()) {
		g.add(o, s.Key(), g.losing(o))
	}
	for _, o := range s.Released() {
		if g.actionOn(o.Key()) == 0 {
			g.actions[o.Key()] = Update // by the kernel: it has no master any more
		}
		g.add(o, s.Key(), g.losing(o))
	}
}

// losing says what an object that is there carries, if it is changed or goes; "" for
// nothing.
func (g *guard) losing(o model.Object) string {
	k := o.Key()
	if s := g.carriers.netns(k); s != "" {
		return s
	}
	if k.Netns != "" {
		return ""
	}
	switch o := o.(type) {
	case model.Link:
		if peer, ok := o.Peer.Get(); ok && o.Primary() {
			if s := g.carriers.netns(model.NetnsKey(peer.Netns)); s != "" {
				return s
			}
		}
		return g.carriers.clause(o.Name)
	case model.Address:
		return g.losingAddress(o)
	case model.Route:
		return g.losingRoute(o)
	case model.Neighbour:
		return g.nextHop(o.Link, func(next netip.Addr) bool { return next == o.IP })
	case model.FDBEntry:
		return g.nextHop(o.Link, func(next netip.Addr) bool {
			e, ok := g.observed.Get(model.NeighbourKey("", o.Link, next))
			return ok && e.Object.(model.Neighbour).MAC.Value() == o.MAC
		})
	}
	return ""
}

func (g *guard) losingAddress(a model.Address) string {
	for _, w := range g.ways {
		if w.Local.IsValid() && w.Local == a.Prefix.Addr() {
			return fmt.Sprintf("%s is this host's end of %s", w.Local, w.For)
		}
	}
	return g.carriers.clause(a.Link)
}

func (g *guard) losingRoute(r model.Route) string {
	var l []string
	for _, w := range g.ways {
		if w.Table == r.Table && w.Dst == r.Dst && w.Metric == r.Metric && !slices.Contains(l, w.For) {
			l = append(l, w.For)
		}
	}
	switch {
	case len(l) == 0:
		return ""
	case r.Dst.Bits() == 0 && len(l) == 1:
		return "it is " + l[0]
	case r.Dst.Bits() == 0:
		return fmt.Sprintf("it is %s, and carries %s", l[0], strings.Join(l[1:], " and "))
	}
	return "it carries " + strings.Join(l, " and ")
}

// nextHop says what leads out of the link to a next hop that is meant.
func (g *guard) nextHop(link string, meant func(netip.Addr) bool) string {
	for _, w := range g.ways {
		for _, hop := range w.Hops {
			next := w.Next(hop)
			if hop.Dev == link && next.IsValid() && meant(next) {
				return fmt.Sprintf("%s is the next hop of %s", next, w.For)
			}
		}
	}
	return ""
}

// making says whose packets what the step makes would draw to itself; "" for nobody's.
func (g *guard) making(s model.Step) string {
	if s.Key().Netns != "" {
		return ""
	}
	switch o := s.After.(type) {
	case model.Link:
		before, _ := s.Before.(model.Link)
		return cmp.Or(g.makingLink(o), g.comingUp(before, o))
	case model.Address:
		return g.makingAddress(o)
	case model.Route:
		return g.makingRoute(o)
	}
	return ""
}

// makingLink is about ipip tunnels: of those that fit a packet, the kernel gives it to
// the one whose ends say most (ip_tunnel_lookup, net/ipv4/ip_tunnel.c), which may be a
// new one.
func (g *guard) makingLink(l model.Link) string {
	if _, there := g.observed.Get(l.Key()); there || l.Type.Value() != model.TypeIPIP {
		return ""
	}
	for _, w := range g.ways {
		for _, hop := range w.Hops {
			e, ok := g.observed.Get(model.LinkKey("", hop.Dev))
			if !ok || hop.Dev == l.Name {
				continue
			}
			old := e.Object.(model.Link)
			if old.Type.Value() == model.TypeIPIP && !(old.IPIP.Local.Value().IsValid() && old.IPIP.Remote.Value().IsValid()) {
				return fmt.Sprintf("it could take over packets that %s receives, which carries %s", hop.Dev, w.For)
			}
		}
	}
	return ""
}

// connectedMetric6 is the metric of the route that the kernel makes for an IPv6
// address's subnet (IP6_RT_PRIO_ADDRCONF).
const connectedMetric6 = 256

// makingAddress is about what the kernel makes for an address: a route for its subnet,
// and entries of the table local, which comes before all others, for the address
// itself, the subnet's and the broadcast address.
func (g *guard) makingAddress(a model.Address) string {
	if _, there := g.observed.Get(a.Key()); there {
		return ""
	}
	return g.subnet(a)
}

// comingUp is about a link that is set up again: only then its subnets have routes.
func (g *guard) comingUp(before, after model.Link) string {
	if before.Name == "" || before.Up.Value() || !after.Up.Value() {
		return ""
	}
	for _, a := range g.carriers.addresses {
		if a.Netns == "" && a.Link == after.Name {
			if why := g.subnet(a); why != "" {
				return why
			}
		}
	}
	return ""
}

// subnet says whose packets an address draws, if its link is up.
func (g *guard) subnet(a model.Address) string {
	metric := uint32(0)
	if a.Prefix.Addr().Is6() {
		metric = connectedMetric6
	}
	for _, w := range g.ways {
		if w.To.IsValid() && slices.Contains(localEntries(a.Prefix), w.To) {
			return fmt.Sprintf("packets to %s would no longer leave this host, and they carry %s", w.To, w.For)
		}
	}
	return g.drawing(a.Prefix.Masked(), metric, model.Hop{Dev: a.Link})
}

// localEntries are the addresses that packets no longer leave the host for when it has
// an address: that one, and for a subnet the first and, of IPv4, the last one.
func localEntries(p netip.Prefix) []netip.Addr {
	l := []netip.Addr{p.Addr()}
	if p.IsSingleIP() || p.Bits() == p.Addr().BitLen()-1 {
		return l
	}
	l = append(l, p.Masked().Addr())
	if p.Addr().Is4() {
		last := p.Masked().Addr().As4()
		for bit := p.Bits(); bit < 32; bit++ {
			last[bit/8] |= 1 << (7 - bit%8)
		}
		l = append(l, netip.AddrFrom4(last))
	}
	return l
}

func (g *guard) makingRoute(r model.Route) string {
	hop := model.Hop{Dev: r.Dev.Value(), Via: r.Via.Value()}
	if e, there := g.observed.Get(r.Key()); there {
		old := e.Object.(model.Route)
		if hop == (model.Hop{Dev: old.Dev.Value(), Via: old.Via.Value()}) {
			return ""
		}
	}
	return g.drawing(r.Dst, r.Metric, hop)
}

// wide is a destination so short that a route to it is as good as a default route:
// whoever has no default route in mind has none that is wider than 10.0.0.0/8.
const wide = 8

// drawing says whose packets a route of the main table would take away.
func (g *guard) drawing(dst netip.Prefix, metric uint32, hop model.Hop) string {
	for _, w := range g.ways {
		if w.Dst.Addr().Is4() != dst.Addr().Is4() || len(w.Hops) == 1 && sameWay(w, hop) {
			continue
		}
		switch {
		case !w.To.IsValid() && w.Dst.Bits() == 0 && dst.Bits() < wide:
			return fmt.Sprintf("it would take packets away from %s, which leads out of %s", w.For, devices(w))
		case w.To.IsValid() && dst.Contains(w.To) && before(dst, metric, w.Path):
			return fmt.Sprintf("packets to %s would no longer leave by %s, which carries %s", w.To, devices(w), w.For)
		}
	}
	return ""
}

// sameWay says whether a route to the next hop leads the same way.
func sameWay(w model.Way, hop model.Hop) bool {
	return w.To.IsValid() && w.Hops[0] == hop
}

// before says whether a route of the main table would be taken before the path. Which
// table comes first is up to the host's rules: one of another table always counts as
// later, as it is with those of VPNs that leave the main table the first look.
func before(dst netip.Prefix, metric uint32, p model.Path) bool {
	if p.Table != model.TableMain || dst.Bits() > p.Dst.Bits() {
		return true
	}
	return dst.Bits() == p.Dst.Bits() && metric <= p.Metric
}

func devices(w model.Way) string {
	var l []string
	for _, hop := range w.Hops {
		l = append(l, hop.Dev)
	}
	return strings.Join(l, " and ")
}
