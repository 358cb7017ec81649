package observe

import (
	"context"
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Host is what can be looked at: a *kernel.Host, or what was recorded of one.
type Host interface {
	Netns(ctx context.Context) ([]model.Netns, error)
	Inode(netns string) (uint64, error)
	Links(ctx context.Context, netns ...string) ([]model.Link, error)
	Devices(ctx context.Context, netns string) ([]*model.Link, error) // Links, without the other ends of veths; they must not be changed
	Addresses(ctx context.Context, netns string) ([]model.Address, error)
	// EachRoute calls f with each route of the main table, or, if protocol isn't 0, each
	// one of that protocol.
	EachRoute(ctx context.Context, netns string, protocol uint8, f func(model.Route)) error
	// EachRouteUpTo is EachRoute for all protocols, unless there are many more than most:
	// then all is false, and f was called with some or none.
	EachRouteUpTo(ctx context.Context, netns string, most int, f func(model.Route)) (all bool, err error)
	// EachRouteWhere calls f with those routes of the main table of the host's own namespace of
	// which about says so, maybe more than once.
	EachRouteWhere(ctx context.Context, about func(*model.Route) bool, f func(model.Route)) error
	// RoutesLike calls f with each route of the main table that has one of the keys, or the
	// same destination as one and a lower metric.
	RoutesLike(ctx context.Context, netns string, keys []model.Key, f func(model.Route)) error
	// EachNeighbour and EachFDB call f with what a link has. Where something changed
	// meanwhile, one may come twice, of which the last counts, and one may be missed,
	// which shaky says.
	EachNeighbour(ctx context.Context, netns, link string, f func(model.Neighbour)) (shaky bool, err error)
	EachFDB(ctx context.Context, netns, link string, f func(model.FDBEntry)) (shaky bool, err error)
	// Neighbours and FDB list the same, and miss none that was there all the time, which may
	// take many readings.
	Neighbours(ctx context.Context, netns, link string) ([]model.Neighbour, error)
	FDB(ctx context.Context, netns, link string) ([]model.FDBEntry, error)
	// Look looks one route, neighbour or FDB entry up, and returns nil where there is none.
	Look(ctx context.Context, k model.Key) (model.Object, error)
	Sysctls(ctx context.Context, netns string, names []string) ([]model.Sysctl, error)
	SavedSysctls(ctx context.Context) ([]model.Sysctl, error)
	// FIBMatches returns for each address which route a packet to it would take.
	FIBMatches(ctx context.Context, dsts []netip.Addr) (kernel.Matches, error)
	Features() kernel.Features
}
