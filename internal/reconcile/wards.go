package reconcile

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// ErrDoubt says that looking at single objects would not do.
var ErrDoubt = errors.New("more may have changed than single objects")

// wards is what a Keeper must know to tell which news concern it, beside both states.
type wards struct {
	stale    bool // what was seen may not be so any more
	around   *diff.Surroundings
	sysctls  map[string][]model.Key // wanted, by namespace
	overlays map[model.Key]bool     // links whose FDB is ours
	peers    []netip.Addr           // that are asked of the kernel whether they are on the link, sorted
	underlay []netip.Addr           // the node's own addresses
	devices  map[string]bool        // that hold them
}

func wardsOf(want, seen *model.State, node *spec.Node, facts model.Facts) wards {
	w := wards{
		around: diff.SurroundingsOf(want, seen), sysctls: map[string][]model.Key{}, overlays: map[model.Key]bool{},
		underlay: node.Addresses, devices: map[string]bool{},
	}
	for e := range want.Frame() {
		w.note(e, true)
	}
	for e := range seen.Frame() {
		if !want.Has(e.Object.Key()) {
			w.note(e, false)
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

func (w *wards) note(e model.Entry, wanted bool) {
	k := e.Object.Key()
	switch o := e.Object.(type) {
	case model.Sysctl:
		w.sysctls[k.Netns] = append(w.sysctls[k.Netns], k)
	case model.Link:
		if o.Type.Value() == model.TypeVXLAN && (wanted || e.Owner.Mine()) {
			w.overlays[k] = true
		}
	}
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
	if k.want.State.Has(key) {
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
