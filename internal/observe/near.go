package observe

import (
	"context"
	"fmt"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// LinkHost is a Host that can tell of the routes out of one link alone.
type LinkHost interface {
	Host
	// EachRouteOn calls f with each route of the main table that leads out of the link.
	EachRouteOn(ctx context.Context, netns, link string, f func(model.Route)) error
}

// Frame observes what others stand on, and nothing that leads packets: the state has the
// namespaces, links, addresses and sysctls that State would find.
func Frame(ctx context.Context, h Host, scope Scope) (*model.State, error) {
	o := &observer{host: h, scope: scope, state: &model.State{}}
	for _, look := range []func(context.Context) error{o.netns, o.allLinks, o.allAddresses, o.sysctls} {
		if err := look(ctx); err != nil {
			return nil, fmt.Errorf("observe: %w", err)
		}
	}
	return o.state, nil
}

// RoutesOn reads the routes out of some links anew, into a state that State has made with
// the scope: with a link, or its last address, they go without a word (fib_sync_down_dev,
// fib_disable_ip). It returns the keys of those that were or are there. One that stood
// behind another one of the same key shows when that has gone: so what has gone is looked up.
func RoutesOn(ctx context.Context, h LinkHost, scope Scope, s *model.State, links map[model.Key]bool) ([]model.Key, error) {
	o := &observer{host: h, scope: scope, state: s}
	keys := routesOn(s, links)
	for _, k := range keys {
		s.Remove(k)
	}
	for l := range links {
		if err := h.EachRouteOn(ctx, l.Netns, l.Name, func(r model.Route) {
			keys = append(keys, r.Key())
			o.route(r)
		}); err != nil {
			return nil, fmt.Errorf("observe: %w", err)
		}
	}
	var gone []model.Key
	for _, k := range keys {
		if !s.Has(k) {
			gone = append(gone, k)
		}
	}
	return keys, Again(ctx, h, scope, s, gone)
}

func routesOn(s *model.State, links map[model.Key]bool) []model.Key {
	var l []model.Key
	for r := range s.Routes() {
		if r.OutOf(func(link string) bool { return links[model.LinkKey(r.Netns, link)] }) {
			l = append(l, r.Key())
		}
	}
	return l
}
