package reconcile

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// ErrDoubt says that looking at single objects would not do.
var ErrDoubt = errors.New("more may have changed than single objects")

// wards is what a Keeper must know to tell which news concern it, beside both states.
type wards struct {
	stale     bool                   // what was seen may not be so any more
	frame     []model.Key            // namespaces, links and addresses, wanted or seen
	addresses map[string][]model.Key // wanted and seen, by namespace
	sysctls   map[string][]model.Key // wanted, by namespace
	overlays  map[model.Key]bool     // links whose FDB is ours
	peers     []netip.Addr           // that are asked of the kernel whether they are on the link, sorted
	underlay  []netip.Addr           // the node's own addresses
	devices   map[string]bool        // that hold them
}

func wardsOf(want, seen *model.State, node *spec.Node, facts model.Facts) wards {
	w := wards{
		addresses: map[string][]model.Key{}, sysctls: map[string][]model.Key{}, overlays: map[model.Key]bool{},
		underlay: node.Addresses, devices: map[string]bool{},
	}
	note := func(e model.Entry, wanted bool) {
		k := e.Object.Key()
		if structural(k) {
			w.frame = append(w.frame, k)
		}
		switch o := e.Object.(type) {
		case model.Address:
			w.addresses[k.Netns] = append(w.addresses[k.Netns], k)
		case model.Sysctl:
			w.sysctls[k.Netns] = append(w.sysctls[k.Netns], k)
		case model.Link:
			if o.Type.Value() == model.TypeVXLAN && (wanted || e.Owner.Mine()) {
				w.overlays[k] = true
			}
		}
	}
	for e := range want.Unordered() {
		if !leading(e.Object) {
			note(e, true)
		}
	}
	for e := range seen.Unordered() {
		if leading(e.Object) {
			continue
		}
		if _, known := want.Get(e.Object.Key()); !known {
			note(e, false)
		}
	}
	for a := range facts.Direct {
		w.peers = append(w.peers, a)
	}
	slices.SortFunc(w.peers, netip.Addr.Compare)
	for _, u := range facts.Underlay {
		w.devices[u.Device] = true
	}
	return w
}

// leading says whether an object leads packets to a peer. They are many, and each full
// look passes over them.
func leading(o model.Object) bool {
	switch o.(type) {
	case model.Route, model.Neighbour, model.FDBEntry:
		return true
	}
	return false
}

// Concern is what news make worth a look.
type Concern struct {
	All  bool        // everything: of what has changed, not all is told
	Keys []model.Key // routes, neighbours, FDB entries and sysctls, each once
}

// Nothing says that nobody needs to look.
func (c Concern) Nothing() bool { return !c.All && len(c.Keys) == 0 }

// Concerns returns what the news make worth a look. Most of what is told on a host is
// about other people's objects. Before the first full look, anything may matter.
func (k *Keeper) Concerns(news []kernel.News) Concern {
	var c Concern
	if k.seen == nil {
		c.All = len(news) > 0
		return c
	}
	for _, n := range news {
		switch n.Kind {
		case kernel.Lost, kernel.Nexthop:
			c.All = true
		case kernel.Settings:
			c.Keys = append(c.Keys, k.wards.sysctls[n.Netns]...)
		default:
			k.concern(&c, n)
		}
	}
	slices.SortFunc(c.Keys, model.Key.Compare)
	c.Keys = slices.Compact(c.Keys)
	return c
}

func (k *Keeper) concern(c *Concern, n kernel.News) {
	ours := n.Mark || k.ours(n.Key)
	switch n.Key.Kind {
	case model.KindRoute:
		if ours || k.undercuts(n.Key) {
			c.Keys = append(c.Keys, n.Key)
		}
		c.All = c.All || n.Netns == "" && k.wards.leadsToPeer(n.Key.Prefix)
	case model.KindNeighbour:
		if ours {
			c.Keys = append(c.Keys, n.Key)
		}
	case model.KindFDB:
		if ours || k.wards.overlays[model.LinkKey(n.Key.Netns, n.Key.Name)] {
			c.Keys = append(c.Keys, n.Key)
		}
	case model.KindAddress: // with it, routes go and come without a word
		link := model.LinkKey(n.Key.Netns, n.Key.Name)
		underlay := n.Netns == "" && (k.wards.devices[n.Key.Name] || slices.Contains(k.wards.underlay, n.Key.Prefix.Addr()))
		c.All = c.All || ours || underlay || k.ours(link)
	case model.KindLink, model.KindNetns:
		c.All = c.All || ours
	}
}

