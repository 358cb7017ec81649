package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Look looks one route, neighbour or FDB entry up, and returns nil where there is none.
// The kernel is asked for it alone as far as it can be.
func (h *Host) Look(ctx context.Context, k model.Key) (model.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch k.Kind {
	case model.KindRoute:
		return h.lookRoute(ctx, k)
	case model.KindNeighbour:
		n := model.Neighbour{Netns: k.Netns, Link: k.Name, IP: k.Prefix.Addr()}
		return h.lookEntry(n, ndmsg(familyOf(n.IP), 0, 0, 0), func(m message) message { return m.addr(unix.NDA_DST, n.IP) },
			func(body []byte, _ uint32) (model.Object, bool) {
				found, ok := parseNeighbour(body)
				found.Netns, found.Link = k.Netns, k.Name
				return found, ok
			})
	case model.KindFDB:
		if k.MAC.IsZero() {
			return h.lookFlood(ctx, k)
		}
		f := model.FDBEntry{Netns: k.Netns, Link: k.Name, MAC: k.MAC}
		return h.lookEntry(f, ndmsg(unix.AF_BRIDGE, 0, 0, unix.NTF_SELF), func(m message) message { return m.attr(unix.NDA_LLADDR, k.MAC[:]) },
			func(body []byte, index uint32) (model.Object, bool) {
				found, ok := parseFDB(body, index)
				found.Netns, found.Link = k.Netns, k.Name
				return found, ok
			})
	}
	return nil, fmt.Errorf("look up %s: there is no look-up of the kind", k)
}

// lookEntry asks for one row of a link's tables (neigh_get, rtnl_fdb_get).
func (h *Host) lookEntry(o model.Object, head []byte, which func(message) message, parse func([]byte, uint32) (model.Object, bool)) (model.Object, error) {
	k := o.Key()
	s, index, err := h.on(k.Netns, k.Name)
	if err != nil {
		return nil, ignore(err, unix.ENODEV, unix.ENOENT)
	}
	native.PutUint32(head[4:], index)
	body, err := s.conn.get(which(newMessage(unix.RTM_GETNEIGH, 0, head)))
	if err != nil {
		return nil, opError("look up", o, ignore(err, unix.ENOENT, unix.ENODEV))
	}
	if found, ok := parse(body, index); ok {
		return found, nil
	}
	return nil, nil
}

// lookFlood finds one of the rows of the all-zero MAC: the kernel would tell the first
// one alone (vxlan_fdb_get).
func (h *Host) lookFlood(ctx context.Context, k model.Key) (model.Object, error) {
	rows, err := h.FDB(ctx, k.Netns, k.Name)
	if err != nil {
		return nil, ignore(err, unix.ENODEV, unix.ENOENT)
	}
	return oneOf(k, rows), nil
}

// lookRoute looks one route up: of several with the key, the first, which the kernel takes.
func (h *Host) lookRoute(ctx context.Context, k model.Key) (model.Object, error) {
	var found model.Object
	err := h.RoutesLike(ctx, k.Netns, []model.Key{k}, func(r model.Route) {
		if found == nil && r.Key() == k {
			found = r
		}
	})
	return found, ignore(err, unix.ENOENT)
}

// RoutesLike calls f with each route of the main table that has one of the keys, or the
// same destination as one and a lower metric. The kernel is asked for them alone, unless
// there are so many that reading all takes no longer, or it tells of one that may hide
// others.
func (h *Host) RoutesLike(ctx context.Context, netns string, keys []model.Key, f func(model.Route)) error {
	const many = 1000 // are asked for in some milliseconds
	var found []model.Route
	sure := len(keys) <= many
	for _, k := range keys {
		if !sure {
			break
		}
		r, ok, known, err := h.routeLike(k)
		if err != nil {
			return err
		}
		if ok {
			found = append(found, r)
		}
		sure = known
	}
	if sure {
		for _, r := range found {
			f(r)
		}
		return nil
	}
	asked := make(map[netip.Prefix]uint32, len(keys))
	for _, k := range keys {
		asked[k.Prefix] = max(asked[k.Prefix], k.Metric)
	}
	return h.EachRoute(ctx, netns, 0, func(r model.Route) {
		if most, ok := asked[r.Dst]; ok && r.Metric <= most {
			f(r)
		}
	})
}

// routeLike asks what the kernel would take for the destination's first address: the
// route itself, unless one with a lower metric is there. known says that there are no
// others like it: another one for the same destination may hide it, and so may one for a
// part of that.
func (h *Host) routeLike(k model.Key) (r model.Route, ok, known bool, err error) {
	s, err := h.space(k.Netns)
	if err != nil {
		return r, false, false, err
	}
	dst := k.Prefix.Addr()
	head := rtmsg{family: familyOf(dst), dstLen: uint8(dst.BitLen()), flags: unix.RTM_F_FIB_MATCH}
	if dst.Is4() {
		head.flags |= unix.RTM_F_LOOKUP_TABLE // else it tells the main table, whichever a rule led to (inet_rtm_getroute)
	}
	body, err := s.conn.get(newMessage(unix.RTM_GETROUTE, 0, head.bytes()).addr(unix.RTA_DST, dst))
	if err != nil {
		return r, false, false, nil // it has none, or one that refuses packets
	}
	native.PutUint32(body[8:], native.Uint32(body[8:])&^(unix.RTM_F_FIB_MATCH|unix.RTM_F_LOOKUP_TABLE))
	r, parsed := parseRoute(body, s.names().of)
	if !parsed {
		return r, false, false, nil
	}
	r.Netns = k.Netns
	ok = r.Key() == k
	above := r.Dst == k.Prefix && r.Metric > k.Metric
	return r, ok, ok || above || shorter(r.Dst, k.Prefix), nil
}

// shorter says whether the kernel found a route that it takes only where there is none
// for the whole of want.
func shorter(found, want netip.Prefix) bool {
	return found.Bits() < want.Bits() && found.Contains(want.Addr())
}

func oneOf[T model.Object](k model.Key, l []T) model.Object {
	if i := slices.IndexFunc(l, func(o T) bool { return o.Key() == k }); i >= 0 {
		return l[i]
	}
	return nil
}

// Absent says whether an error means that what was asked for is not there, or the
// namespace or link that it would be in.
func Absent(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ESRCH)
}
