package snapshot

import (
	"errors"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Redact returns the snapshot with other names, addresses and MACs in the place of each,
// the same one everywhere, so that everything still fits together: who is on which link,
// in which subnet, whose it is. Two runs with one seed agree. What the kernel gives names
// to keeps them, as do numbers: MTUs, VNIs, ports, metrics.
func (s *Snapshot) Redact(seed []byte) (*Snapshot, error) {
	r := newRedaction(seed)
	r.findNames(s)
	if !r.findAddresses(s) {
		return nil, errors.New("redact the snapshot: it has so many subnets that there are no others left; try another --redact-seed")
	}
	out := *s
	out.Redacted, out.Applied = true, ""
	out.Hostname, out.Topology, out.Node = r.name(s.Hostname), r.name(s.Topology), r.name(s.Node)
	out.Inside = each(s.Inside, r.name)
	out.Netns = each(s.Netns, r.netns)
	out.Links = each(s.Links, r.link)
	out.Addresses = each(s.Addresses, r.address)
	out.Routes = each(s.Routes, r.route)
	out.Neighbours = each(s.Neighbours, r.neighbour)
	out.FDB = each(s.FDB, r.fdb)
	out.Saved = each(s.Saved, r.sysctl)
	out.Sysctls = each(s.Sysctls, r.sysctls)
	out.Management = r.management(s.Management)
	return &out, nil
}

func each[T any](l []T, f func(T) T) []T {
	var out []T
	for _, x := range l {
		out = append(out, f(x))
	}
	return out
}

func (r *redaction) netns(n model.Netns) model.Netns {
	n.Name, n.Alias = r.name(n.Name), opt(n.Alias, r.alias)
	return n
}

func (r *redaction) link(l model.Link) model.Link {
	l.Netns, l.Name = r.name(l.Netns), r.name(l.Name)
	l.MAC, l.Master, l.Alias = opt(l.MAC, r.mac), opt(l.Master, r.name), opt(l.Alias, r.alias)
	l.VXLAN.Local, l.VXLAN.Dev = opt(l.VXLAN.Local, r.addr), opt(l.VXLAN.Dev, r.name)
	l.IPIP.Local, l.IPIP.Remote, l.IPIP.Dev = opt(l.IPIP.Local, r.addr), opt(l.IPIP.Remote, r.addr), opt(l.IPIP.Dev, r.name)
	l.Peer, l.Lower = opt(l.Peer, r.end), opt(l.Lower, r.end)
	return l
}

func (r *redaction) end(e model.EndRef) model.EndRef {
	return model.EndRef{Netns: r.name(e.Netns), Name: r.name(e.Name)}
}

func (r *redaction) address(a model.Address) model.Address {
	a.Netns, a.Link, a.Prefix = r.name(a.Netns), r.name(a.Link), r.prefix(a.Prefix)
	return a
}

func (r *redaction) route(x model.Route) model.Route {
	x.Netns, x.Dst = r.name(x.Netns), r.prefix(x.Dst).Masked()
	x.Via, x.Dev, x.Src = opt(x.Via, r.addr), opt(x.Dev, r.name), opt(x.Src, r.addr)
	x.NextHops = opt(x.NextHops, r.text)
	return x
}

func (r *redaction) neighbour(n model.Neighbour) model.Neighbour {
	n.Netns, n.Link, n.IP, n.MAC = r.name(n.Netns), r.name(n.Link), r.addr(n.IP), opt(n.MAC, r.mac)
	return n
}

func (r *redaction) fdb(f model.FDBEntry) model.FDBEntry {
	f.Netns, f.Link, f.MAC, f.Dst = r.name(f.Netns), r.name(f.Link), r.mac(f.MAC), opt(f.Dst, r.addr)
	return f
}

func (r *redaction) sysctl(x model.Sysctl) model.Sysctl {
	x.Netns, x.Name = r.name(x.Netns), r.sysctlName(x)
	x.Value, x.Saved = opt(x.Value, r.value), opt(x.Saved, r.value)
	return x
}

func (r *redaction) sysctls(x Sysctls) Sysctls {
	values := map[string]string{}
	for name, v := range x.Values {
		values[r.sysctlName(model.Sysctl{Name: name})] = r.value(v)
	}
	return Sysctls{r.name(x.Netns), values}
}

// sysctlName redacts the device in the name of a parameter.
func (r *redaction) sysctlName(x model.Sysctl) string {
	dev := x.Device()
	if dev == "" {
		return x.Name
	}
	in, out := strings.ReplaceAll(dev, ".", "/"), strings.ReplaceAll(r.name(dev), ".", "/")
	return strings.Replace(x.Name, "."+in+".", "."+out+".", 1)
}

// plain is what values of parameters are that tell nothing: numbers, and words of the
// kernel's.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-0-9 ]*$|^[a-z_ ]*$|^NONE$`) })

func (r *redaction) value(v string) string {
	if plain().MatchString(v) && r.names[v] == "" {
		return v
	}
	return "redacted"
}

func (r *redaction) management(m model.Management) model.Management {
	m.Ways = slices.Clone(m.Ways)
	for i := range m.Ways {
		w := &m.Ways[i]
		w.For, w.To, w.Local, w.Dst = r.text(w.For), r.addr(w.To), r.addr(w.Local), r.prefix(w.Dst).Masked()
		w.Hops = each(w.Hops, func(h model.Hop) model.Hop { return model.Hop{Dev: r.name(h.Dev), Via: r.addr(h.Via)} })
	}
	lower, ra := map[string]string{}, map[string]string{}
	for k, v := range m.Lower {
		lower[r.name(k)] = r.name(v)
	}
	for k, v := range m.AcceptRA {
		ra[r.name(k)] = v
	}
	m.Lower, m.AcceptRA = lower, ra
	return m
}

// opt redacts an attribute that is specified.
func opt[T comparable](o model.Opt[T], f func(T) T) model.Opt[T] {
	if v, ok := o.Get(); ok {
		return model.Some(f(v))
	}
	return o
}

// text redacts the words of a text that are names or addresses.
func (r *redaction) text(s string) string {
	words := strings.Split(s, " ")
	for i, w := range words {
		if a, err := netip.ParseAddr(w); err == nil {
			words[i] = r.addr(a.WithZone("")).String()
		} else if p, err := netip.ParsePrefix(w); err == nil {
			words[i] = r.prefix(p).String()
		} else if m, err := model.ParseMAC(w); err == nil {
			words[i] = r.mac(m).String()
		} else if to, ok := r.names[w]; ok {
			words[i] = to
		}
	}
	return strings.Join(words, " ")
}

// alias redacts a mark of ours as the names in it, and hides any other text.
func (r *redaction) alias(s string) string {
	if id, ok := model.ParseAlias(s); ok {
		return model.Identity{Topology: r.name(id.Topology), Node: r.name(id.Node)}.Alias()
	}
	if s == "" {
		return ""
	}
	return "alias " + r.word("alias "+s, 8)
}

// findNames collects the names and gives each another one, in order of the names so that
// it depends on nothing else.
func (r *redaction) findNames(s *Snapshot) {
	all := map[string]bool{s.Hostname: true, s.Topology: true, s.Node: true}
	alias := func(a string) {
		if id, ok := model.ParseAlias(a); ok {
			all[id.Topology], all[id.Node] = true, true
		}
	}
	for _, n := range s.Netns {
		all[n.Name] = true
		alias(n.Alias.Value())
	}
	for _, l := range s.Links {
		peer, lower := l.Peer.Value(), l.Lower.Value()
		for _, n := range []string{l.Netns, l.Name, l.Master.Value(), l.VXLAN.Dev.Value(), l.IPIP.Dev.Value(), peer.Netns, peer.Name, lower.Netns, lower.Name} {
			all[n] = true
		}
		alias(l.Alias.Value())
	}
	for _, x := range s.Saved {
		all[x.Netns], all[x.Device()] = true, true
	}
	for _, x := range s.Sysctls {
		for name := range x.Values {
			all[model.Sysctl{Name: name}.Device()] = true
		}
	}
	for _, x := range s.Routes {
		all[x.Dev.Value()] = true
	}
	for k, v := range s.Management.Lower {
		all[k], all[v] = true, true
	}
	for _, w := range s.Management.Ways {
		for _, h := range w.Hops {
			all[h.Dev] = true
		}
	}
	r.taken = maps.Clone(all)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !kept(name) {
			r.names[name] = r.fresh(name)
		}
	}
}
