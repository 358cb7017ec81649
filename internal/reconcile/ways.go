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

// defaults returns them.
func (w *ways) defaults(ctx context.Context, h *kernel.Host) ([]model.Path, error) {
	if w.known {
		return w.paths, nil
	}
	paths, err := h.DefaultPaths(ctx)
	if err != nil {
		return nil, err
	}
	*w = ways{known: true, paths: paths}
	return paths, nil
}
