package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/export"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/review"
	"github.com/netplan-overlay/netplan-overlay/internal/snapshot"
)

// exportObserved describes the hosts of snapshots in one file.
func (c *common) exportObserved(ctx context.Context, paths []string, o export.Options) (*export.Result, error) {
	sightings, err := review.ReadSnapshots(paths)
	if err := errors.Join(err, c.filesRead()); err != nil {
		return nil, err
	}
	if len(sightings) == 0 {
		return nil, errors.New("there are no snapshots; observe --out makes them on the hosts")
	}
	o.Peers = maps.Clone(o.Peers) // what is left in the end are the names of peers without a snapshot
	ids := make([]model.Identity, len(sightings))
	for i, x := range sightings {
		if x.Err != nil {
			return nil, x.Err
		}
		if ids[i], err = identityOf(ctx, x.Snapshot, o.Peers); err != nil {
			return nil, err
		}
		o.Name = cmp.Or(o.Name, ids[i].Topology)
	}
	o.Name = cmp.Or(o.Name, exportedName)
	var hosts []export.Host
	for i, x := range sightings {
		id := model.Identity{Topology: o.Name, Node: ids[i].Node}
		state, err := observe.Everything(ctx, x.Snapshot.Host(id), id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.From, err)
		}
		hosts = append(hosts, export.Host{Node: id.Node, State: state})
	}
	return export.Export(hosts, o)
}

// identityOf finds out which node a snapshot is of: what --peer calls one of its
// addresses, else what its mark or its hostname says. A name that it takes is no peer's
// any more.
func identityOf(ctx context.Context, s *snapshot.Snapshot, peers map[netip.Addr]string) (model.Identity, error) {
	marks, err := observe.Marks(ctx, s.Host(model.Identity{}))
	if err != nil {
		return model.Identity{}, err
	}
	var id model.Identity
	if len(marks) == 1 {
		id = marks[0]
	}
	for _, a := range s.Addresses {
		name, ok := peers[a.Prefix.Addr()]
		if ok && a.Netns == "" {
			id.Node = name
			delete(peers, a.Prefix.Addr())
		}
	}
	id.Node = cmp.Or(id.Node, shortName(s.Hostname))
	return id, nil
}
