package render

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// phrase says in iproute2's words what is specified of an object beside its name.
// The marks of ownership are left out, and so is what says "none" or "as usual":
// no master, no source address, TTL 0, a permanent entry.
func phrase(o model.Object) string {
	switch o := o.(type) {
	case model.Netns:
		return netnsPhrase(o)
	case model.Sysctl:
		return sysctlPhrase(o)
	case model.Link:
		return linkPhrase(o)
	case model.Address:
		return addressPhrase(o)
	case model.Neighbour:
		return neighbourPhrase(o)
	case model.FDBEntry:
		return fdbPhrase(o)
	case model.Route:
		return routePhrase(o)
	}
	return ""
}

// short names an object with its kind where the link that it is on goes without
// saying: "neighbour 172.246.0.0".
func short(o model.Object) string {
	k := o.Key()
	switch k.Kind {
	case model.KindNeighbour:
		return "neighbour " + k.Prefix.Addr().String()
	case model.KindFDB:
		return "fdb " + k.MAC.String()
	}
	return k.String()
}

// words are put together with spaces.
type words []string

// add appends the words, or nothing if the value (the last) is empty.
func (w *words) add(s ...string) {
	if s[len(s)-1] != "" {
		*w = append(*w, s...)
	}
}

// flag appends the word for a switch that is specified.
func (w *words) flag(o model.Opt[bool], on, off string) {
	if v, ok := o.Get(); ok {
		w.add(choose(v, on, off))
	}
}

func (w words) String() string { return strings.Join(w, " ") }

func choose(b bool, on, off string) string {
	if b {
		return on
	}
	return off
}

// addr returns the address, or none where it is open or invalid.
func addr(o model.Opt[netip.Addr]) string {
	if a := o.Value(); a.IsValid() {
		return a.String()
	}
	return ""
}

// number returns the number, or "" where it is open or 0.
func number[T uint8 | uint16 | uint32](o model.Opt[T]) string {
	if v := o.Value(); v != 0 {
		return strconv.FormatUint(uint64(v), 10)
	}
	return ""
}

func netnsPhrase(n model.Netns) string {
	var w words
	w.flag(n.LoUp, "lo up", "lo down")
	return w.String()
}

func sysctlPhrase(s model.Sysctl) string {
	if v, ok := s.Value.Get(); ok {
		return "= " + v
	}
	return ""
}

func addressPhrase(a model.Address) string {
	var w words
	if v := a.Scope.Value(); v != model.ScopeGlobal {
		w.add("scope", scopeWord(v))
	}
	return w.String()
}

func neighbourPhrase(n model.Neighbour) string {
	var w words
	if m, ok := n.MAC.Get(); ok {
		w.add("lladdr", m.String())
	}
	if s, ok := n.State.Get(); ok && s != model.NeighbourPermanent {
		w.add("nud", stateWord(s))
	}
	return w.String()
}

func fdbPhrase(f model.FDBEntry) string {
	var w words
	if !f.MAC.IsZero() { // else dst is part of the name
		w.add("dst", addr(f.Dst))
	}
	if s, ok := f.State.Get(); ok && s != model.FDBPermanent {
		w.add(stateWord(s))
	}
	return w.String()
}

func routePhrase(r model.Route) string {
	var w words
	if t := r.Type.Value(); t != "unicast" {
		w.add("type", t)
	}
	if a := r.Via.Value(); a.IsValid() {
		w.add("via")
		if a.Is6() && r.Dst.Addr().Is4() {
			w.add("inet6")
		}
		w.add(a.String())
	}
	w.add("dev", r.Dev.Value())
	if r.OnLink.Value() {
		w.add("onlink")
	}
	if s := r.Scope.Value(); s != model.ScopeGlobal {
		w.add("scope", scopeWord(s))
	}
	w.add("src", addr(r.Src))
	w.add(r.NextHops.Value())
	return w.String()
}

// stateWord names a NUD_* state (include/uapi/linux/neighbour.h).
func stateWord(s uint16) string {
	if s == 0 {
		return "none"
	}
	var l []string
	for i, name := range []string{"incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp", "permanent"} {
		if s&(1<<i) != 0 {
			l = append(l, name)
			s &^= 1 << i
		}
	}
	if s != 0 {
		l = append(l, fmt.Sprintf("%#x", s))
	}
	return strings.Join(l, "|")
}

// scopeWord names an RT_SCOPE_* (include/uapi/linux/rtnetlink.h).
func scopeWord(s uint8) string {
	switch s {
	case 0:
		return "global"
	case 200:
		return "site"
	case 253:
		return "link"
	case 254:
		return "host"
	case 255:
		return "nowhere"
	}
	return strconv.Itoa(int(s))
}

// protocolWord names an RTPROT_* of a route, as /etc/iproute2/rt_protos does.
func protocolWord(p uint8) string {
	switch p {
	case 1:
		return "redirect"
	case 2:
		return "kernel"
	case 3:
		return "boot"
	case 4:
		return "static"
	case 9:
		return "ra"
	case 11:
		return "zebra"
	case 12:
		return "bird"
	case 16:
		return "dhcp"
	case 186:
		return "bgp"
	case 188:
		return "ospf"
	}
	return strconv.Itoa(int(p))
}

// attrWord returns an attribute's value in words where the model has the
// kernel's number.
func attrWord(k model.Kind, name, value string) string {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return value
	}
	switch {
	case name == "state":
		return stateWord(uint16(n))
	case name == "scope" && n <= 255:
		return scopeWord(uint8(n))
	case name == "protocol" && k == model.KindRoute && n <= 255:
		return protocolWord(uint8(n))
	}
	return value
}

// valueText is attrWord with "none" for none.
func valueText(k model.Kind, name, value string) string {
	if value == "" {
		return "none"
	}
	return attrWord(k, name, value)
}
