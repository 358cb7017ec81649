package kernel

import (
	"context"
	"errors"
	"fmt"
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
