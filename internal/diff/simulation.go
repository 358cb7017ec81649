package diff

import (
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// simulation is the host as the steps planned so far would leave it: the observed
// state with what was changed laid over it, so that a plan without changes costs
// no copy.
type simulation struct {
	observed *model.State
	changed  map[model.Key]model.Entry
	gone     map[model.Key]bool
	lost     map[model.Key]loss      // observed objects that the kernel took down with a change
	released map[model.Key]model.Key // ports, and the deleted bridge that let them go

	dependents map[model.Key][]model.Key // what the kernel takes down with a key; made when first needed
	ports      map[model.Key][]model.Key // a link's ports; made with dependents
	claims     map[model.Claim]model.Key // made when first needed
}

// loss says why an object went.
type loss struct {
	object model.Object
	cause  model.Key
	impact model.Impact
}

func newSimulation(observed *model.State) *simulation {
	return &simulation{
		observed: observed,
		changed:  map[model.Key]model.Entry{},
		gone:     map[model.Key]bool{},
		lost:     map[model.Key]loss{},
		released: map[model.Key]model.Key{},
	}
}

func (s *simulation) get(k model.Key) (model.Entry, bool) {
	if s.gone[k] {
		return model.Entry{}, false
	}
	if e, ok := s.changed[k]; ok {
		return e, true
	}
	return s.observed.Get(k)
}

// put records an object that a step made or changed; it is ours from then on.
func (s *simulation) put(o model.Object) {
	delete(s.gone, o.Key())
	s.changed[o.Key()] = model.Entry{Object: o, Owner: model.OwnerOurs}
}

func (s *simulation) remove(k model.Key) {
	delete(s.changed, k)
	s.gone[k] = true
}

// release records that a deleted bridge let a port go.
func (s *simulation) release(port model.Entry, bridge model.Key) {
	l := port.Object.(model.Link)
	l.Master = model.Some("")
	port.Object = l
	s.changed[l.Key()] = port
	s.released[l.Key()] = bridge
}

// index finds out what depends on what. The observed objects suffice: what the
// plan makes is deleted by no later step of it.
func (s *simulation) index() {
	if s.dependents != nil {
		return
	}
	s.dependents = map[model.Key][]model.Key{}
	s.ports = map[model.Key][]model.Key{}
	for e := range s.observed.All() {
		key := e.Object.Key()
		for _, n := range e.Object.Needs() {
			if !n.Order {
				s.dependents[n.Key] = append(s.dependents[n.Key], key)
			}
		}
		if l, ok := e.Object.(model.Link); ok && l.Master.Value() != "" {
			master := model.LinkKey(l.Netns, l.Master.Value())
			s.ports[master] = append(s.ports[master], key)
		}
	}
}

// consequences returns what the kernel takes down with the deletion of o, in the
// order in which it can be made again, and the ports that it releases.
func (s *simulation) consequences(o model.Object) (lost, released []model.Entry) {
	s.index()
	seen := map[model.Key]bool{o.Key(): true}
	todo := []model.Object{o}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		for _, k := range append(slices.Clone(s.dependents[next.Key()]), s.routesLostWith(next)...) {
			e, ok := s.get(k)
			if !ok || seen[k] || !stillNeeds(e.Object, next) {
				continue
			}
			seen[k] = true
			lost = append(lost, e)
			todo = append(todo, e.Object)
		}
	}
	for k := range seen {
		for _, port := range s.ports[k] {
			e, ok := s.get(port)
			if ok && !seen[port] && e.Object.(model.Link).Master.Value() == k.Name {
				released = append(released, e)
			}
		}
	}
	return inOrder(slices.Values(lost)), inOrder(slices.Values(released))
}

// stillNeeds says whether o, as the steps so far have left it, goes down with
// the removed object: a route may have been led elsewhere since it was observed.
func stillNeeds(o, removed model.Object) bool {
	if _, ok := removed.(model.Address); ok {
		return true // routesLostWith has looked at the present state
	}
	for _, n := range o.Needs() {
		if n.Key == removed.Key() {
			return true
		}
	}
	return false
}

