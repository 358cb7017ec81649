package diff

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// index finds out what goes down with what.
func (s *simulation) index() {
	if s.dependents != nil {
		return
	}
	s.dependents = map[model.Key][]model.Key{}
	s.ports = map[model.Key][]model.Key{}
	s.addresses = map[model.Key][]model.Key{}
	s.subnets = map[model.Key][]model.Key{}
	s.holders = map[hostIP][]model.Key{}
	s.sourced = map[hostIP][]model.Key{}
	for _, state := range []*model.State{s.observed, s.changed} {
		for e := range state.Frame() {
			s.note(e.Object)
		}
		for r := range state.Routes() {
			s.noteSource(r)
		}
	}
}

// dependentsOf returns the keys of what may go down with the key, but for what leads to peers:
// see leadingOn.
func (s *simulation) dependentsOf(k model.Key) []model.Key {
	s.index()
	return s.dependents[k]
}

// leadingOn yields, in any order, the present routes, neighbours and FDB entries on a link.
// They are not in the index: they are looked for when somebody asks, which is
// seldom, and never once a peer.
func (s *simulation) leadingOn(link model.Key) iter.Seq[model.Entry] {
	s.settle()
	return func(yield func(model.Entry) bool) {
		for e := range s.observed.LeadingOn(link) {
			if k := e.Object.Key(); !s.gone.Has(k) && !s.changed.Has(k) && !yield(e) {
				return
			}
		}
		for e := range s.changed.LeadingOn(link) {
			if !yield(e) {
				return
			}
		}
	}
}

// leadOn returns how many of these were observed.
func (s *simulation) leadOn(l model.Link) (n int) {
	s.observed.Leading(func(netns, link string, _ netip.Addr) bool {
		if netns == l.Netns && link == l.Name {
			n++
		}
		return false
	})
	return n
}

// note adds an object to the index.
func (s *simulation) note(o model.Object) {
	key := o.Key()
	for _, n := range o.Needs() {
		if !n.Order {
			s.dependents[n.Key] = append(s.dependents[n.Key], key)
		}
	}
	switch o := o.(type) {
	case model.Link:
		if m := o.Master.Value(); m != "" {
			master := model.LinkKey(o.Netns, m)
			s.ports[master] = append(s.ports[master], key)
		}
		if end, ok := o.Peer.Get(); ok && o.Primary() {
			other := model.LinkKey(end.Netns, end.Name)
			s.dependents[other] = append(s.dependents[other], key)
		}
	case model.Address:
		link := model.LinkKey(o.Netns, o.Link)
		s.addresses[link] = append(s.addresses[link], key)
		route := model.RouteKey(o.Netns, model.TableMain, o.Prefix.Masked(), 0)
		s.subnets[route] = append(s.subnets[route], key)
		ip := hostIP{o.Netns, o.Prefix.Addr()}
		s.holders[ip] = append(s.holders[ip], key)
	}
}

// noteSource notes a route that prefers an IPv4 address as source.
func (s *simulation) noteSource(r *model.Route) {
	if src := r.Src.Value(); src.Is4() {
		ip := hostIP{r.Netns, src}
		s.sourced[ip] = append(s.sourced[ip], r.Key())
	}
}

// cascade is what the kernel takes down with the deletion of an object.
type cascade struct {
	*simulation
	down map[model.Key]bool // with the object itself; none that leads to a peer
	idle map[model.Key]bool // links whose last IPv4 address goes
	lost []model.Entry      // what leads to a peer may be there twice
	todo []model.Object
}

// consequences returns what the kernel takes down with the deletion of o, in the
// order in which it can be made again, and the ports that it releases.
func (s *simulation) consequences(o model.Object) (lost, released []model.Entry) {
	switch o.(type) {
	case model.Route, model.Neighbour, model.FDBEntry:
		return nil, nil // nothing stands on them
	}
	s.index()
	c := &cascade{simulation: s, down: map[model.Key]bool{o.Key(): true}, idle: map[model.Key]bool{}, todo: []model.Object{o}}
	for len(c.todo) > 0 {
		next := c.todo[0]
		c.todo = c.todo[1:]
		for _, e := range s.present(s.dependentsOf(next.Key())) {
			if stillNeeds(e.Object, next) {
				c.take(e)
			}
		}
		switch next := next.(type) {
		case model.Link:
			c.lost = slices.AppendSeq(slices.Grow(c.lost, c.leadOn(next)), c.leadingOn(next.Key()))
		case model.Address:
			if next.Prefix.Addr().Is4() {
				c.address(next)
			}
		}
	}
	for k := range c.down {
		for _, port := range s.present(s.ports[k]) {
			if l := port.Object.(model.Link); !c.down[l.Key()] && model.LinkKey(l.Netns, l.Master.Value()) == k {
				released = append(released, port)
			}
		}
	}
	return c.lostInOrder(), inOrder(slices.Values(released), len(released))
}

// lostInOrder returns what was taken, each once, in the order in which it can be made again.
func (c *cascade) lostInOrder() []model.Entry {
	putInOrder(c.lost)
	return slices.CompactFunc(c.lost, func(a, b model.Entry) bool { return model.CompareKeys(a.Object, b.Object) == 0 })
}

func (c *cascade) take(e model.Entry) {
	if stage(e.Object) == lastStage {
		c.lost = append(c.lost, e)
		return
	}
	if k := e.Object.Key(); !c.down[k] {
		c.down[k] = true
		c.lost = append(c.lost, e)
		c.todo = append(c.todo, e.Object)
	}
}

