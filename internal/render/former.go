package render

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// withIntents returns the changes with intents for the deletions, which have none.
func withIntents(changes []diff.Change) []diff.Change {
	l := intentsOf(changes)
	if l == nil {
		return changes
	}
	changes = slices.Clone(changes)
	for i := range changes {
		changes[i].Intent = l[i]
	}
	return changes
}

// intentsOf returns an intent for each change, also for deletions, which have none: what is
// deleted stands in no file. A peer's route, neighbour and FDB entry are recognised by what
// they have in common, and shown with what becomes of the peer; or, if it is gone, under
// its underlay address. It is nil if each change has its own.
func intentsOf(changes []diff.Change) []string {
	former := func(c *diff.Change) bool { return c.Intent == "" && c.Action == diff.Delete }
	if !slices.ContainsFunc(changes, func(c diff.Change) bool { return former(&c) }) {
		return nil
	}
	in := intents{changes: changes, of: make([]string, len(changes)), by: make(map[trace]int32, len(changes)), links: map[string]uint32{}}
	var unknown []int32
	for i := range changes {
		c := &changes[i]
		in.of[i] = c.Intent
		if former(c) {
			in.of[i] = ownIntent(c.Before)
		}
		in.learn(i, c.Before)
		in.learn(i, c.After)
		if in.of[i] == "" {
			unknown = append(unknown, int32(i))
		}
	}
	in.find(unknown)
	return in.of
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
// MAC behind a link, the link itself, or an address of the underlay. There are several of
// each peer, so it is small, and the collector finds nothing in it.
type trace struct {
	link uint32 // see intents; 0: none
	kind traceKind
	what [16]byte
}

type traceKind uint8

const (
	noTrace traceKind = iota
	ofLink
	ofMAC
	ofIPv4
	ofIPv6
)

// intents knows the intents of changes by traces.
type intents struct {
	changes []diff.Change
	of      []string          // the intent of each change, "" as long as it is not known
	by      map[trace]int32   // the change that has left the trace, and has an intent
	links   map[string]uint32 // numbers for names, as of 1
}

func (in *intents) link(name string) uint32 {
	if name == "" {
		return 0
	}
	n, ok := in.links[name]
	if !ok {
		n = uint32(len(in.links) + 1)
		in.links[name] = n
	}
	return n
}

func (in *intents) linkTrace(name string) trace { return trace{link: in.link(name), kind: ofLink} }

func (in *intents) macTrace(link string, mac model.MAC) (t trace) {
	if mac.IsZero() {
		return t
	}
	t = trace{link: in.link(link), kind: ofMAC}
	copy(t.what[:], mac[:])
	return t
}

// addrTrace is for an address behind a link, or for one of the underlay, with link 0.
func addrTrace(link uint32, a netip.Addr) trace {
	switch {
	case !a.IsValid():
		return trace{}
	case a.Is4():
		return trace{link, ofIPv4, a.As16()}
	}
	return trace{link, ofIPv6, a.As16()}
}

// learn records the intent of a change, if it has one, for the traces that its object
// leaves; o may be nil.
func (in *intents) learn(i int, o model.Object) {
	if o == nil || in.of[i] == "" || o.Key().Netns != "" {
		return
	}
	l := in.traces(o)
	if link, ok := o.(model.Link); ok {
		l[1] = in.linkTrace(link.Name)
	}
	for _, t := range l {
		if _, ok := in.by[t]; !ok && t.kind != noTrace {
			in.by[t] = int32(i)
		}
	}
}

// known returns the intent that a trace tells of, or "".
func (in *intents) known(t trace) string {
	if i, ok := in.by[t]; ok {
		return in.of[i]
	}
	return ""
}

// traces returns what tells the peer that an object of the host's own namespace leads
// to; the zero trace is none.
func (in *intents) traces(o model.Object) [2]trace {
	switch o := o.(type) {
	case model.FDBEntry:
		return [2]trace{in.macTrace(o.Link, o.MAC), addrTrace(0, o.Dst.Value())}
	case model.Neighbour:
		return [2]trace{addrTrace(in.link(o.Link), o.IP), in.macTrace(o.Link, o.MAC.Value())}
	case model.Route:
		return [2]trace{addrTrace(in.link(o.Dev.Value()), o.Via.Value()), addrTrace(0, o.Via.Value())}
	case model.Link:
		return [2]trace{addrTrace(0, o.IPIP.Remote.Value())}
	}
	return [2]trace{}
}

// find gives intents to deletions: first by what is known, and then to each kind by
// the best name that it has for a peer, from which the next kinds learn.
func (in *intents) find(unknown []int32) {
	for range 2 { // a neighbour may tell of an FDB entry, or the other way round
		for _, i := range unknown {
			in.resolve(int(i))
		}
	}
	for _, kind := range []model.Kind{model.KindFDB, model.KindLink, model.KindAddress, model.KindNeighbour, model.KindRoute} {
		for _, i := range unknown {
			if in.changes[i].Key().Kind == kind {
				in.resolve(int(i))
				in.name(int(i))
			}
		}
	}
}

// resolve gives the deletion the intent that is known for one of its traces.
func (in *intents) resolve(i int) {
	if in.of[i] != "" {
		return
	}
	before := in.changes[i].Before
	for _, t := range in.traces(before) {
		if in.of[i] = in.known(t); in.of[i] != "" {
			in.learn(i, before)
			return
		}
	}
}

// name gives a deletion whose traces nobody knows the intent of its link, or a new
// one. A tunnel to one peer knows better than the gateway of a route out of it; a
// device for all peers does not.
func (in *intents) name(i int) {
	if in.of[i] != "" {
		return
	}
	before := in.changes[i].Before
	link, peer := in.known(in.linkTrace(linkOf(before))), peerAddress(before)
	in.of[i] = link
	if peer.IsValid() && !strings.HasPrefix(link, "peer ") {
		in.of[i] = "peer " + peer.String()
		in.learn(i, before)
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
