package observe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// maxLooks is how often a host is looked at again of which something went meanwhile.
const maxLooks = 5

// Everything observes the whole host, whatever a topology may want of it: all named
// network namespaces, the links, addresses and main-table routes of the host's own one
// and of those, the permanent neighbours and the FDB entries of every vxlan device of
// its own, and the sysctls by which it forwards. Owners are as State has them for id;
// the zero Identity owns nothing. A namespace that carries the mark of another topology
// or node is listed, but not looked into, one with several names only under the first,
// and of one that has links with another's mark, just the links are listed.
//
// What comes and goes while it looks, such as the namespaces of containers, makes it
// look again.
func Everything(ctx context.Context, h Host, id model.Identity) (*model.State, error) {
	for look := 1; ; look++ {
		o := &observer{host: h, scope: Scope{Identity: id, Wanted: &model.State{}}, state: &model.State{}}
		err := o.everything(ctx)
		if err == nil {
			return o.state, nil
		}
		if !gone(err) || look == maxLooks || ctx.Err() != nil {
			return nil, fmt.Errorf("observe everything: %w", err)
		}
	}
}

// gone says whether an error is about something that has gone meanwhile.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV)
}

func (o *observer) everything(ctx context.Context) error {
	for _, look := range []func(context.Context) error{
		o.everyNetns, o.allLinks, o.others, o.forwarding, o.allAddresses, o.leading, o.vxlans, o.sysctls,
	} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// everyNetns lists the namespaces, and decides to look into those that are nobody
// else's. One may have several names, and the host's own may have one, too
// (ip-netns(8), attach).
func (o *observer) everyNetns(ctx context.Context) error {
	all, err := o.host.Netns(ctx)
	if err != nil {
		return err
	}
	seen := map[uint64]bool{}
	for _, name := range append([]model.Netns{{}}, all...) {
		inode, err := o.host.Inode(name.Name)
		if err != nil {
			return err
		}
		owner, maker := ownerByAlias(o.scope.Identity, name.Alias.Value())
		if name.Name != "" {
			o.put(name, owner, maker)
		}
		if owner != model.OwnerOther && !seen[inode] {
			o.inside = append(o.inside, name.Name)
		}
		seen[inode] = true
	}
	return nil
}

// others leaves the namespaces without a mark in which links carry that of another
// topology or node: such as the root of another simulated host, which has a name, too.
// The protocol on what else is in there would be taken for our mark.
func (o *observer) others(context.Context) error {
	others := map[string]bool{}
	for e := range o.state.Frame() {
		if l, ok := e.Object.(model.Link); ok && l.Netns != "" && e.Owner == model.OwnerOther {
			others[l.Netns] = true
		}
	}
	o.inside = slices.DeleteFunc(o.inside, func(ns string) bool {
		e, _ := o.state.Get(model.NetnsKey(ns))
		return others[ns] && !e.Owner.Mine()
	})
	return nil
}

// forwarding wants the sysctls to be read that an expansion may set on the host, and
// those by which a namespace forwards.
func (o *observer) forwarding(context.Context) error {
	for _, ns := range o.inside {
		for _, name := range []string{"net.ipv4.ip_forward", Forwarding6} {
			o.want(model.Sysctl{Netns: ns, Name: name})
		}
	}
	for e := range o.state.Frame() {
		if l, ok := e.Object.(model.Link); ok && l.Netns == "" && e.Owner == model.OwnerForeign && l.Master.Value() == "" { // it may be the underlay
			o.want(model.Sysctl{Name: model.DeviceSysctl(6, l.Name, "accept_ra")})
		}
	}
	return nil
}

func (o *observer) want(obj model.Object) { o.scope.Wanted.Put(model.Entry{Object: obj}) }

// vxlans lists the neighbours and FDB entries of every vxlan device, which
// overlayLinks leaves out where they are not ours.
func (o *observer) vxlans(ctx context.Context) error {
	for e := range o.state.Frame() {
		l, ok := e.Object.(model.Link)
		if ok && l.Netns == "" && l.Type.Value() == model.TypeVXLAN && !e.Owner.Mine() {
			if err := o.overlayLink(ctx, l, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// wholeOverlayLink lists all that the link has: what nobody wants cannot be looked up
// afterwards.
func (o *observer) wholeOverlayLink(ctx context.Context, l model.Link, e model.Entry) error {
	neighbours, err := o.host.Neighbours(ctx, l.Netns, l.Name)
	if err != nil {
		return err
	}
	entries, err := o.host.FDB(ctx, l.Netns, l.Name)
	if err != nil {
		return err
	}
	for _, n := range neighbours {
		o.state.PutNeighbour(n, model.Entry{Owner: ownerOfNeighbour(n)})
	}
	for _, f := range entries {
		o.state.PutFDB(f, model.Entry{Owner: e.Owner, Maker: e.Maker})
	}
	return nil
}
