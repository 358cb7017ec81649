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
	apart    []netip.Addr           // of them, those that are not
	underlay []netip.Addr           // the node's own addresses
	devices  map[string]bool        // that hold them
	busy     map[model.Key]bool     // links that more wanted routes lead out of than are looked at by themselves
	sources  map[model.Key]bool     // addresses, without length and link, that wanted routes prefer
}

// busyFrom is the number of wanted routes from which on a link is looked at together with
// everything: they are most of it.
const busyFrom = 100

func wardsOf(want, seen *model.State, node *spec.Node, facts model.Facts) wards {
	w := wards{
		underlay: node.Addresses, devices: map[string]bool{}, busy: map[model.Key]bool{}, sources: map[model.Key]bool{},
	}
	w.noteFrames(want, seen)
	for a, d := range facts.Direct.All() {
		w.peers = append(w.peers, a)
		if !d.OK {
			w.apart = append(w.apart, a)
		}
	}
	slices.SortFunc(w.peers, netip.Addr.Compare)
	slices.SortFunc(w.apart, netip.Addr.Compare)
	for _, u := range facts.Underlay {
		w.devices[u.Device] = true
	}
	w.noteRoutes(want)
	return w
}

// noteFrames notes what matters of what others stand on.
func (w *wards) noteFrames(want, seen *model.State) {
	w.around, w.sysctls, w.overlays = diff.SurroundingsOf(want, seen), map[string][]model.Key{}, map[model.Key]bool{}
	for e := range want.Frame() {
		w.note(e, true)
	}
	for e := range seen.Frame() {
		if !want.Has(e.Object.Key()) {
			w.note(e, false)
		}
	}
}

// noteRoutes notes which links many routes lead out of, and which addresses they prefer.
func (w *wards) noteRoutes(want *model.State) {
	routes := map[model.Key]int{}
	var link model.Key // of the last ones: mostly they lead out of the same
	n := 0
	for r := range want.Routes() {
		if src := r.Src.Value(); src.IsValid() {
			w.sources[sourceKey(r.Netns, src)] = true
		}
		if dev := r.Dev.Value(); link.Name != dev || link.Netns != r.Netns {
			routes[link] += n
			link, n = model.LinkKey(r.Netns, dev), 0
		}
		n++
	}
	routes[link] += n
	for l, n := range routes {
		if n >= busyFrom {
			w.busy[l] = true
		}
	}
}

// sourceKey identifies an address of a namespace, whatever link it is on.
func sourceKey(netns string, a netip.Addr) model.Key {
	return model.AddressKey(netns, "", netip.PrefixFrom(a, a.BitLen()))
}

// broad says whether so much depends on a link that everything is looked at with it: the
// overlay, the underlay, and what leads to many peers.
func (w *wards) broad(link model.Key) bool {
	return w.overlays[link] || w.busy[link] || link.Netns == "" && w.devices[link.Name]
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
	All bool // everything: of what has changed, not all is told
	// Keys are routes, neighbours, FDB entries and sysctls, each once, and links, which
	// stand for all that others stand on, and for the routes that lead out of them: these go
	// without a word.
	Keys []model.Key
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
		k.ways.hear(n)
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
		if n.Key.Table != model.TableMain {
			return
		}
		if ours {
			c.Keys = append(c.Keys, n.Key)
		} else if k.undercuts(n.Key) {
			c.Keys = append(c.Keys, n.Key, n.Key.Spread())
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
	case model.KindAddress:
		k.concernAddress(c, n.Key, ours)
	case model.KindLink:
		if ours {
			c.near(n.Key, k.wards.broad(n.Key))
		}
	case model.KindNetns:
		c.All = c.All || ours
	}
}

// concernAddress adds what an address makes worth a look: with it, routes go and come
// without a word, those of IPv4 that prefer it as their source wherever they lead
// (fib_sync_down_addr; those of IPv6 stay, rt6_remove_prefsrc): to peers, too.
func (k *Keeper) concernAddress(c *Concern, a model.Key, ours bool) {
	link := model.LinkKey(a.Netns, a.Name)
	underlay := a.Netns == "" && (k.wards.devices[a.Name] || slices.Contains(k.wards.underlay, a.Prefix.Addr()))
	switch {
	case underlay || k.wards.sources[sourceKey(a.Netns, a.Prefix.Addr())]:
		c.All = true
	case ours || k.ours(link):
		c.near(link, k.wards.broad(link) || a.Netns == "" && a.Prefix.Addr().Is4() && len(k.wards.peers) > 0)
	}
}

// near adds a link, or everything if that depends on it.
func (c *Concern) near(link model.Key, broad bool) {
	c.All = c.All || broad
	if !broad {
		c.Keys = append(c.Keys, link)
	}
}

// ours says whether an object is wanted, also if it is not ours to change, or ours.
func (k *Keeper) ours(key model.Key) bool { return k.oursIn(k.seen, key) }

func (k *Keeper) oursIn(s *model.State, key model.Key) bool {
	if k.want.State.Has(key) {
		return true
	}
	e, ok := s.Get(key)
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
