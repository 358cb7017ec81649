package observe

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Concern says which routes of the host's own namespace a plan may be about that may change,
// make or remove all that is wanted or ours: those that it may change, that may stand in the
// way of what it makes, or go down with what it removes. It doubts in favour of a route.
type Concern struct {
	destinations map[netip.Prefix]bool // of routes that are wanted or ours, and the subnets of addresses that may come or go
	sources      map[netip.Addr]bool   // these addresses
	apart        map[string]bool       // links that stay as they are
	last         string                // link that was asked for last: mostly, the next route leads out of it, too
	lastApart    bool
}

// ConcernOf finds out what concerns a plan that leads to what is wanted. Of what was observed,
// it takes the links and addresses of the namespaces in which something may change, and what
// routes are ours.
func ConcernOf(wanted, observed *model.State) *Concern {
	c := &Concern{destinations: map[netip.Prefix]bool{}, sources: map[netip.Addr]bool{}, apart: map[string]bool{}}
	falling := unsteady(wanted, observed)
	for _, s := range []*model.State{wanted, observed} {
		for e := range s.Frame() {
			switch o := e.Object.(type) {
			case model.Link:
				if o.Netns == "" && !falling[o.Key()] {
					c.apart[o.Name] = true
				}
			case model.Address:
				if o.Netns == "" && falling[model.LinkKey("", o.Link)] {
					c.sources[o.Prefix.Addr()] = true
					c.destinations[o.Prefix.Masked()] = true
				}
			}
		}
	}
	for r := range wanted.Routes() {
		c.destine(r)
	}
	for r, s := range observed.Routes() { // it may be to stay for a while
		if s.Owner.Mine() {
			c.destine(r)
		}
	}
	return c
}

func (c *Concern) destine(r *model.Route) {
	if r.Netns == "" {
		c.destinations[r.Dst] = true
	}
}

// unsteady returns the links that may be made, changed or removed, on which an address may, or
// that go down with such a one. In a namespace that may go, all may.
func unsteady(wanted, observed *model.State) map[model.Key]bool {
	links := map[model.Key]bool{}
	var falling model.Falling
	note := func(e model.Entry, mayChange bool) {
		switch o := e.Object.(type) {
		case model.Link:
			falling.Note(o)
			if mayChange || o.Netns != "" {
				links[o.Key()] = true
			}
		case model.Address:
			if mayChange {
				links[model.LinkKey(o.Netns, o.Link)] = true
			}
		}
	}
	for e := range wanted.Frame() {
		note(e, !e.Ref)
	}
	for e := range observed.Frame() {
		note(e, e.Owner.Mine())
	}
	falling.Add(links)
	return links
}

// Route says whether a plan may be about the route. It must be asked by one goroutine at a
// time.
func (c *Concern) Route(r *model.Route) bool {
	if r.Protocol == model.Some(model.MarkProtocol) || c.destinations[r.Dst] {
		return true
	}
	if src := r.Src.Value(); src.IsValid() && c.sources[src] {
		return true
	}
	return r.OutOf(c.mayChange)
}

// mayChange says whether a link may, or is one that was not there when links were listed.
func (c *Concern) mayChange(link string) bool {
	if link == "" {
		return false
	}
	if link != c.last {
		c.last, c.lastApart = link, c.apart[link]
	}
	return !c.lastApart
}
