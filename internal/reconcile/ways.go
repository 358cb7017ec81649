package reconcile

import (
	"context"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ways are the default routes of the host's own namespace, as they were found last: to
// find them, the kernel lists all routes. The zero value knows nothing.
type ways struct {
	known bool
	paths []model.Path
}

// hear forgets them where news may be about one. Some go without a word, with the link,
// address or nexthop object that they need.
func (w *ways) hear(n kernel.News) {
	if n.Netns != "" {
		return
	}
	switch {
	case n.Kind == kernel.Lost, n.Kind == kernel.Nexthop, n.Key.Kind == model.KindLink, n.Key.Kind == model.KindAddress,
		n.Key.Kind == model.KindRoute && n.Key.Prefix.Bits() == 0:
		*w = ways{}
	}
}

// defaults returns them, and asks the kernel only if they are not known.
func (k *Keeper) defaults(ctx context.Context) ([]model.Path, error) {
	if k.ways.known {
		return k.ways.paths, nil
	}
	paths, err := k.Host.DefaultPaths(ctx)
	if err != nil {
		return nil, err
	}
	k.ways = ways{known: true, paths: paths}
	return paths, nil
}
