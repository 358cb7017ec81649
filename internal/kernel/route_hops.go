package kernel

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hop is one of the next hops of a route.
type hop struct {
	via    netip.Addr // invalid for none
	dev    string
	weight uint8 // less one, as the kernel has it (rtnh_hops)
}

// readNextHops reads what hops.String says of several next hops.
func readNextHops(text string) ([]hop, error) {
	var l []hop
	for words := strings.Fields(text); len(words) > 0; {
		if words[0] == "nexthop" {
			l, words = append(l, hop{}), words[1:]
			continue
		}
		if len(l) == 0 || len(words) == 1 {
			return nil, fmt.Errorf("only who made it can make a route by %q", text)
		}
		h, err := &l[len(l)-1], error(nil)
		switch words[0] {
		case "via":
			h.via, err = netip.ParseAddr(words[1])
		case "dev":
			h.dev = words[1]
		case "weight":
			var n uint64
			if n, err = strconv.ParseUint(words[1], 10, 16); err == nil && (n < 1 || n > 256) {
				err = strconv.ErrRange
			}
			h.weight = uint8(n - 1)
		default:
			err = fmt.Errorf("%q is not known", words[0])
		}
		if err != nil {
			return nil, fmt.Errorf("only who made it can make a route by %q: %w", text, err)
		}
		words = words[2:]
	}
	return l, nil
}

// nextHops appends several next hops, as hops.String tells them (struct rtnexthop,
// linux/rtnetlink.h).
func (at *site) nextHops(m message, dst netip.Prefix, text string) (message, error) {
	l, err := readNextHops(text)
	if err != nil {
		return m, err
	}
	indexes := make([]uint32, len(l))
	for i, h := range l {
		if indexes[i], err = at.on(h.dev); err != nil {
			return m, err
		}
	}
	m = m.nest(unix.RTA_MULTIPATH, func(m message) message {
		for i, h := range l {
			start := len(m)
			m = append(m, 0, 0, 0, h.weight)
			m = gateway(native.AppendUint32(m, indexes[i]), h.via, dst)
			native.PutUint16(m[start:], uint16(len(m)-start))
		}
		return m
	})
	return m, nil
}

// gateway appends a next hop's address, which may be of another family than the destination.
func gateway(m message, via netip.Addr, dst netip.Prefix) message {
	if !via.IsValid() || via.Is6() == dst.Addr().Is6() {
		return m.addr(unix.RTA_GATEWAY, via)
	}
	b := native.AppendUint16(nil, uint16(familyOf(via)))
	return m.attr(unix.RTA_VIA, append(b, via.AsSlice()...))
}
