package model

import "strings"

// Renamed returns the object as it is after the link from in a namespace got the name
// to. Sysctls of a link are another thing: where they are is a part of their name.
func Renamed(o Object, netns, from, to string) Object {
	name := func(s string) string {
		if s == from {
			return to
		}
		return s
	}
	opt := func(v Opt[string]) Opt[string] {
		if s, ok := v.Get(); ok && s == from {
			return Some(to)
		}
		return v
	}
	if l, ok := o.(Link); ok {
		was, is := Some(EndRef{Netns: netns, Name: from}), Some(EndRef{Netns: netns, Name: to})
		if l.Peer == was {
			l.Peer = is
		}
		if l.Lower == was {
			l.Lower = is
		}
		o = l
	}
	if o.Key().Netns != netns {
		return o
	}
	switch o := o.(type) {
	case Link:
		o.Name = name(o.Name)
		o.Master, o.VXLAN.Dev, o.IPIP.Dev = opt(o.Master), opt(o.VXLAN.Dev), opt(o.IPIP.Dev)
		return o
	case Address:
		o.Link = name(o.Link)
		return o
	case Neighbour:
		o.Link = name(o.Link)
		return o
	case FDBEntry:
		o.Link = name(o.Link)
		return o
	case Route:
		o.Dev = opt(o.Dev)
		if words := strings.Fields(o.NextHops.Value()); len(words) > 0 {
			for _, i := range hopLinks(words) {
				words[i] = name(words[i])
			}
			o.NextHops = Some(strings.Join(words, " "))
		}
		return o
	}
	return o
}
