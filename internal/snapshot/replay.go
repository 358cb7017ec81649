package snapshot

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Host is the recorded host, to be looked at as the host itself: it answers what
// observe.Host asks.
type Host struct {
	s  *Snapshot
	id model.Identity // who looks

	links     map[string][]model.Link
	addresses map[string][]model.Address
	routes    map[string][]model.Route
	own       map[netip.Addr]bool          // the addresses of the host itself
	paths     map[netip.Prefix]model.Route // its routes, the first choice for each destination
	sysctls   map[string]map[string]string
	saved     map[model.Key]model.Sysctl
}

// Host returns the host as the tool sees it under an identity.
func (s *Snapshot) Host(id model.Identity) *Host {
	h := &Host{
		s: s, id: id, links: map[string][]model.Link{}, addresses: map[string][]model.Address{}, routes: map[string][]model.Route{},
		own: map[netip.Addr]bool{}, paths: map[netip.Prefix]model.Route{}, sysctls: map[string]map[string]string{}, saved: map[model.Key]model.Sysctl{},
	}
	for _, l := range s.Links {
		h.links[l.Netns] = append(h.links[l.Netns], l)
	}
	for _, a := range s.Addresses {
		h.addresses[a.Netns] = append(h.addresses[a.Netns], a)
		if a.Netns == "" {
			h.own[a.Prefix.Addr()] = true
		}
	}
	for _, r := range s.Routes {
		h.routes[r.Netns] = append(h.routes[r.Netns], r)
		if first, ok := h.paths[r.Dst]; r.Netns == "" && (!ok || r.Metric < first.Metric) {
			h.paths[r.Dst] = r
		}
	}
	for _, x := range s.Sysctls {
		h.sysctls[x.Netns] = x.Values
	}
	if id == s.Identity() {
		for _, x := range s.Saved {
			h.saved[x.Key()] = x
		}
	}
	return h
}

// known refuses questions about a namespace that was not looked into.
func (h *Host) known(netns string) error {
	if !slices.Contains(h.s.Inside, netns) {
		return fmt.Errorf("the snapshot does not have what is in netns %s", netns)
	}
	return nil
}

// Features implements observe.Host.
func (h *Host) Features() kernel.Features { return h.s.Features }

// Netns implements observe.Host.
func (h *Host) Netns(context.Context) ([]model.Netns, error) { return h.s.Netns, nil }

// Inode implements observe.Host: each name is taken for a namespace of its own.
func (h *Host) Inode(netns string) (uint64, error) {
	return uint64(slices.IndexFunc(h.s.Netns, func(n model.Netns) bool { return n.Name == netns }) + 2), nil
}

// Links implements observe.Host.
func (h *Host) Links(_ context.Context, netns ...string) ([]model.Link, error) {
	var l []model.Link
	for _, ns := range netns {
		if err := h.known(ns); err != nil {
			return nil, err
		}
		l = append(l, h.links[ns]...)
	}
	return l, nil
}

// Devices implements observe.Host.
func (h *Host) Devices(_ context.Context, netns string) ([]*model.Link, error) {
	var l []*model.Link
	for i := range h.links[netns] {
		l = append(l, &h.links[netns][i])
	}
	return l, h.known(netns)
}

// Addresses implements observe.Host.
func (h *Host) Addresses(_ context.Context, netns string) ([]model.Address, error) {
	return slices.Clone(h.addresses[netns]), h.known(netns)
}

// EachRoute implements observe.Host.
func (h *Host) EachRoute(_ context.Context, netns string, protocol uint8, f func(model.Route)) error {
	for _, r := range h.routes[netns] {
		if protocol == 0 || r.Protocol.Value() == protocol {
			f(r)
		}
	}
	return h.known(netns)
}

// EachRouteUpTo implements observe.Host.
func (h *Host) EachRouteUpTo(ctx context.Context, netns string, _ int, f func(model.Route)) (all bool, err error) {
	return true, h.EachRoute(ctx, netns, 0, f)
}

// EachRouteWhere implements observe.Host.
func (h *Host) EachRouteWhere(ctx context.Context, about func(*model.Route) bool, f func(model.Route)) error {
	return h.EachRoute(ctx, "", 0, func(r model.Route) {
		if about(&r) {
			f(r)
		}
	})
}

