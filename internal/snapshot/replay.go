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
func (h *Host) Devices(ctx context.Context, netns string) ([]model.Link, error) {
	return h.Links(ctx, netns)
}

// Addresses implements observe.Host.
func (h *Host) Addresses(_ context.Context, netns string) ([]model.Address, error) {
	return slices.Clone(h.addresses[netns]), h.known(netns)
}

// Routes implements observe.Host.
func (h *Host) Routes(_ context.Context, netns string) ([]model.Route, error) {
	return slices.Clone(h.routes[netns]), h.known(netns)
}

// Neighbours implements observe.Host.
func (h *Host) Neighbours(_ context.Context, netns, link string) ([]model.Neighbour, error) {
	var l []model.Neighbour
	for _, n := range h.s.Neighbours {
		if n.Netns == netns && n.Link == link {
			l = append(l, n)
		}
	}
	return l, nil
}

// FDB implements observe.Host.
func (h *Host) FDB(_ context.Context, netns, link string) ([]model.FDBEntry, error) {
	var l []model.FDBEntry
	for _, f := range h.s.FDB {
		if f.Netns == netns && f.Link == link {
			l = append(l, f)
		}
	}
	return l, nil
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

// FIBMatch implements observe.Host. It goes by the host's addresses and the routes of its
// main table: rules that lead into other tables are not known.
func (h *Host) FIBMatch(_ context.Context, dst netip.Addr) (kernel.Match, error) {
	if h.own[dst] {
		return kernel.Match{Type: "local", Dev: "lo", Dst: netip.PrefixFrom(dst, dst.BitLen())}, nil
	}
	for bits := dst.BitLen(); bits >= 0; bits-- {
		p, _ := dst.Prefix(bits) // the length fits
		if r, ok := h.paths[p]; ok {
			via := r.Via.Value()
			return kernel.Match{
				Type: r.Type.Value(), Dev: r.Dev.Value(), Gateway: via, Via: via.IsValid() && via.Is4() != dst.Is4(),
				Scope: r.Scope.Value(), Dst: r.Dst,
			}, nil
		}
	}
	to := model.Route{Dst: netip.PrefixFrom(dst, dst.BitLen()), Table: model.TableMain}
	return kernel.Match{}, &kernel.OpError{Op: "look up", Key: to.Key(), Err: syscall.ENETUNREACH}
}
