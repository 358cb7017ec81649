package kernel

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func (r *rawLink) parseVXLAN(data []byte) {
	v := &r.link.VXLAN
	v.Local = model.Some(netip.Addr{})
	for typ, b := range attributes(data) {
		switch typ {
		case unix.IFLA_VXLAN_ID:
			v.VNI = model.Some(readU32(b))
		case unix.IFLA_VXLAN_PORT:
			v.Port = model.Some(readPort(b))
		case unix.IFLA_VXLAN_LOCAL, unix.IFLA_VXLAN_LOCAL6:
			if a := readAddr(b); a.IsValid() {
				v.Local = model.Some(a)
			}
		case unix.IFLA_VXLAN_GROUP, unix.IFLA_VXLAN_GROUP6:
			if a := readAddr(b); a.IsValid() {
				r.remote = a
			}
		case unix.IFLA_VXLAN_LINK:
			r.under = readU32(b)
		case unix.IFLA_VXLAN_LEARNING:
			v.Learning = model.Some(readU8(b) != 0)
		case unix.IFLA_VXLAN_TTL:
			v.TTL = model.Some(readU8(b))
		case unix.IFLA_VXLAN_AGEING:
			v.Ageing = model.Some(readU32(b))
		case unix.IFLA_VXLAN_UDP_CSUM:
			v.UDPCsum = model.Some(readU8(b) != 0)
		}
	}
}

// vxlanData appends what differs: the kernel refuses even the same value of what it
// cannot change (vxlan_nl2conf, drivers/net/vxlan/vxlan_core.c).
func vxlanData(s *space, was, v model.VXLAN) (func(message) message, error) {
	if was == v {
		return nil, nil
	}
	var under uint32
	if dev := v.Dev.Value(); dev != "" && was.Dev != v.Dev {
		var err error
		if under, err = s.find(dev); err != nil {
			return nil, err
		}
	}
	if was.Dev.Value() != "" && v.Dev == model.Some("") {
		// The kernel would say yes and do nothing (vxlan_config_apply).
		return nil, fmt.Errorf("a vxlan device keeps its underlay device %s or gets another: %w", was.Dev.Value(), unix.EOPNOTSUPP)
	}
	return func(m message) message {
		m = u32If(m, unix.IFLA_VXLAN_ID, was.VNI, v.VNI)
		if port, ok := v.Port.Get(); ok && was.Port != v.Port {
			m = m.port(unix.IFLA_VXLAN_PORT, port)
		}
		if local, ok := v.Local.Get(); ok && was.Local != v.Local {
			m = vxlanLocal(m, local)
		}
		if was.Dev != v.Dev && v.Dev.IsSet() {
			m = m.u32(unix.IFLA_VXLAN_LINK, under)
		}
		m = flagIf(m, unix.IFLA_VXLAN_LEARNING, was.Learning, v.Learning)
		if ttl, ok := v.TTL.Get(); ok && was.TTL != v.TTL {
			m = m.u8(unix.IFLA_VXLAN_TTL, ttl)
		}
		m = u32If(m, unix.IFLA_VXLAN_AGEING, was.Ageing, v.Ageing)
		return flagIf(m, unix.IFLA_VXLAN_UDP_CSUM, was.UDPCsum, v.UDPCsum)
	}, nil
}

func vxlanLocal(m message, a netip.Addr) message {
	if a.Is6() {
		return m.addr(unix.IFLA_VXLAN_LOCAL6, a)
	}
	if !a.IsValid() {
		a = netip.IPv4Unspecified()
	}
	return m.addr(unix.IFLA_VXLAN_LOCAL, a)
}

func u32If(m message, typ uint16, was, now model.Opt[uint32]) message {
	if v, ok := now.Get(); ok && was != now {
		return m.u32(typ, v)
	}
	return m
}

func flagIf(m message, typ uint16, was, now model.Opt[bool]) message {
	if v, ok := now.Get(); ok && was != now {
		return m.flag(typ, v)
	}
	return m
}
