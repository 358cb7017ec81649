package kernel

import (
	"context"
	"errors"
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Glance is a host for the time of one look: what several questions about the host's own
// namespace have in common, it asks the kernel once. It tells nothing of what changes
// later, and must not outlive the look. One goroutine may ask it about links and addresses,
// and another one about routes.
type Glance struct {
	*Host
	links     []*rawLink
	addresses []model.Address
	looked    struct{ links, addresses bool }
	routes    rows // of IPv4, in the main table, until somebody reads them; nil: not known
	ahead     ahead
}

// Glance begins a look at the host.
func (h *Host) Glance() *Glance { return &Glance{Host: h} }

func (g *Glance) rawLinks(ctx context.Context, netns string) ([]*rawLink, error) {
	if netns != "" {
		return g.Host.rawLinks(ctx, netns)
	}
	g.ahead.await(g.ahead.frame)
	return g.rootLinks(ctx)
}

func (g *Glance) rootLinks(ctx context.Context) (l []*rawLink, err error) {
	if !g.looked.links {
		g.links, err = g.Host.rawLinks(ctx, "")
		g.looked.links = err == nil
	}
	return g.links, err
}

// Links is as Host has it.
func (g *Glance) Links(ctx context.Context, netns ...string) ([]model.Link, error) {
	return g.listLinks(ctx, g.rawLinks, netns)
}

// Devices is as Host has it.
func (g *Glance) Devices(ctx context.Context, netns string) ([]*model.Link, error) {
	return devices(ctx, g.rawLinks, netns)
}

// Addresses is as Host has it.
func (g *Glance) Addresses(ctx context.Context, netns string) ([]model.Address, error) {
	if netns != "" {
		return g.Host.Addresses(ctx, netns)
	}
	g.ahead.await(g.ahead.frame)
	return g.rootAddresses(ctx)
}

func (g *Glance) rootAddresses(ctx context.Context) (l []model.Address, err error) {
	if !g.looked.addresses {
		g.addresses, err = g.Host.Addresses(ctx, "")
		g.looked.addresses = err == nil
	}
	return g.addresses, err
}

// FIBMatches is as Host has it.
func (g *Glance) FIBMatches(ctx context.Context, dsts []netip.Addr) (Matches, error) {
	l, main, err := g.fibMatches(ctx, dsts, g.mainRoutes)
	if main != nil {
		g.routes = main
	}
	return l, err
}

func (g *Glance) mainRoutes(ctx context.Context, most limit) (rows, error) {
	g.ahead.await(g.ahead.tables)
	switch {
	case g.ahead.many:
		return nil, errMany
	case g.routes != nil:
		return g.routes, nil
	}
	return g.Host.mainRoutes(ctx, most)
}

// EachRoute is as Host has it.
func (g *Glance) EachRoute(ctx context.Context, netns string, protocol uint8, f func(model.Route)) error {
	if netns == "" && protocol == model.MarkProtocol {
		g.ahead.await(g.ahead.tables)
		if g.ahead.ours != nil {
			t, err := g.routeTable(netns, protocol, limit{})
			if err != nil {
				return err
			}
			t.read(g.ahead.ours, f)
			g.ahead.ours = nil
			return t.each6(ctx, f)
		}
	}
	return g.Host.EachRoute(ctx, netns, protocol, f)
}

// EachRouteUpTo is as Host has it.
func (g *Glance) EachRouteUpTo(ctx context.Context, netns string, most int, f func(model.Route)) (all bool, err error) {
	if netns == "" {
		g.ahead.await(g.ahead.tables)
		if g.ahead.many {
			return false, nil
		}
	}
	if netns != "" || g.routes == nil {
		return g.Host.EachRouteUpTo(ctx, netns, most, f)
	}
	t, err := g.routeTable(netns, 0, limit{all: most})
	if err != nil {
		return false, err
	}
	t.read(g.routes, f)
	g.routes = nil
	err = t.each6(ctx, f)
	if errors.Is(err, errMany) {
		return false, nil
	}
	return err == nil, err
}
