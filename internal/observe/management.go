package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Forwarding6 is the sysctl that makes a host an IPv6 router.
const Forwarding6 = "net.ipv6.conf.all.forwarding"

// Defaults finds the default routes of all tables, as kernel.Host.DefaultPaths does: the
// kernel lists all routes for that. What it returns is not changed.
type Defaults func(context.Context) ([]model.Path, error)

// Management looks up what carries the default routes and the sessions. A session that
// does not end in the host's own namespace is none of its own.
func Management(ctx context.Context, h *kernel.Host, sessions []model.Session, defaults Defaults) (model.Management, error) {
	o := &wayfinder{host: h}
	for _, look := range []func(context.Context) error{
		func(ctx context.Context) error { return o.defaults(ctx, defaults) },
		func(ctx context.Context) error { return o.sessions(ctx, sessions) },
		o.gateways, o.tunnels, o.gateways, o.links,
	} {
		if err := look(ctx); err != nil {
			return model.Management{}, fmt.Errorf("find what carries the management connection: %w", err)
		}
	}
	return o.m, nil
}

type wayfinder struct {
	host *kernel.Host
	m    model.Management
}

func (o *wayfinder) defaults(ctx context.Context, find Defaults) error {
	found, err := find(ctx)
	paths := slices.Clone(found)
	slices.SortStableFunc(paths, func(a, b model.Path) int { return cmp.Compare(a.Metric, b.Metric) })
	for _, p := range paths {
		name := "the default route"
		if p.Dst.Addr().Is6() {
			name = "the IPv6 default route"
		}
		if p.Table != model.TableMain {
			name += fmt.Sprintf(" of table %d", p.Table)
		}
		o.m.Ways = append(o.m.Ways, model.Way{For: name, Path: p})
	}
	return err
}

func (o *wayfinder) sessions(ctx context.Context, sessions []model.Session) error {
	for _, s := range sessions {
		name := "the way to " + s.Client.String()
		if s.Local.IsValid() {
			here, err := o.path(ctx, s.Local.WithZone(""), netip.Addr{})
			if err != nil {
				return err
			}
			if here.Type != "local" && s.Local.Zone() == "" {
				continue
			}
			name = "the SSH connection from " + s.Client.WithZone("").String()
		}
		if err := o.way(ctx, name, s.Client, s.Local); err != nil {
			return err
		}
	}
	return nil
}

// way adds the way to an address, if there is one that leaves the host. A link-local
// address has its link in its zone.
func (o *wayfinder) way(ctx context.Context, name string, to, local netip.Addr) error {
	w := model.Way{For: name, To: to.WithZone(""), Local: local.WithZone("")}
	if zone := to.Zone(); zone != "" {
		dst, _ := w.To.Prefix(64) // it fits
		w.Path = model.Path{Type: "unicast", Dst: dst, Table: model.TableMain, Hops: []model.Hop{{Dev: zone}}}
		o.m.Ways = append(o.m.Ways, w)
		return nil
	}
	p, err := o.path(ctx, to, local)
	if err != nil || p.Type != "unicast" {
		return err
	}
	w.Path = p
	o.m.Ways = append(o.m.Ways, w)
	return nil
}

// path is what the kernel would do with a packet; the zero Path where it has no route,
// or one that refuses packets.
func (o *wayfinder) path(ctx context.Context, to, from netip.Addr) (model.Path, error) {
	p, err := o.host.PathTo(ctx, to, from)
	for _, e := range []error{
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ESRCH, syscall.EAFNOSUPPORT,
		syscall.EACCES, syscall.EINVAL, // prohibit, blackhole (fib_props, net/ipv4/fib_semantics.c)
	} {
		if errors.Is(err, e) {
			return model.Path{}, nil
		}
	}
	return p, err
}

// gateways adds the ways to the gateways: who takes their packets, or their address,
// has the ways that lead through them.
func (o *wayfinder) gateways(ctx context.Context) error {
	for _, w := range o.m.Ways {
		for _, hop := range w.Hops {
			if !hop.Via.IsValid() || hop.Via.IsLinkLocalUnicast() || o.has(hop.Via) {
				continue
			}
			if err := o.way(ctx, w.For, hop.Via, netip.Addr{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *wayfinder) has(to netip.Addr) bool {
	return slices.ContainsFunc(o.m.Ways, func(w model.Way) bool { return w.To == to })
}

// maxTunnels is how many tunnels within each other are followed.
const maxTunnels = 4

// tunnels adds the ways that the packets of tunnels take, which the ways before lead
// through.
func (o *wayfinder) tunnels(ctx context.Context) error {
	links, _, err := root(ctx, o.host)
	if err != nil {
		return err
	}
	first := 0
	for range maxTunnels {
		ways := o.m.Ways[first:]
		first = len(o.m.Ways)
		for _, w := range ways {
			for _, hop := range w.Hops {
				far, err := o.farEnd(ctx, links.named(hop.Dev), w.Next(hop))
				if err != nil {
					return err
				}
				if !far.IsValid() || o.has(far) {
					continue
				}
				if err := o.way(ctx, w.For, far, netip.Addr{}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// farEnd returns the underlay address to which a link sends packets for a next hop; the
// invalid Addr where it is no tunnel, or not known.
func (o *wayfinder) farEnd(ctx context.Context, l *model.Link, next netip.Addr) (netip.Addr, error) {
	if l == nil {
		return netip.Addr{}, nil
	}
	switch l.Type.Value() {
	case model.TypeIPIP:
		if far := l.IPIP.Remote.Value(); far.IsValid() {
			return far, nil
		}
		return next, nil // a multipoint tunnel's gateway is the outer destination
	case model.TypeVXLAN:
		return o.vtep(ctx, l, next)
	}
	return netip.Addr{}, nil
}

// vtep finds the next hop's MAC, and where the device sends that.
func (o *wayfinder) vtep(ctx context.Context, l *model.Link, next netip.Addr) (netip.Addr, error) {
	neighbours, err := o.host.Neighbours(ctx, "", l.Name)
	if err != nil {
		return netip.Addr{}, err
	}
	i := slices.IndexFunc(neighbours, func(n model.Neighbour) bool { return n.IP == next })
	if i < 0 {
		return netip.Addr{}, nil
	}
	entries, err := o.host.FDB(ctx, "", l.Name)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, f := range entries {
		if f.MAC == neighbours[i].MAC.Value() {
			return f.Dst.Value(), nil
		}
	}
	return netip.Addr{}, nil
}

// links finds what the ways' links stand on, and whether they live on router
// advertisements.
func (o *wayfinder) links(ctx context.Context) (err error) {
	if len(o.m.Ways) == 0 {
		return nil
	}
	if o.m.Lower, err = o.host.Lower(ctx); err != nil {
		return err
	}
	o.m.AcceptRA = map[string]string{}
	for _, w := range o.m.Ways {
		if w.Protocol != model.RouteProtocolRA || w.Dst.Bits() != 0 {
			continue
		}
		for _, hop := range w.Hops {
			if o.m.AcceptRA[hop.Dev], err = acceptRA(ctx, o.host, hop.Dev); err != nil {
				return err
			}
		}
	}
	list, err := o.host.Sysctls(ctx, "", []string{Forwarding6})
	if err == nil && len(list) > 0 {
		o.m.Forwarding6 = list[0].Value.Value()
	}
	return err
}
