package observe

import (
	"context"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// hostRoutes lists the routes of the host's own namespace. Where others have made many
// more than a plan may be about, as on a router with the routes of the Internet, it lists
// just ours, and those that stand where one of ours is missing. What it does not notice then
// is a route that takes the packets of one that is right: with the same destination, and a
// lower metric or put before it.
//
// Where a link, an address or a namespace differs from what is wanted, others' routes may go
// with it, or come: then all are listed, and those kept that may.
func (o *observer) hostRoutes(ctx context.Context) error {
	const beside = 10_000 // routes of others, which are read in some milliseconds
	n := 0
	for range o.scope.Wanted.Routes() {
		n++
	}
	all, err := o.host.EachRouteUpTo(ctx, "", n+beside, o.route)
	if all || err != nil {
		return err
	}
	if err := o.host.EachRoute(ctx, "", model.MarkProtocol, o.route); err != nil {
		return err
	}
	if !model.SameFrame(o.scope.Wanted, o.state) {
		return o.host.EachRouteWhere(ctx, ConcernOf(o.scope.Wanted, o.state).Route, o.route)
	}
	var missing []model.Key
	for r, s := range o.scope.Wanted.Routes() {
		k := r.Key()
		there := o.state.Has(k) || s.Free && k.Spreadable() && (o.state.Has(k.Plain()) || o.state.Has(k.Spread()))
		if r.Netns == "" && !there {
			missing = append(missing, k)
		}
	}
	return o.host.RoutesLike(ctx, "", missing, o.route)
}

// confirm looks up each neighbour and FDB entry of a shaky link that is not as wanted: the
// kernel's tables changed while they were read, and then it may have left rows out that were
// there all the time, or told some that had gone (vxlan_fdb_dump, neigh_dump_table).
func (o *observer) confirm(ctx context.Context) error {
	links := o.shaky
	o.shaky = nil
	if len(links) == 0 {
		return nil
	}
	for _, k := range model.Compare(o.scope.Wanted, o.state).Unlike {
		leads := k.Kind == model.KindNeighbour || k.Kind == model.KindFDB
		if leads && slices.Contains(links, model.LinkKey(k.Netns, k.Name)) {
			if err := o.look(ctx, k); err != nil {
				return err
			}
		}
	}
	return nil
}