// ours says whether an object is wanted, also if it is not ours to change, or ours.
func (k *Keeper) ours(key model.Key) bool {
	if _, wanted := k.want.State.Get(key); wanted {
		return true
	}
	e, ok := k.seen.Get(key)
	return ok && e.Owner.Mine()
}

// undercuts says whether a wanted route could do nothing beside one with the key.
func (k *Keeper) undercuts(key model.Key) bool {
	return key.Spreadable() && key.Metric < key.Spread().Metric && k.ours(key.Spread())
}

// leadsToPeer says whether a destination holds a peer for which the kernel is asked
// how it reaches it.
func (w wards) leadsToPeer(p netip.Prefix) bool {
	i, _ := slices.BinarySearchFunc(w.peers, p.Masked().Addr(), netip.Addr.Compare)
	return i < len(w.peers) && p.Contains(w.peers[i])
}

// structural says whether other objects may go, or come, with one of the kind.
func structural(k model.Key) bool {
	return k.Kind == model.KindNetns || k.Kind == model.KindLink || k.Kind == model.KindAddress
}

// around returns of both states the objects of the keys, and what a plan must know to
// bring them about: of a route, neighbour or FDB entry, what it needs, and the addresses of
// its namespace, of a route to a peer also those with another metric; of anything else, all
// links, addresses and namespaces, and what is on the links.
func (w wards) around(want, seen *model.State, keys []model.Key) (some, of *model.State) {
	x := &excerpt{want: want, seen: seen, some: &model.State{}, of: &model.State{}}
	for _, k := range keys {
		x.take(k)
		if k.Spreadable() {
			x.take(k.Plain())
			x.take(k.Spread())
		}
		for _, a := range w.addresses[k.Netns] {
			x.take(a)
		}
	}
	if slices.ContainsFunc(keys, structural) {
		for _, k := range w.frame {
			x.take(k)
		}
		x.takeOn(linksOf(w.frame, keys))
	}
	return x.some, x.of
}

// linksOf returns the links that are among the keys, have an address among them, or are in
// a namespace among them.
func linksOf(frame, keys []model.Key) map[model.Key]bool {
	links, netns := map[model.Key]bool{}, map[string]bool{}
	for _, k := range keys {
		switch k.Kind {
		case model.KindLink, model.KindAddress:
			links[model.LinkKey(k.Netns, k.Name)] = true
		case model.KindNetns:
			netns[k.Name] = true
		}
	}
	for _, k := range frame {
		if k.Kind == model.KindLink && netns[k.Netns] {
			links[k] = true
		}
	}
	return links
}

// excerpt is a part of both states.
type excerpt struct{ want, seen, some, of *model.State }

// take takes the objects of a key, and what they need.
func (x *excerpt) take(k model.Key) {
	for _, s := range []struct{ from, to *model.State }{{x.want, x.some}, {x.seen, x.of}} {
		e, ok := s.from.Get(k)
		if _, taken := s.to.Get(k); taken || !ok {
			continue
		}
		s.to.Put(e)
		for _, n := range e.Object.Needs() {
			x.take(n.Key)
		}
	}
}

// takeOn takes everything that is on links, or in the same namespace without a link.
func (x *excerpt) takeOn(links map[model.Key]bool) {
	netns := map[string]bool{}
	for k := range links {
		netns[k.Netns] = true
	}
	for _, s := range []*model.State{x.want, x.seen} {
		for e := range s.Unordered() {
			k := e.Object.Key()
			on := links[model.LinkKey(k.Netns, k.Name)]
			if r, ok := e.Object.(model.Route); ok {
				dev := r.Dev.Value()
				on = netns[k.Netns] && dev == "" || links[model.LinkKey(k.Netns, dev)]
			}
			if on || k.Kind == model.KindSysctl && netns[k.Netns] {
				x.take(k)
			}
		}
	}
}
