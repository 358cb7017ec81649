package main

import (
	"context"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/review"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// planObserved makes the plans of nodes from snapshots of their hosts.
func (c *common) planObserved(ctx context.Context, e elsewhere, o elsewhereOptions) ([]render.NodePlan, error) {
	l, err := review.ReadSnapshots(e.observed)
	if err != nil {
		return nil, err
	}
	t, err := c.loadElsewhere(o)
	if err != nil {
		return nil, err
	}
	return c.planSightings(ctx, review.Sightings{Topology: t, All: l, MaxAge: e.maxAge}, o), nil
}

// loadElsewhere reads the topology; one without nodes only where that is allowed.
func (c *common) loadElsewhere(o elsewhereOptions) (*spec.Topology, error) {
	if o.empty {
		return c.loadBy(spec.LoadEmpty)
	}
	return c.load()
}

// planSightings makes the plans, and tells what they don't say.
func (c *common) planSightings(ctx context.Context, s review.Sightings, o elsewhereOptions) []render.NodePlan {
	s.Node, s.Now, s.Options = c.node, time.Now(), o.diff
	a := s.Plans(ctx)
	for _, n := range a.Notes {
		c.ui.tell("Note: %s", n)
	}
	for _, w := range a.Warnings {
		c.ui.warn("%s", w)
	}
	return a.Plans
}
