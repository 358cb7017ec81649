package diff

import (
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Surroundings are the objects of two states that others stand on: what a plan of a few
// objects must know beside them.
type Surroundings struct {
	frame     []model.Key            // namespaces, links and addresses, desired or observed
	addresses map[string][]model.Key // of them, by namespace
	falling   model.Falling
}

// SurroundingsOf finds them.
func SurroundingsOf(desired, observed *model.State) *Surroundings {
	s := &Surroundings{addresses: map[string][]model.Key{}}
	for e := range desired.Frame() {
		s.note(e.Object, true)
	}
	for e := range observed.Frame() {
		s.note(e.Object, !desired.Has(e.Object.Key()))
	}
	return s
}

func (s *Surroundings) note(o model.Object, first bool) {
	k := o.Key()
	if l, ok := o.(model.Link); ok {
		s.falling.Note(l)
	}
	if !first || !k.Kind.Bears() {
		return
	}
	s.frame = append(s.frame, k)
	if k.Kind == model.KindAddress {
		s.addresses[k.Netns] = append(s.addresses[k.Netns], k)
	}
}

func bears(k model.Key) bool { return k.Kind.Bears() }

// Excerpt returns of both states the objects of the keys, and what a plan must know to
// bring them about: of a route, neighbour or FDB entry, what it needs, and the addresses of
// its namespace, of a route to a peer also those with another metric; of anything else, all
// links, addresses and namespaces, and what is on the links that may go down with it.
func (s *Surroundings) Excerpt(desired, observed *model.State, keys []model.Key) (some, of *model.State) {
	if slices.ContainsFunc(keys, bears) {
		keys = append(slices.Clip(keys), s.Standing(desired, observed, s.Links(keys))...)
	}
	return s.Part(desired, observed, keys)
}

// Part is Excerpt for who has found out what is on the links that may go down with the keys,
// and names it, too.
func (s *Surroundings) Part(desired, observed *model.State, keys []model.Key) (some, of *model.State) {
	x := &excerpt{want: desired, seen: observed, some: &model.State{}, of: &model.State{}}
	taken := map[string]bool{}
	for _, k := range keys {
		x.take(k)
		if k.Spreadable() {
			x.take(k.Plain())
			x.take(k.Spread())
		}
		if taken[k.Netns] {
			continue
		}
		taken[k.Netns] = true
		for _, a := range s.addresses[k.Netns] {
			x.take(a)
		}
	}
	if slices.ContainsFunc(keys, bears) {
		for _, k := range s.frame {
			x.take(k)
		}
	}
	return x.some, x.of
}

// Links returns the links that are among the keys, have an address among them, or are in
// a namespace among them, and those that go down with these.
func (s *Surroundings) Links(keys []model.Key) map[model.Key]bool {
	links, netns := map[model.Key]bool{}, map[string]bool{}
	for _, k := range keys {
		switch k.Kind {
		case model.KindLink, model.KindAddress:
			links[model.LinkKey(k.Netns, k.Name)] = true
		case model.KindNetns:
			netns[k.Name] = true
		}
	}
	for _, k := range s.frame {
		if k.Kind == model.KindLink && netns[k.Netns] {
			links[k] = true
		}
	}
	s.falling.Add(links)
	return links
}

// addressesOn returns the addresses on the links.
func (s *Surroundings) addressesOn(links map[model.Key]bool) map[hostIP]bool {
	ips := map[hostIP]bool{}
	for _, k := range s.frame {
		if k.Kind == model.KindAddress && links[model.LinkKey(k.Netns, k.Name)] {
			ips[hostIP{k.Netns, k.Prefix.Addr()}] = true
		}
	}
	return ips
}

// Standing returns, in any order and some of it twice, what stands on links in one of the
// states, prefers one of their addresses, or is in the same namespace without a link.
func (s *Surroundings) Standing(desired, observed *model.State, links map[model.Key]bool) []model.Key {
	netns, ips := map[string]bool{}, s.addressesOn(links)
	for k := range links {
		netns[k.Netns] = true
	}
	var l []model.Key
	for _, state := range []*model.State{desired, observed} {
		for e := range state.Frame() {
			k := e.Object.Key()
			if k.Kind == model.KindSysctl && netns[k.Netns] || links[model.LinkKey(k.Netns, k.Name)] {
				l = append(l, k)
			}
		}
		var last model.Key // most are on the same link as the one before
		on := netns[""]
		l = append(l, state.Leading(func(ns, link string, src netip.Addr) bool {
			if last.Name != link || last.Netns != ns {
				last = model.LinkKey(ns, link)
				on = links[last] || link == "" && netns[ns]
			}
			return on || src.IsValid() && ips[hostIP{ns, src}]
		})...)
	}
	return l
}

// excerpt is a part of both states.
type excerpt struct{ want, seen, some, of *model.State }

// take takes the objects of a key, and what they need.
func (x *excerpt) take(k model.Key) {
	for _, s := range []struct{ from, to *model.State }{{x.want, x.some}, {x.seen, x.of}} {
		if s.to.Has(k) {
			continue
		}
		e, ok := s.from.Get(k)
		if !ok {
			continue
		}
		s.to.Put(e)
		for _, n := range e.Object.Needs() {
			x.take(n.Key)
		}
	}
}
