package reconcile

import (
	"cmp"
	"context"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// planNear makes a plan of what is dirty, and of what is on the links that are, have changed,
// or go down with one that is or has.
func (k *Keeper) planNear(ctx context.Context, scope observe.Scope) (*Result, error) {
	links, err := k.lookNear(ctx, scope)
	if err != nil {
		return nil, err
	}
	res, err := k.planSeen(ctx, merge(k.dirty, k.near))
	if err != nil || !takesAlong(res.Plan) {
		return res, err
	}
	routes, err := observe.RoutesOn(ctx, k.Host, scope, k.seen, links) // others' would go, too
	if err != nil {
		return nil, err
	}
	k.near = merge(k.near, routes)
	return k.planSeen(ctx, merge(k.dirty, k.near))
}

// takesAlong says whether a plan may do harm to what stands on what it changes.
func takesAlong(p *diff.Plan) bool {
	return slices.ContainsFunc(p.Steps, func(s model.Step) bool {
		return s.Op == model.OpDelete && s.Key().Kind.Bears() || s.Along != nil
	})
}

// lookNear brings up to date what others stand on, and looks up what of ours is on the
// links that are dirty, have changed, or go down with one that is or has: with them, it
// goes without a word. What leads to the peers is none of it: where that may have changed,
// too, the error is ErrDoubt.
func (k *Keeper) lookNear(ctx context.Context, scope observe.Scope) (links map[model.Key]bool, err error) {
	if err := k.lookAtFrame(ctx, scope); err != nil {
		return nil, err
	}
	links = k.wards.around.Links(slices.Concat(k.dirty, k.near))
	for l := range links {
		if k.wards.broad(l) {
			return nil, ErrDoubt
		}
	}
	k.near = merge(k.near, k.wards.around.Standing(k.want.State, k.seen, links))
	leaves := slices.DeleteFunc(merge(k.dirty, k.near), func(key model.Key) bool {
		return !key.Kind.Leads() || !k.ours(key) && !slices.Contains(k.dirty, key)
	})
	return links, observe.Again(ctx, k.Host, scope, k.seen, leaves)
}

// lookAtFrame brings up to date what others stand on, and notes what of ours has changed.
func (k *Keeper) lookAtFrame(ctx context.Context, scope observe.Scope) error {
	// Of the peers, those are asked for that the kernel reaches by another link than the
	// underlay's, or not at all: of those others, it tells when their routes go or come, or
	// their link does.
	if err := k.sameFacts(ctx, k.Host, k.facts, k.wards.apart); err != nil {
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