// RoutesLike implements observe.Host.
func (h *Host) RoutesLike(_ context.Context, netns string, keys []model.Key, f func(model.Route)) error {
	asked := make(map[netip.Prefix]uint32, len(keys))
	for _, k := range keys {
		asked[k.Prefix] = max(asked[k.Prefix], k.Metric)
	}
	for _, r := range h.routes[netns] {
		if most, ok := asked[r.Dst]; ok && r.Metric <= most {
			f(r)
		}
	}
	return h.known(netns)
}

// EachNeighbour implements observe.Host.
func (h *Host) EachNeighbour(_ context.Context, netns, link string, f func(model.Neighbour)) (shaky bool, err error) {
	for _, n := range h.s.Neighbours {
		if n.Netns == netns && n.Link == link {
			f(n)
		}
	}
	return false, nil
}

// EachFDB implements observe.Host.
func (h *Host) EachFDB(_ context.Context, netns, link string, f func(model.FDBEntry)) (shaky bool, err error) {
	for _, x := range h.s.FDB {
		if x.Netns == netns && x.Link == link {
			f(x)
		}
	}
	return false, nil
}

// Neighbours implements observe.Host.
func (h *Host) Neighbours(ctx context.Context, netns, link string) (l []model.Neighbour, err error) {
	_, err = h.EachNeighbour(ctx, netns, link, func(n model.Neighbour) { l = append(l, n) })
	return l, err
}

// FDB implements observe.Host.
func (h *Host) FDB(ctx context.Context, netns, link string) (l []model.FDBEntry, err error) {
	_, err = h.EachFDB(ctx, netns, link, func(f model.FDBEntry) { l = append(l, f) })
	return l, err
}

// Look implements observe.Host.
func (h *Host) Look(_ context.Context, k model.Key) (model.Object, error) {
	switch k.Kind {
	case model.KindRoute:
		return oneOf(k, h.routes[k.Netns]), h.known(k.Netns)
	case model.KindNeighbour:
		return oneOf(k, h.s.Neighbours), nil
	case model.KindFDB:
		return oneOf(k, h.s.FDB), nil
	}
	return nil, fmt.Errorf("look up %s: there is no look-up of the kind", k)
}

func oneOf[T model.Object](k model.Key, l []T) model.Object {
	if i := slices.IndexFunc(l, func(o T) bool { return o.Key() == k }); i >= 0 {
		return l[i]
	}
	return nil
}

// Sysctls implements observe.Host.
func (h *Host) Sysctls(_ context.Context, netns string, names []string) ([]model.Sysctl, error) {
	var l []model.Sysctl
	for _, name := range names {
		x := model.Sysctl{Netns: netns, Name: name}
		if saved, ok := h.saved[x.Key()]; ok {
			l = append(l, saved)
		} else if v, ok := h.sysctls[netns][name]; ok {
			x.Value = model.Some(v)
			l = append(l, x)
		}
	}
	return l, nil
}

// SavedSysctls implements observe.Host.
func (h *Host) SavedSysctls(context.Context) ([]model.Sysctl, error) {
	if h.id != h.s.Identity() {
		return nil, nil
	}
	return h.s.Saved, nil
}

// FIBMatches implements observe.Host. It goes by the host's addresses and the routes of its
// main table: rules that lead into other tables are not known.
func (h *Host) FIBMatches(_ context.Context, dsts []netip.Addr) (kernel.Matches, error) {
	var m kernel.Matches
	for i, dst := range dsts {
		m.List, m.Of = append(m.List, h.fibMatch(dst)), append(m.Of, i)
	}
	return m, nil
}

func (h *Host) fibMatch(dst netip.Addr) kernel.Match {
	if h.own[dst] {
		return kernel.Match{Type: "local", Dev: "lo", Dst: netip.PrefixFrom(dst, dst.BitLen())}
	}
	for bits := dst.BitLen(); bits >= 0; bits-- {
		p, _ := dst.Prefix(bits) // the length fits
		if r, ok := h.paths[p]; ok {
			via := r.Via.Value()
			return kernel.Match{
				Type: r.Type.Value(), Dev: r.Dev.Value(), Gateway: via, Via: via.IsValid() && via.Is4() != dst.Is4(),
				Scope: r.Scope.Value(), Dst: r.Dst,
			}
		}
	}
	to := model.Route{Dst: netip.PrefixFrom(dst, dst.BitLen()), Table: model.TableMain}
	return kernel.Match{Err: &kernel.OpError{Op: "look up", Key: to.Key(), Err: syscall.ENETUNREACH}}
}
