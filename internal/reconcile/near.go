package reconcile

import (
	"cmp"
	"context"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// standing says whether others stand on objects of the kind.
func standing(k model.Key) bool {
	return k.Kind == model.KindLink || k.Kind == model.KindAddress || k.Kind == model.KindNetns
}

// lookNear brings up to date what others stand on, and the routes out of the links that
// are dirty, have changed, or go down with one that is or has. What of it is looked at
// becomes dirty. What leads to the peers is none of it: where that may have changed, too,
// the error is ErrDoubt.
func (k *Keeper) lookNear(ctx context.Context, scope observe.Scope) error {
	if err := k.sameFacts(ctx); err != nil {
		return err
	}
	frame, err := observe.Frame(ctx, k.Host, scope)
	if err != nil {
		return err
	}
	if err := alone(frame, k.Identity()); err != nil {
		return err
	}
	unlike := slices.DeleteFunc(model.UnlikeFrames(k.seen, frame), func(key model.Key) bool {
		return !k.ours(key) && !k.oursIn(frame, key)
	})
	if k.farReaching(k.seen, unlike) || k.farReaching(frame, unlike) {
		return ErrDoubt
	}
	k.seen.TakeFrame(frame)
	if more, err := k.ear.Follow(inside(k.want.State, k.seen)); err != nil || more {
		return cmp.Or(err, ErrDoubt)
	}
	k.wards.noteFrames(k.want.State, k.seen)
	k.near = merge(k.near, unlike)
	links := k.wards.around.Links(slices.Concat(k.dirty, k.near))
	for l := range links {
		if k.wards.broad(l) {
			return ErrDoubt
		}
	}
	routes, err := observe.RoutesOn(ctx, k.Host, scope, k.seen, links)
	if err != nil {
		return err
	}
	k.near = merge(merge(k.near, routes), k.wards.around.On(links))
	return nil
}

// sameFacts returns ErrDoubt where the host is not as the expansion took it to be. Of the
// peers, those are asked for that the kernel reaches by another link than the underlay's,
// or not at all: of those others, it tells when their routes go or come, or their link does.
func (k *Keeper) sameFacts(ctx context.Context) error {
	facts, err := observe.Facts(ctx, k.Host, observe.Query{
		Addresses: k.Node.Addresses, Interface: k.Node.Interface, Peers: k.wards.apart,
	})
	if err != nil {
		return err
	}
	known := k.facts
	known.Direct = facts.Direct
	if !facts.Equal(known) {
		return ErrDoubt
	}
	for a, d := range facts.Direct {
		if k.facts.Direct[a] != d {
			return ErrDoubt
		}
	}
	return nil
}

// farReaching says whether one of the changed objects that a state has bears on more than
// what is on its link.
func (k *Keeper) farReaching(s *model.State, changed []model.Key) bool {
	return slices.ContainsFunc(changed, func(key model.Key) bool {
		e, ok := s.Get(key)
		if !ok {
			return false
		}
		switch o := e.Object.(type) {
		case model.Netns:
			return true
		case model.Link:
			tunnel := o.Type.Value() == model.TypeVXLAN || o.Type.Value() == model.TypeIPIP
			return tunnel || k.wards.broad(key)
		case model.Address:
			var c Concern
			k.concernAddress(&c, key, true)
			return c.All
		}
		return false
	})
}
