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
	Devices(ctx context.Context, netns string) ([]model.Link, error) // Links, without the other ends of veths
	Addresses(ctx context.Context, netns string) ([]model.Address, error)
	Routes(ctx context.Context, netns string) ([]model.Route, error)
	Neighbours(ctx context.Context, netns, link string) ([]model.Neighbour, error)
	FDB(ctx context.Context, netns, link string) ([]model.FDBEntry, error)
	Sysctls(ctx context.Context, netns string, names []string) ([]model.Sysctl, error)
	SavedSysctls(ctx context.Context) ([]model.Sysctl, error)
	FIBMatch(ctx context.Context, dst netip.Addr) (kernel.Match, error)
	Features() kernel.Features
}
