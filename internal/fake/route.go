package fake

import (
	"net/netip"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// protocolKernel is RTPROT_KERNEL, of the routes that come with an address.
const protocolKernel uint8 = 2

// metricKernel6 is the metric of IPv6 routes that come with an address
// (IP6_RT_PRIO_ADDRCONF).
const metricKernel6 = 256

// createRoute makes a route where there is none; the kernel looks at the next hop
// first.
func (k *Kernel) createRoute(r model.Route) error {
	whole := complete(r).(model.Route)
	if err := k.usable(whole); err != nil {
		return err
	}
	if _, ok := k.objects[r.Key()]; ok {
		return syscall.EEXIST
	}
	if _, ok := k.connected()[r.Key()]; ok {
		return syscall.EEXIST
	}
	k.put(whole)
	return nil
}

// updateRoute replaces a route in one go.
func (k *Kernel) updateRoute(r model.Route) error {
	whole := complete(r).(model.Route)
	if err := k.usable(whole); err != nil {
		return err
	}
	if _, ok := k.objects[r.Key()]; !ok {
		return syscall.ENOENT
	}
	k.put(whole)
	return nil
}

// usable says what keeps the kernel from taking a route.
func (k *Kernel) usable(r model.Route) error {
	if err := k.leads(r); err != nil {
		return err
	}
	if src := r.Src.Value(); src.IsValid() && !k.hasAddress(r.Netns, src) {
		return syscall.EINVAL // "Invalid prefsrc address"
	}
	return nil
}

// leads says whether the next hop of a route is usable (fib_check_nh,
// net/ipv4/fib_semantics.c).
func (k *Kernel) leads(r model.Route) error {
	if r.Type.Value() != "unicast" {
		return nil
	}
	if r.NextHops.Value() != "" {
		return k.leadSomewhere(r)
	}
	l, ok := k.link(r.Netns, r.Dev.Value())
	switch {
	case !ok:
		return syscall.ENODEV
	case !l.Up.Value():
		return syscall.ENETDOWN
	case !r.Via.Value().IsValid():
		return nil
	case r.Scope.Value() >= model.ScopeLink:
		return syscall.EINVAL // "Nexthop has invalid scope"
	case k.isOwn(r):
		return syscall.EINVAL // "Nexthop has invalid gateway", "Gateway can not be a local address"
	case r.OnLink.Value() || k.reaches(l, r.Via.Value()):
		return nil
	}
	return syscall.ENETUNREACH
}

// leadSomewhere is leads for several next hops, without a look at their gateways.
func (k *Kernel) leadSomewhere(r model.Route) (err error) {
	r.OutOf(func(link string) bool {
		switch l, ok := k.link(r.Netns, link); {
		case !ok:
			err = syscall.ENODEV
		case !l.Up.Value():
			err = syscall.ENETDOWN
		}
		return err != nil
	})
	return err
}

// isOwn says whether the gateway is an address of the host itself; for IPv4 the
// kernel minds only where the route is onlink.
func (k *Kernel) isOwn(r model.Route) bool {
	gateway := r.Via.Value()
	for key := range k.objects {
		if key.Kind != model.KindAddress || key.Netns != r.Netns || key.Prefix.Addr() != gateway {
			continue
		}
		if gateway.Is6() || r.OnLink.Value() {
			return true
		}
	}
	return false
}

// reaches says whether a gateway is on the link: the subnet of one of its addresses,
// or some route out of it without a gateway of its own, covers it.
func (k *Kernel) reaches(l model.Link, gateway netip.Addr) bool {
	for _, o := range k.objects {
		switch o := o.(type) {
		case model.Address:
			if o.Netns == l.Netns && o.Link == l.Name && !o.Prefix.IsSingleIP() && o.Prefix.Contains(gateway) {
				return true
			}
		case model.Route:
			if o.Netns == l.Netns && o.Dev.Value() == l.Name && !o.Via.Value().IsValid() && o.Dst.Contains(gateway) {
				return true
			}
		}
	}
	return false
}

// connected returns the routes that the kernel makes for the addresses on links
// that are up.
func (k *Kernel) connected() map[model.Key]model.Route {
	routes := map[model.Key]model.Route{}
	for _, o := range k.objects {
		a, ok := o.(model.Address)
		if !ok {
			continue
		}
		l, _ := k.link(a.Netns, a.Link)
		if !l.Up.Value() || a.Prefix.Addr().Is4() && a.Prefix.IsSingleIP() {
			continue
		}
		r := model.Route{
			Netns: a.Netns, Dst: a.Prefix.Masked(), Table: model.TableMain,
			Dev: model.Some(a.Link), Protocol: model.Some(protocolKernel),
		}
		if a.Prefix.Addr().Is6() {
			r.Metric = metricKernel6
		}
		if old, ok := routes[r.Key()]; !ok || a.Link < old.Dev.Value() {
			routes[r.Key()] = complete(r).(model.Route)
		}
	}
	return routes
}

// removeRoute deletes a route only if the protocol is right (ESRCH).
func (k *Kernel) removeRoute(r model.Route) error {
	got, ok := k.objects[r.Key()].(model.Route)
	if !ok || got.Protocol != complete(r).(model.Route).Protocol {
		return errAbsent
	}
	k.drop(r.Key())
	return nil
}
