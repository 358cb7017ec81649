package kernel

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// EachRouteOn calls f with each route that Routes lists and that leads out of a link, as
// one of several next hops, too. Of the others, the kernel tells nothing
// (ip_valid_fib_dump_req, net/ipv4/fib_frontend.c). A link that is not there has none.
func (h *Host) EachRouteOn(ctx context.Context, netns, link string, f func(model.Route)) error {
	s, index, err := h.on(netns, link)
	if err != nil {
		return ignore(err, unix.ENODEV, unix.ENOENT)
	}
	names := s.names().of
	var found []model.Route
	add := func(r model.Route) { found = append(found, r) }
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		m := routeRequest(family, 0).u32(unix.RTA_OIF, index)
		var l rows
		if family == unix.AF_INET {
			l, err = s.conn.dump(ctx, m)
		} else {
			l, _, err = s.steadyDump(ctx, unwatched{conn: s.conn, request: m, group: unix.RTNLGRP_IPV6_ROUTE})
		}
		if err := ignore(err, unix.ENOENT, unix.ENODEV, unix.EOPNOTSUPP); err != nil { // no such table or link, no such family
			return opError("list the routes of", model.Link{Netns: netns, Name: link}, err)
		}
		readRoutes(netns, l, names, add)
		s.conn.recycle(l)
	}
	for _, r := range found {
		f(r)
	}
	return nil
}
