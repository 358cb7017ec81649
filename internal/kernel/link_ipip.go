package kernel

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Attributes of IP tunnels (linux/if_tunnel.h), which x/sys lacks.
const (
	iptunLink     = 1
	iptunLocal    = 2
	iptunRemote   = 3
	iptunTTL      = 4
	iptunPMTUDisc = 10
)

func (r *rawLink) parseIPIP(data []byte) {
	t := &r.link.IPIP
	t.Local, t.Remote = model.Some(netip.Addr{}), model.Some(netip.Addr{})
	for typ, b := range attributes(data) {
		switch typ {
		case iptunLink:
			r.under = readU32(b)
		case iptunLocal:
			t.Local = model.Some(readAddr(b))
		case iptunRemote:
			t.Remote = model.Some(readAddr(b))
		case iptunTTL:
			t.TTL = model.Some(readU8(b))
		case iptunPMTUDisc:
			t.PMTUDisc = model.Some(readU8(b) != 0)
		}
	}
}

// ipipData appends all parameters if any differs: the kernel takes what is missing
// as its default, also in a change (ipip_netlink_parms, net/ipv4/ipip.c).
func ipipData(s *space, was, t model.IPIP) (func(message) message, error) {
	if was == t {
		return nil, nil
	}
	var under uint32
	if dev := t.Dev.Value(); dev != "" {
		var err error
		if under, err = s.find(dev); err != nil {
			return nil, err
		}
	}
	return func(m message) message {
		if under != 0 {
			m = m.u32(iptunLink, under)
		}
		return m.addr(iptunLocal, t.Local.Value()).
			addr(iptunRemote, t.Remote.Value()).
			u8(iptunTTL, t.TTL.Value()).
			flag(iptunPMTUDisc, t.PMTUDisc.Or(true))
	}, nil
}