// routesLostWith returns the IPv4 routes that vanish with an address: all that
// lead through its link if it is the link's last one, and those that prefer it as
// source (fib_sync_down_addr and fib_disable_ip, net/ipv4/fib_frontend.c).
func (s *simulation) routesLostWith(o model.Object) []model.Key {
	a, ok := o.(model.Address)
	if !ok || !a.Prefix.Addr().Is4() || s.gone[model.LinkKey(a.Netns, a.Link)] {
		return nil
	}
	last := true
	for _, k := range s.onLink(a.Netns, a.Link, model.KindAddress) {
		last = last && (k == a.Key() || !k.Prefix.Addr().Is4())
	}
	var routes []model.Key
	for _, e := range s.all(model.KindRoute) {
		r := e.Object.(model.Route)
		if r.Netns != a.Netns || !r.Dst.Addr().Is4() {
			continue
		}
		if (last && r.Dev.Value() == a.Link) || r.Src.Value() == a.Prefix.Addr() {
			routes = append(routes, r.Key())
		}
	}
	return routes
}

// flush returns the permanent neighbours of a link, which a change of its MAC drops.
func (s *simulation) flush(link model.Key) []model.Entry {
	var l []model.Entry
	for _, k := range s.onLink(link.Netns, link.Name, model.KindNeighbour) {
		e, _ := s.get(k)
		l = append(l, e)
	}
	return l
}

// onLink returns the keys of the present objects of a kind on a link.
func (s *simulation) onLink(netns, link string, kind model.Kind) []model.Key {
	var keys []model.Key
	for _, e := range s.all(kind) {
		if k := e.Object.Key(); k.Netns == netns && k.Name == link {
			keys = append(keys, k)
		}
	}
	return keys
}

// all returns the present objects of a kind, in order.
func (s *simulation) all(kind model.Kind) []model.Entry {
	var l []model.Entry
	for e := range s.observed.All() {
		if k := e.Object.Key(); k.Kind == kind {
			if _, laid := s.changed[k]; !laid && !s.gone[k] {
				l = append(l, e)
			}
		}
	}
	for k, e := range s.changed {
		if k.Kind == kind {
			l = append(l, e)
		}
	}
	slices.SortFunc(l, func(a, b model.Entry) int { return a.Object.Key().Compare(b.Object.Key()) })
	return l
}

// inTheWayOf returns the present objects that keep o from being created although
// they have another key.
func (s *simulation) inTheWayOf(o model.Object) []model.Entry {
	var l []model.Entry
	if holder, ok := s.holder(model.ClaimOf(o)); ok && holder.Object.Key() != o.Key() {
		l = append(l, holder)
	}
	link, ok := o.(model.Link)
	if !ok || !link.Primary() {
		return l
	}
	end, ok := link.Peer.Get()
	if !ok {
		return l
	}
	if e, ok := s.get(model.LinkKey(end.Netns, end.Name)); ok {
		if old, _ := e.Object.(model.Link).Peer.Get(); old != (model.EndRef{Netns: link.Netns, Name: link.Name}) {
			l = append(l, e)
		}
	}
	return l
}

// holder returns the present object that holds the claim.
func (s *simulation) holder(c model.Claim) (model.Entry, bool) {
	if c == (model.Claim{}) {
		return model.Entry{}, false
	}
	if s.claims == nil {
		s.claims = map[model.Claim]model.Key{}
		for e := range s.observed.All() {
			if own := model.ClaimOf(e.Object); own != (model.Claim{}) {
				s.claims[own] = e.Object.Key()
			}
		}
	}
	k, ok := s.claims[c]
	if !ok {
		return model.Entry{}, false
	}
	e, ok := s.get(k)
	if !ok || model.ClaimOf(e.Object) != c {
		return model.Entry{}, false
	}
	return e, true
}
