package render

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// withIntents returns the changes with intents for the deletions, which have none:
// what is deleted stands in no file. A peer's route, neighbour and FDB entry are
// recognised by what they have in common, and shown with what becomes of the peer;
// or, if it is gone, under its underlay address.
func withIntents(changes []diff.Change) []diff.Change {
	former := func(c *diff.Change) bool { return c.Intent == "" && c.Action == diff.Delete }
	if !slices.ContainsFunc(changes, func(c diff.Change) bool { return former(&c) }) {
		return changes
	}
	known := make(intents, len(changes))
	var unknown []*diff.Change
	changes = slices.Clone(changes)
	for i := range changes {
		c := &changes[i]
		switch {
		case !former(c):
			known.learn(c.Before, c.Intent)
			known.learn(c.After, c.Intent)
		default:
			c.Intent = ownIntent(c.Before)
			known.learn(c.Before, c.Intent)
		}
		if c.Intent == "" {
			unknown = append(unknown, c)
		}
	}
	known.find(unknown)
	return changes
}

// ownIntent returns what an object says by itself of its intent, or "".
func ownIntent(o model.Object) string {
	key := o.Key()
	if key.Netns != "" {
		return "namespace " + key.Netns
	}
	switch o := o.(type) {
	case model.Netns:
		return "namespace " + o.Name
	case model.Sysctl:
		return "host"
	case model.Link:
		return linkIntent(o)
	}
	return ""
}

func linkIntent(l model.Link) string {
	switch l.Type.Value() {
	case model.TypeBridge:
		return "bridge " + l.Name
	case model.TypeVXLAN:
		return "overlay " + l.Name
	case model.TypeIPIP:
		if !l.IPIP.Remote.Value().IsValid() {
			return "overlay " + l.Name
		}
	case model.TypeVeth:
		if p := l.Peer.Value(); p.Netns != "" && p.Netns != "?" {
			return "namespace " + p.Netns
		}
	}
	return ""
}

// trace is something by which objects of one intent are recognised: an address or a
// MAC behind a link, the link itself, or an address of the underlay.
type trace struct {
	link string
	addr netip.Addr
	mac  model.MAC
}

// intents knows intents by traces.
type intents map[trace]string

// learn records the intent for the traces that the object leaves; o may be nil.
func (in intents) learn(o model.Object, intent string) {
	if o == nil || intent == "" || o.Key().Netns != "" {
		return
	}
	l := traces(o)
	if link, ok := o.(model.Link); ok {
		l[1] = trace{link: link.Name}
	}
	for _, t := range l {
		if t != (trace{}) && in[t] == "" {
			in[t] = intent
		}
	}
}

// traces returns what tells the peer that an object of the host's own namespace leads
// to; the zero trace is none.
func traces(o model.Object) (l [2]trace) {
	switch o := o.(type) {
	case model.FDBEntry:
		l = [2]trace{{link: o.Link, mac: o.MAC}, {addr: o.Dst.Value()}}
	case model.Neighbour:
		l = [2]trace{{link: o.Link, addr: o.IP}, {link: o.Link, mac: o.MAC.Value()}}
	case model.Route:
		l = [2]trace{{link: o.Dev.Value(), addr: o.Via.Value()}, {addr: o.Via.Value()}}
	case model.Link:
		l[0] = trace{addr: o.IPIP.Remote.Value()}
	}
	for i := range l {
		if !l[i].addr.IsValid() && l[i].mac.IsZero() {
			l[i] = trace{}
		}
	}
	return l
}

// find gives intents to deletions: first by what is known, and then to each kind by
// the best name that it has for a peer, from which the next kinds learn.
func (in intents) find(unknown []*diff.Change) {
	for range 2 { // a neighbour may tell of an FDB entry, or the other way round
		for _, c := range unknown {
			in.resolve(c)
		}
	}
	for _, kind := range []model.Kind{model.KindFDB, model.KindLink, model.KindAddress, model.KindNeighbour, model.KindRoute} {
		for _, c := range unknown {
			if c.Key().Kind == kind {
				in.resolve(c)
				in.name(c)
			}
		}
	}
}

// resolve gives the deletion the intent that is known for one of its traces.
func (in intents) resolve(c *diff.Change) {
	if c.Intent != "" {
		return
	}
	for _, t := range traces(c.Before) {
		if intent := in[t]; t != (trace{}) && intent != "" {
			c.Intent = intent
			in.learn(c.Before, intent)
			return
		}
	}
}

// name gives a deletion whose traces nobody knows the intent of its link, or a new
// one. A tunnel to one peer knows better than the gateway of a route out of it; a
// device for all peers does not.
func (in intents) name(c *diff.Change) {
	link, peer := in[trace{link: linkOf(c.Before)}], peerAddress(c.Before)
	switch {
	case c.Intent != "":
	case peer.IsValid() && !strings.HasPrefix(link, "peer "):
		c.Intent = "peer " + peer.String()
		in.learn(c.Before, c.Intent)
	default:
		c.Intent = link
	}
}

// peerAddress returns the address by which the object knows its peer, or the invalid
// Addr.
func peerAddress(o model.Object) netip.Addr {
	switch o := o.(type) {
	case model.FDBEntry:
		return o.Dst.Value()
	case model.Link:
		return o.IPIP.Remote.Value()
	case model.Neighbour:
		return o.IP
	case model.Route:
		return o.Via.Value()
	}
	return netip.Addr{}
}

// linkOf returns the link that an object is on, or leads through.
func linkOf(o model.Object) string {
	if r, ok := o.(model.Route); ok {
		return r.Dev.Value()
	}
	return o.Key().Name
}
