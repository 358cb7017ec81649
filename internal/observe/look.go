package observe

import (
	"context"
	"fmt"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Again looks some addresses, routes, neighbours, FDB entries and sysctls up anew, and
// puts into the state what is there of them now. The state is one that State has made
// with the scope; the links and namespaces in it are taken to be still right.
func Again(ctx context.Context, h Host, scope Scope, s *model.State, keys []model.Key) error {
	o := &observer{host: h, scope: scope, state: s}
	if o.scope.Wanted == nil {
		o.scope.Wanted = &model.State{}
	}
	for _, k := range keys {
		s.Remove(k)
	}
	var tables []model.Key // with addresses, or sysctls, that are read anew as a whole
	routes := map[string][]model.Key{}
	for _, k := range keys {
		switch k.Kind {
		case model.KindAddress, model.KindSysctl:
			tables = append(tables, model.Key{Kind: k.Kind, Netns: k.Netns})
			continue
		case model.KindRoute:
			routes[k.Netns] = append(routes[k.Netns], k)
			continue
		}
		if err := o.look(ctx, k); err != nil {
			return fmt.Errorf("observe: %w", err)
		}
	}
	for ns, keys := range routes {
		if err := o.theseRoutes(ctx, ns, keys); err != nil && !kernel.Absent(err) {
			return fmt.Errorf("observe: %w", err)
		}
	}
	slices.SortFunc(tables, model.Key.Compare)
	for _, t := range slices.Compact(tables) {
		if err := o.table(ctx, t, keys); err != nil && !kernel.Absent(err) {
			return fmt.Errorf("observe: %w", err)
		}
	}
	return nil
}

// theseRoutes looks routes of a namespace up, all at once: it may take reading all routes
// that there are.
func (o *observer) theseRoutes(ctx context.Context, ns string, keys []model.Key) error {
	asked := map[model.Key]bool{}
	for _, k := range keys {
		asked[k] = true
	}
	return o.host.RoutesLike(ctx, ns, keys, func(r model.Route) {
		if asked[r.Key()] {
			o.route(r)
		}
	})
}

// look looks a route, neighbour or FDB entry up, and puts it into the state, or out of it.
func (o *observer) look(ctx context.Context, k model.Key) error {
	found, err := o.host.Look(ctx, k)
	if err != nil {
		return err
	}
	o.state.Remove(k)
	if found != nil {
		o.found(found)
	}
	return nil
}

// found puts an object that was looked up into the state.
func (o *observer) found(found model.Object) {
	switch x := found.(type) {
	case model.Route:
		owner, maker := ownerOfRoute(x)
		o.put(x, owner, maker)
	case model.Neighbour:
		o.put(x, ownerOfNeighbour(x), "")
	case model.FDBEntry:
		e, _ := o.state.Get(model.LinkKey(x.Netns, x.Link))
		o.put(x, e.Owner, e.Maker)
	}
}

// table reads the addresses or the sysctls of a namespace, and takes those that were
// asked for.
func (o *observer) table(ctx context.Context, t model.Key, keys []model.Key) error {
	wanted := map[model.Key]bool{}
	for _, k := range keys {
		wanted[k] = true
	}
	if t.Kind == model.KindAddress {
		list, err := o.host.Addresses(ctx, t.Netns)
		for _, a := range list {
			if a = o.claimed(a); wanted[a.Key()] {
				owner, maker := ownerOfAddress(a, o.linkOwner(a.Netns, a.Link))
				o.put(a, owner, maker)
			}
		}
		return err
	}
	var names []string
	for _, k := range keys {
		if k.Kind == t.Kind && k.Netns == t.Netns {
			names = append(names, k.Name)
		}
	}
	list, err := o.host.Sysctls(ctx, t.Netns, names)
	for _, s := range list {
		o.put(s, ownerOfSysctl(s), "")
	}
	return err
}
