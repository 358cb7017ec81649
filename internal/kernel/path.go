package kernel

import (
	"context"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// PathTo asks the kernel which route of the host a packet to dst would take, by all of
// its rules and tables. A valid src is the packet's source address, by which rules may
// choose; one that the host doesn't have is left out of the question. No route is an
// OpError.
func (h *Host) PathTo(ctx context.Context, dst, src netip.Addr) (model.Path, error) {
	if err := ctx.Err(); err != nil {
		return model.Path{}, err
	}
	s, err := h.space("")
	if err != nil {
		return model.Path{}, err
	}
	body, err := s.conn.get(pathRequest(dst, src))
	if src.IsValid() && err != nil { // EINVAL or ENETUNREACH, depending on the kernel
		body, err = s.conn.get(pathRequest(dst, netip.Addr{}))
	}
	if err != nil {
		return model.Path{}, opError("look up", model.Route{Dst: netip.PrefixFrom(dst, dst.BitLen()), Table: model.TableMain}, err)
	}
	p, _ := parsePath(body, s.linkName)
	return p, nil
}

func pathRequest(dst, src netip.Addr) message {
	head := rtmsg{family: familyOf(dst), dstLen: uint8(dst.BitLen()), flags: unix.RTM_F_FIB_MATCH}
	if dst.Is4() {
		head.flags |= unix.RTM_F_LOOKUP_TABLE // IPv6 tells the table anyway, and refuses the flag
	}
	if src.IsValid() {
		head.srcLen = uint8(src.BitLen())
	}
	return newMessage(unix.RTM_GETROUTE, 0, head.bytes()).addr(unix.RTA_DST, dst).addr(unix.RTA_SRC, src)
}

// parsePath reads an RTM_NEWROUTE message; ok is false for what is no route of a table.
func parsePath(body []byte, name func(uint32) string) (p model.Path, ok bool) {
	if len(body) < unix.SizeofRtMsg {
		return p, false
	}
	head := readRtmsg(body)
	if head.family != unix.AF_INET && head.family != unix.AF_INET6 || head.flags&unix.RTM_F_CLONED != 0 {
		return p, false
	}
	p = model.Path{Type: routeTypeName(head.kind), Dst: newRoute(head).Dst, Table: uint32(head.table), Protocol: head.protocol}
	var hop model.Hop
	for typ, v := range attributes(after(body, unix.SizeofRtMsg)) {
		switch typ {
		case unix.RTA_DST:
			p.Dst = netip.PrefixFrom(readAddrOrZero(v), int(head.dstLen))
		case unix.RTA_TABLE:
			p.Table = readU32(v)
		case unix.RTA_PRIORITY:
			p.Metric = readU32(v)
		case unix.RTA_OIF:
			hop.Dev = name(readU32(v))
		case unix.RTA_GATEWAY:
			hop.Via = readAddr(v)
		case unix.RTA_VIA:
			hop.Via = readVia(v)
		case unix.RTA_MULTIPATH:
			p.Hops = readHops(v, name)
		}
	}
	if hop.Dev != "" {
		p.Hops = append(p.Hops, hop)
	}
	return p, p.Dst.IsValid()
}

// readHops reads the struct rtnexthops of a route.
func readHops(b []byte, name func(uint32) string) []model.Hop {
	var l []model.Hop
	for len(b) >= unix.SizeofRtNexthop {
		n := int(readU16(b))
		if n < unix.SizeofRtNexthop || n > len(b) {
			break
		}
		hop := model.Hop{Dev: name(readU32(b[4:]))}
		for typ, v := range attributes(b[unix.SizeofRtNexthop:n]) {
			switch typ {
			case unix.RTA_GATEWAY:
				hop.Via = readAddr(v)
			case unix.RTA_VIA:
				hop.Via = readVia(v)
			}
		}
		l = append(l, hop)
		b = b[min(align(n), len(b)):]
	}
	return l
}

// Lower names, by link, the link of the host's own namespace that it stands on: the
// device below a VLAN, a macvlan or a tunnel, and the other end of a veth.
func (h *Host) Lower(ctx context.Context) (map[string]string, error) {
	raw, err := h.rawLinks(ctx, "")
	if err != nil {
		return nil, err
	}
	lower := map[string]string{}
	for _, r := range raw {
		for _, index := range []uint32{r.under, r.peer} {
			if name, _ := nameIn(raw, index); name != "" && name != r.link.Name && r.nsid == -1 {
				lower[r.link.Name] = name
			}
		}
	}
	return lower, nil
}
