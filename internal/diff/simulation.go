package diff

import (
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// simulation is the host as the steps planned so far would leave it: the observed
// state with what was changed laid over it, so that a plan without changes costs
// no copy.
type simulation struct {
	observed *model.State
	changed  *model.State
	gone     *model.Marks            // of what was observed
	lost     map[model.Key]loss      // observed objects that are desired, and that the kernel took down with a change
	released map[model.Key]model.Key // ports, and the deleted bridge that let them go
	made     map[model.Key]bool      // links that a step made
	waiting  []model.Object          // that steps have made, and that are put when somebody asks

	// Made when first needed, and kept up to date from then on. They may name what is
	// gone or no longer so: whoever looks something up checks it.
	dependents map[model.Key][]model.Key // what the kernel takes down with a key
	ports      map[model.Key][]model.Key // a bridge's ports
	addresses  map[model.Key][]model.Key // of a link
	subnets    map[model.Key][]model.Key // the addresses for which the kernel makes a route
	holders    map[hostIP][]model.Key    // the addresses with an IP address
	sourced    map[hostIP][]model.Key    // the IPv4 routes that prefer it as source
	claims     map[model.Claim]model.Key // of the observed objects
}

// hostIP is an IP address in a namespace.
type hostIP struct {
	netns string
	ip    netip.Addr
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
		changed:  &model.State{},
		gone:     observed.Marks(),
		lost:     map[model.Key]loss{},
		released: map[model.Key]model.Key{},
		made:     map[model.Key]bool{},
	}
}

func (s *simulation) get(k model.Key) (model.Entry, bool) {
	s.settle()
	if s.gone.Has(k) {
		return model.Entry{}, false
	}
	if e, ok := s.changed.Get(k); ok {
		return e, true
	}
	return s.observed.Get(k)
}

// putLater is put for an object of a kind of which there are many, and that was neither
// observed nor made by a step before: mostly nobody asks for it any more.
func (s *simulation) putLater(o model.Object) { s.waiting = append(s.waiting, o) }

// settle puts the objects that wait for it.
func (s *simulation) settle() {
	if len(s.waiting) == 0 {
		return
	}
	l := s.waiting
	s.waiting = nil
	for _, o := range l {
		s.put(o)
	}
}

// put records an object that a step made or changed; it is ours from then on.
func (s *simulation) put(o model.Object) {
	s.gone.Set(o.Key(), false)
	s.changed.Put(model.Entry{Object: o, Owner: model.OwnerOurs})
	if s.dependents == nil {
		return
	}
	switch o := o.(type) {
	case model.Neighbour, model.FDBEntry:
	case model.Route:
		s.noteSource(&o)
	default:
		s.note(o)
	}
}

func (s *simulation) remove(k model.Key) {
	s.settle()
	s.changed.Remove(k)
	s.gone.Set(k, true)
}

// release records that a deleted bridge let a port go.
func (s *simulation) release(port model.Entry, bridge model.Key) {
	l := port.Object.(model.Link)
	l.Master = model.Some("")
	port.Object = l
	s.changed.Put(port)
	s.released[l.Key()] = bridge
}

// present returns the entries of those keys that are there, each once, in order.
func (s *simulation) present(keys []model.Key) []model.Entry {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, model.Key.Compare)
	var l []model.Entry
	for _, k := range slices.Compact(keys) {
		if e, ok := s.get(k); ok {
			l = append(l, e)
		}
	}
	return l
}

// latest returns the object with the key as it is or was last, or nil.
func (s *simulation) latest(k model.Key) model.Object {
	if e, ok := s.get(k); ok {
		return e.Object
	}
	e, _ := s.observed.Get(k)
	return e.Object
}

// carried says whether a route led through the link when the plan was begun.
func (s *simulation) carried(l model.Link) bool {
	for r, about := range s.observed.Routes() {
		if r.Netns == l.Netns && about.Owner != model.OwnerKernel && r.OutOf(func(link string) bool { return link == l.Name }) {
			return true
		}
	}
	return false
}

// portsOf returns the present ports of a bridge.
func (s *simulation) portsOf(bridge model.Link) []model.Entry {
	s.index()
	return slices.DeleteFunc(s.present(s.ports[bridge.Key()]), func(e model.Entry) bool {
		l := e.Object.(model.Link)
		return l.Netns != bridge.Netns || l.Master.Value() != bridge.Name
	})
}

// whole returns what is deleted where e is: of a veth the first end, since the second
// one cannot be made again alone.
func (s *simulation) whole(e model.Entry) model.Entry {
	l, ok := e.Object.(model.Link)
	if !ok || l.Primary() {
		return e
	}
	end := l.Peer.Value()
	if first, ok := s.get(model.LinkKey(end.Netns, end.Name)); ok && isEndOf(first.Object, l) {
		return first
	}
	return e
}

// isEndOf says whether o is the other end of the veth l.
func isEndOf(o model.Object, l model.Link) bool {
	other, ok := o.(model.Link)
	if !ok {
		return false
	}
	end, ok := other.Peer.Get()
	return ok && end == (model.EndRef{Netns: l.Netns, Name: l.Name})
}

// holder returns the present object that holds the claim.
func (s *simulation) holder(c model.Claim) (model.Entry, bool) {
	if c == (model.Claim{}) {
		return model.Entry{}, false
	}
	if s.claims == nil {
		s.claims = map[model.Claim]model.Key{}
		for e := range s.observed.Frame() { // only links claim anything
			own, k := model.ClaimOf(e.Object), e.Object.Key()
			if other, ok := s.claims[own]; own != (model.Claim{}) && (!ok || other.Compare(k) < 0) {
				s.claims[own] = k
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
