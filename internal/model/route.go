package model

import (
	"net/netip"
	"slices"
	"strings"
)

// Facts of routes in the kernel's own normal form.
const (
	DefaultMetric6 uint32 = 1024 // IP6_RT_PRIO_USER: what IPv6 makes of "no metric"
	ScopeGlobal    uint8  = 0    // RT_SCOPE_UNIVERSE
	ScopeLink      uint8  = 253  // RT_SCOPE_LINK: an IPv4 route without a gateway
)

// Route is a route of the main table to one next hop.
type Route struct {
	Netns    string          `json:"netns,omitempty"`
	Dst      netip.Prefix    `json:"dst"`              // masked
	Table    uint32          `json:"table"`            // TableMain
	Metric   uint32          `json:"metric,omitempty"` // in the kernel's normal form: 1024 for IPv6 by default
	Type     Opt[string]     `json:"type,omitzero"`    // "unicast", "blackhole"...
	Via      Opt[netip.Addr] `json:"via,omitzero"`     // invalid for none
	Dev      Opt[string]     `json:"dev,omitzero"`
	OnLink   Opt[bool]       `json:"onlink,omitzero"`
	Scope    Opt[uint8]      `json:"scope,omitzero"`    // IPv4 only; IPv6 has none
	Src      Opt[netip.Addr] `json:"src,omitzero"`      // preferred source; invalid for none
	NextHops Opt[string]     `json:"nexthops,omitzero"` // observed only: how a route with several next hops, or a nexthop object, reads in iproute2's words
	Protocol Opt[uint8]      `json:"protocol,omitzero"` // rtm_protocol, the mark
}

// Metric returns m in the kernel's normal form for the family of dst.
func Metric(dst netip.Prefix, m uint32) uint32 {
	if m == 0 && dst.Addr().Is6() {
		return DefaultMetric6
	}
	return m
}

// Key implements Object.
func (r Route) Key() Key { return RouteKey(r.Netns, r.Table, r.Dst, r.Metric) }

// Needs implements Object.
func (r Route) Needs() []Need {
	var l []Need
	r.OutOf(func(link string) bool {
		if link != "" {
			l = append(l, Need{Key: LinkKey(r.Netns, link)})
		}
		return false
	})
	return l
}

// OutOf says whether on says so of a link that the route leads out of: mostly there is one; of
// several next hops, each has its own. "" stands for none.
func (r *Route) OutOf(on func(link string) bool) bool {
	hops := r.NextHops.Value()
	if r.Dev.Value() != "" || hops == "" {
		return on(r.Dev.Value())
	}
	words := strings.Fields(hops)
	return slices.ContainsFunc(hopLinks(words), func(i int) bool { return on(words[i]) })
}

// hopLinks returns at which of the words about next hops the names of links are: after
// "nexthop", words come in pairs.
func hopLinks(words []string) []int {
	var l []int
	for i := 0; i+1 < len(words); {
		switch words[i] {
		case "nexthop":
			i++
			continue
		case "dev":
			l = append(l, i+1)
		}
		i += 2
	}
	return l
}

// Attrs implements Object. A route is replaced in one message, so that nothing of
// it is fixed (NLM_F_REPLACE, fib_table_insert in net/ipv4/fib_trie.c).
func (r Route) Attrs() []Attr {
	var l attrs
	add(&l, Attr{Name: "type", Impact: ImpactBrief}, r.Type)
	add(&l, Attr{Name: "via", Impact: ImpactBrief}, r.Via)
	add(&l, Attr{Name: "dev", Impact: ImpactBrief}, r.Dev)
	add(&l, Attr{Name: "onlink"}, r.OnLink)
	add(&l, Attr{Name: "scope"}, r.Scope)
	add(&l, Attr{Name: "src"}, r.Src)
	add(&l, Attr{Name: "nexthops"}, r.NextHops)
	add(&l, Attr{Name: "protocol", Mark: true}, r.Protocol)
	return l
}

// Fill implements Object.
func (r Route) Fill(from Object) Object {
	f := from.(Route)
	r.Type = r.Type.Fill(f.Type)
	r.Via = r.Via.Fill(f.Via)
	r.Dev = r.Dev.Fill(f.Dev)
	r.OnLink = r.OnLink.Fill(f.OnLink)
	r.Scope = r.Scope.Fill(f.Scope)
	r.Src = r.Src.Fill(f.Src)
	r.NextHops = r.NextHops.Fill(f.NextHops)
	r.Protocol = r.Protocol.Fill(f.Protocol)
	return r
}

// allows says whether an observed route with the same key is as asked for: what Fill and ==
// say, without making an Object.
func (r *Route) allows(got *Route) bool {
	return r.Type.allows(&got.Type) && r.Via.allows(&got.Via) && r.Dev.allows(&got.Dev) && r.OnLink.allows(&got.OnLink) &&
		r.Scope.allows(&got.Scope) && r.Src.allows(&got.Src) && r.NextHops.allows(&got.NextHops) && r.Protocol.allows(&got.Protocol)
}

// settled returns the route as the kernel tells of it: where nobody asks for them, there are no
// source and no further next hops.
func (r Route) settled() Route {
	r.Src = r.Src.Fill(Some(netip.Addr{}))
	r.NextHops = r.NextHops.Fill(Some(""))
	return r
}

// settlesAs says whether settled returns just that, without making it: what differs mostly
// comes first.
func (r *Route) settlesAs(o *Route) bool {
	return r.Dst == o.Dst && r.Metric == o.Metric && r.Via == o.Via && r.Dev == o.Dev && r.Protocol == o.Protocol &&
		r.Type == o.Type && r.OnLink == o.OnLink && r.Scope == o.Scope && r.Netns == o.Netns && r.Table == o.Table &&
		r.Src.Fill(Some(netip.Addr{})) == o.Src && r.NextHops.Fill(Some("")) == o.NextHops
}
