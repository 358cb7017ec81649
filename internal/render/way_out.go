package render

import (
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// waysOut lists what the user can do, the gentlest first.
func waysOut(c *diff.Conflict) []string {
	var l []string
	switch {
	case !c.Adoptable:
	case c.Want.Key() != c.Got.Key():
		l = append(l, "take it over and replace it: --adopt")
	default:
		l = append(l, "take it over without re-creating it: --adopt")
	}
	l = append(l, override(c))
	switch cmd := removal(c.Got); {
	case c.Owner == model.OwnerOther:
		l = append(l, "have the topology that made it remove it: netplan-overlay destroy")
	case cmd != "" && c.Owner != model.OwnerKernel:
		l = append(l, "remove it by hand, if nothing uses it: "+cmd)
	}
	return l
}

// override says what to write in the file so that the object is wanted no more, or
// under another name.
func override(c *diff.Conflict) string {
	s := "choose another " + c.Want.Key().Kind.String() + " in the file"
	switch o := c.Want.(type) {
	case model.Netns:
		s = "give the namespace another name in the file"
	case model.Sysctl:
		s = "take it out of the file"
	case model.Link:
		s = overrideLink(o, c.Got.Key())
	case model.Address:
		s = "choose another address in the file"
	case model.Route:
		s = "choose another subnet in the file"
	case model.Neighbour, model.FDBEntry:
		s = "set another overlay mac or address in the file"
	}
	if c.Source != "" {
		s += " (" + c.Source + ")"
	}
	return s
}

func overrideLink(l model.Link, got model.Key) string {
	t := l.Type.Value()
	switch {
	case got != l.Key() && t == model.TypeVXLAN:
		return "call the device by that name, overlay: {device: " + got.Name + "}, and adopt it; or choose another vni or port"
	case got != l.Key() && t == model.TypeIPIP:
		return "call the device by that name, overlay: {device: " + got.Name + "}, and adopt it"
	}
	switch t {
	case model.TypeVXLAN, model.TypeIPIP:
		return "give the device another name in the file, overlay: {device: NAME}"
	case model.TypeVeth:
		return "give the veth another name in the file, interfaces: {eth0: {host: NAME}}"
	case model.TypeBridge:
		return "give the bridge another name in the file"
	}
	return "give the link another name in the file"
}

// removal returns the command that removes an object, or "" where there is none.
func removal(o model.Object) string {
	k := o.Key()
	var w words
	switch k.Kind {
	case model.KindNetns:
		return "ip netns delete " + shellWord(k.Name)
	case model.KindSysctl:
		return ""
	case model.KindFDB:
		w.add("bridge")
	default:
		w.add("ip")
	}
	if k.Kind == model.KindRoute && k.Prefix.Addr().Is6() {
		w.add("-6")
	}
	if k.Netns != "" {
		w.add("-n", shellWord(k.Netns))
	}
	switch o := o.(type) {
	case model.Link:
		w.add("link", "delete", shellWord(k.Name))
	case model.Address:
		w.add("address", "delete", k.Prefix.String(), "dev", shellWord(k.Name))
	case model.Neighbour:
		w.add("neighbour", "delete", k.Prefix.Addr().String(), "dev", shellWord(k.Name))
	case model.FDBEntry:
		w.add("fdb", "delete", k.MAC.String(), "dev", shellWord(k.Name))
		w.add("dst", addr(o.Dst))
	case model.Route:
		w.add("route", "delete", routeDst(k))
		w.add("metric", metric(k))
	}
	return w.String()
}

// routeDst returns a route's destination as a command takes it.
func routeDst(k model.Key) string {
	if k.Prefix.Bits() == 0 {
		return "default"
	}
	return k.Prefix.String()
}

// metric returns a route's metric, or "" for the usual one.
func metric(k model.Key) string {
	if k.Metric == model.Metric(k.Prefix, 0) {
		return ""
	}
	return number(model.Some(k.Metric))
}
