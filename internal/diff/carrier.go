package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// carriers are the links of the host's own namespace without which the management
// connection is cut, and the namespaces that it leads into.
type carriers struct {
	links  map[string]*carrier
	inside map[string]string // namespaces, with why

	addresses []model.Address // all that the host has
}

// carrier is a link with what it carries.
type carrier struct {
	carries []string // by itself
	how, by string   // else "a port of" another one
}

func carriersOf(m model.Management, observed *model.State) *carriers {
	c := &carriers{links: map[string]*carrier{}, inside: map[string]string{}}
	links, addresses := linksAndAddresses(observed)
	c.addresses = addresses
	for _, w := range m.Ways {
		for _, hop := range w.Hops {
			c.carry(hop.Dev, w.For)
		}
		c.lookInside(w, addresses, observed)
	}
	c.parts(links, m.Lower)
	for _, w := range m.Ways {
		for _, a := range addresses {
			if a.Netns == "" && w.Local.IsValid() && a.Prefix.Addr() == w.Local {
				c.carry(a.Link, w.For)
			}
		}
	}
	return c
}

// linksAndAddresses returns the links of the host's own namespace, and all addresses.
func linksAndAddresses(observed *model.State) (links []model.Entry, addresses []model.Address) {
	for e := range observed.Frame() {
		switch o := e.Object.(type) {
		case model.Link:
			if o.Netns == "" {
				links = append(links, e)
			}
		case model.Address:
			addresses = append(addresses, o)
		}
	}
	slices.SortFunc(links, func(a, b model.Entry) int { return a.Object.Key().Compare(b.Object.Key()) })
	slices.SortFunc(addresses, func(a, b model.Address) int { return a.Key().Compare(b.Key()) })
	return links, addresses
}

func (c *carriers) carry(link, what string) {
	if c.links[link] == nil {
		c.links[link] = &carrier{}
	}
	if l := c.links[link]; !slices.Contains(l.carries, what) {
		l.carries = append(l.carries, what)
	}
}

// parts adds the links that others stand on or are made of, and those that others are
// enslaved to, until there are no more.
func (c *carriers) parts(links []model.Entry, lower map[string]string) {
	types := map[string]string{}
	for _, e := range links {
		l := e.Object.(model.Link)
		types[l.Name] = l.Type.Value()
	}
	for grown := true; grown; {
		grown = false
		need := func(link, how, by string) {
			if _, known := c.links[link]; !known && link != "" {
				c.links[link] = &carrier{how: how, by: by}
				grown = true
			}
		}
		for _, e := range links {
			l := e.Object.(model.Link)
			master := l.Master.Value()
			if _, ok := c.links[l.Name]; ok {
				need(lower[l.Name], "below", l.Name)
				need(master, "the master of", l.Name)
			}
			if _, ok := c.links[master]; ok && types[master] != "vrf" && !c.leadsInside(e) {
				need(l.Name, "a port of", master)
			}
		}
	}
}

// leadsInside says whether a port is a veth of ours that leads to a namespace of this
// host: not to the outside, and so to no one who manages it from there, unless the
// namespace itself is what leads there.
func (c *carriers) leadsInside(e model.Entry) bool {
	end, ok := e.Object.(model.Link).Peer.Get()
	if !ok || end.Netns == "" || end.Netns == "?" || !e.Owner.Mine() {
		return false
	}
	return c.inside[end.Netns] == ""
}

// lookInside notes namespaces of this host that have the next hop of a way: a firewall
// in a namespace, which is the host's gateway.
func (c *carriers) lookInside(w model.Way, addresses []model.Address, observed *model.State) {
	for _, a := range addresses {
		if a.Netns == "" || c.inside[a.Netns] != "" {
			continue
		}
		for _, hop := range w.Hops {
			next := w.Next(hop)
			if a.Prefix.Addr() == next && leadsTo(a, hop.Dev, observed) {
				c.inside[a.Netns] = fmt.Sprintf("the namespace has %s, the next hop of %s", next, w.For)
			}
		}
	}
}

// leadsTo says whether an address in a namespace is on the other end of the device, or
// of a port of it.
func leadsTo(a model.Address, dev string, observed *model.State) bool {
	in, ok := observed.Get(model.LinkKey(a.Netns, a.Link))
	if !ok {
		return false
	}
	end, ok := in.Object.(model.Link).Peer.Get()
	if !ok || end.Netns != "" {
		return false
	}
	out, ok := observed.Get(model.LinkKey("", end.Name))
	return end.Name == dev || ok && out.Object.(model.Link).Master.Value() == dev
}

// netns says what carries the way inside the namespace that the key is in, or is; ""
// for nothing.
func (c *carriers) netns(k model.Key) string {
	if k.Kind == model.KindNetns {
		return c.inside[k.Name]
	}
	return c.inside[k.Netns]
}

// clause says what a link carries: "br0 carries the default route", "eth0 is a port of
// br0, which carries the default route"; "" for nothing.
func (c *carriers) clause(link string) string {
	l := c.links[link]
	switch {
	case l == nil:
		return ""
	case len(l.carries) > 0:
		return link + " carries " + strings.Join(l.carries, " and ")
	}
	rest := strings.TrimPrefix(c.clause(l.by), l.by)
	return fmt.Sprintf("%s is %s %s, which%s", link, l.how, l.by, rest)
}