// stillNeeds says whether o, as the steps so far have left it, goes down with
// the removed object: a route may have been led elsewhere since it was observed.
func stillNeeds(o, removed model.Object) bool {
	for _, n := range o.Needs() {
		if !n.Order && n.Key == removed.Key() {
			return true
		}
	}
	l, ok := removed.(model.Link)
	return ok && isEndOf(o, l)
}

// address takes what goes with an IPv4 address: the routes that prefer it as
// source, unless another link has it, too, and with a link's last one the
// neighbours, and the routes that lead through the link (fib_sync_down_addr and
// fib_disable_ip, net/ipv4/fib_frontend.c).
func (c *cascade) address(a model.Address) {
	if len(c.staying(c.holdersOf(a.Netns, a.Prefix.Addr()))) == 0 {
		for _, e := range c.present(c.sourced[hostIP{a.Netns, a.Prefix.Addr()}]) {
			if e.Object.(model.Route).Src.Value() == a.Prefix.Addr() {
				c.take(e)
			}
		}
	}
	last, only := true, true
	for _, e := range c.staying(c.addressesOn(a.Netns, a.Link)) {
		p := e.Object.(model.Address).Prefix
		last = last && p.Addr().Is6()
		only = only && p.Masked() != a.Prefix.Masked()
	}
	if own, ok := c.get(model.RouteKey(a.Netns, model.TableMain, a.Prefix.Masked(), 0)); ok && only && own.Owner == model.OwnerKernel {
		c.take(own)
	}
	if last {
		c.disableIPv4(model.LinkKey(a.Netns, a.Link))
	}
}

// disableIPv4 takes what goes with a link's last IPv4 address. If the link goes, too, so does
// all that is on it.
func (c *cascade) disableIPv4(link model.Key) {
	if c.down[link] || c.idle[link] {
		return
	}
	c.idle[link] = true
	for e := range c.leadingOn(link) {
		if k := e.Object.Key(); k.Kind != model.KindFDB && k.Prefix.Addr().Is4() && !c.leadsElsewhere(e.Object, link) {
			c.take(e)
		}
	}
}

// leadsElsewhere says whether a route has a next hop by another link, too, for which it stays
// (fib_sync_down_dev, net/ipv4/fib_semantics.c).
func (c *cascade) leadsElsewhere(o model.Object, link model.Key) bool {
	r, ok := o.(model.Route)
	return ok && r.OutOf(func(name string) bool {
		other := model.LinkKey(r.Netns, name)
		return other != link && !c.down[other] && c.carriesIPv4(other)
	})
}

// carriesIPv4 says whether a link is up, and an IPv4 address of it stays.
func (c *cascade) carriesIPv4(link model.Key) bool {
	e, ok := c.get(link)
	if l, is := e.Object.(model.Link); !ok || !is || !l.Up.Value() {
		return false
	}
	return slices.ContainsFunc(c.staying(c.addressesOn(link.Netns, link.Name)), func(e model.Entry) bool {
		return e.Object.Key().Prefix.Addr().Is4()
	})
}

// staying returns those entries that don't go down.
func (c *cascade) staying(l []model.Entry) []model.Entry {
	return slices.DeleteFunc(l, func(e model.Entry) bool { return c.down[e.Object.Key()] })
}

// flush returns the permanent neighbours of a link, which a change of its MAC drops.
func (s *simulation) flush(link model.Key) []model.Entry {
	l := s.neighboursOn(link)
	slices.SortFunc(l, func(a, b model.Entry) int { return model.CompareKeys(a.Object, b.Object) })
	return l
}

// neighboursOn returns the present neighbours on a link, in any order.
func (s *simulation) neighboursOn(link model.Key) []model.Entry {
	var l []model.Entry
	for e := range s.leadingOn(link) {
		if e.Object.Key().Kind == model.KindNeighbour {
			l = append(l, e)
		}
	}
	return l
}

// endangered returns what would go if the step were done and taken back.
func (s *simulation) endangered(step model.Step) []model.Object {
	var l []model.Entry
	switch after := step.After.(type) {
	case model.Address:
		l = s.withFirstAddress(step.Op, after)
	case model.Link:
		if before, ok := step.Before.(model.Link); ok && after.Up.Value() && !before.Up.Value() {
			l = s.whileDown(after)
		}
	}
	var objects []model.Object
	for _, e := range inOrder(slices.Values(l), len(l)) {
		if e.Owner != model.OwnerKernel {
			objects = append(objects, e.Object)
		}
	}
	return objects
}

// withFirstAddress returns the IPv4 routes and neighbours that a link has before its
// first IPv4 address.
func (s *simulation) withFirstAddress(op model.Op, a model.Address) []model.Entry {
	if op != model.OpCreate || a.Prefix.Addr().Is6() {
		return nil
	}
	for _, e := range s.addressesOn(a.Netns, a.Link) {
		if e.Object.Key().Prefix.Addr().Is4() {
			return nil
		}
	}
	c := &cascade{simulation: s, idle: map[model.Key]bool{}}
	c.disableIPv4(model.LinkKey(a.Netns, a.Link))
	return c.lost
}

// whileDown returns what a link that is down can have, and loses when it goes down:
// neighbours and IPv6 addresses.
func (s *simulation) whileDown(link model.Link) []model.Entry {
	l := s.neighboursOn(link.Key())
	for _, e := range s.addressesOn(link.Netns, link.Name) {
		if e.Object.Key().Prefix.Addr().Is6() {
			l = append(l, e)
		}
	}
	return l
}
