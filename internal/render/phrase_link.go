package render

import (
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// linkPhrase is phrase for a link: what its type has in one clause, as behind
// "ip link add ... type", then what every link has.
func linkPhrase(l model.Link) string {
	var clauses []string
	add := func(s ...string) {
		var w words
		w.add(s...)
		if len(w) > 0 {
			clauses = append(clauses, w.String())
		}
	}
	add(linkType(l))
	if m := l.MAC.Value(); !m.IsZero() {
		add("address", m.String())
	}
	add("mtu", number(l.MTU))
	add("master", l.Master.Value())
	if up, ok := l.Up.Get(); ok {
		add(choose(up, "up", "down"))
	}
	return strings.Join(clauses, ", ")
}

// linkType returns "type vxlan id 1 ...", or "" for a device that is not virtual.
func linkType(l model.Link) string {
	var w words
	w.add("type", l.Type.Value())
	switch l.Type.Value() {
	case model.TypeBridge:
		w.flag(l.Bridge.STP, "stp on", "stp off")
	case model.TypeVeth:
		if p, ok := l.Peer.Get(); ok {
			w.add("peer", p.Name)
			w.add("netns", p.Netns)
		}
	case model.TypeVXLAN:
		vxlanWords(&w, l.VXLAN)
	case model.TypeIPIP:
		ipipWords(&w, l.IPIP)
	}
	return w.String()
}

func vxlanWords(w *words, v model.VXLAN) {
	w.add("id", number(v.VNI))
	w.add("local", addr(v.Local))
	w.add("dev", v.Dev.Value())
	w.add("dstport", number(v.Port))
	w.flag(v.Learning, "learning", "nolearning")
	w.add("ttl", number(v.TTL))
	w.add("ageing", number(v.Ageing))
	w.flag(v.UDPCsum, "udpcsum", "noudpcsum")
}

func ipipWords(w *words, t model.IPIP) {
	w.add("local", anyAddr(t.Local))
	w.add("remote", anyAddr(t.Remote))
	w.add("dev", t.Dev.Value())
	w.add("ttl", number(t.TTL))
	w.flag(t.PMTUDisc, "pmtudisc", "nopmtudisc")
}

// anyAddr is addr for the end of a tunnel, where none means any.
func anyAddr(o model.Opt[netip.Addr]) string {
	if o.IsSet() && !o.Value().IsValid() {
		return "any"
	}
	return addr(o)
}
