package kernel

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

type routeDoor struct{ h *Host }

// create never takes the place of another route.
func (d routeDoor) create(o model.Object) error {
	r := o.(model.Route)
	return d.set(r, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func() error { return d.remove(r) })
}

// update replaces the route in one message, so that no packet finds none; it makes
// none where there is none. Where the new route stands already behind the one that it is to
// replace, as after "ip route prepend", the kernel refuses it (fib_table_insert,
// net/ipv4/fib_trie.c): the one before it goes.
func (d routeDoor) update(before, after model.Object) error {
	err := d.set(after.(model.Route), unix.NLM_F_REPLACE, func() error {
		return d.set(before.(model.Route), unix.NLM_F_REPLACE, func() error { return nil })
	})
	if errors.Is(err, unix.EEXIST) {
		return d.remove(before)
	}
	return err
}

// set makes the route. Although "onlink" should spare it, the kernel looks an IPv6
// gateway up, and refuses one that it would reach by another device just now
// (ip6_route_check_nh_onlink, net/ipv6/route.c): such as a gateway within the very
// destination that is to be switched over. Where the help that it then needs cannot be
// removed, back undoes what was done.
func (d routeDoor) set(r model.Route, flags uint16, back func() error) error {
	err := d.send(r, flags)
	if !needsSignpost(r, err) {
		return err
	}
	post := signpost(r)
	if d.send(post, unix.NLM_F_CREATE|unix.NLM_F_EXCL) != nil {
		return err
	}
	if err := d.send(r, flags); err != nil {
		return errors.Join(err, d.remove(post))
	}
	if err := d.remove(post); err != nil {
		return errors.Join(err, d.remove(post), back()) // the old gateway may need a signpost of its own
	}
	return nil
}

// needsSignpost says whether the kernel may have refused a route for want of a way to
// its gateway.
func needsSignpost(r model.Route, err error) bool {
	return errors.Is(err, unix.EINVAL) && r.OnLink.Value() && r.Via.Value().Is6()
}

// signpost is a route to the gateway alone, which shows the kernel the way to it for
// as long as the route itself is made.
func signpost(r model.Route) model.Route {
	via := r.Via.Value()
	return model.Route{
		Netns: r.Netns, Dst: netip.PrefixFrom(via, via.BitLen()), Table: r.Table, Metric: model.DefaultMetric6,
		Dev: r.Dev, Protocol: r.Protocol,
	}
}

func (d routeDoor) send(r model.Route, flags uint16) error {
	return d.h.one(r.Netns, func(m message, at *site) (message, error) { return at.makeRoute(m, r, flags) })
}

// remove deletes the route only if it still has our protocol: else the kernel
// finds none, and there is nothing of ours to delete.
func (d routeDoor) remove(o model.Object) error {
	return d.h.plainly(d, model.Step{Op: model.OpDelete, Before: o})
}

func (routeDoor) plain(model.Step) bool { return true }

func (routeDoor) message(m message, at *site, s model.Step) (message, error) {
	switch s.Op {
	case model.OpCreate:
		return at.makeRoute(m, s.After.(model.Route), unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	case model.OpUpdate:
		return at.makeRoute(m, s.After.(model.Route), unix.NLM_F_REPLACE)
	}
	r := s.Before.(model.Route)
	head, err := routeHead(r)
	if err != nil {
		return m, err
	}
	head.scope = unix.RT_SCOPE_NOWHERE // any, to fib_table_delete in net/ipv4/fib_trie.c
	return at.routeMessage(m, unix.RTM_DELROUTE, 0, head, r)
}

func (routeDoor) verdict(s model.Step, err error) (rest error, again bool) {
	if s.Op == model.OpDelete {
		return ignore(err, unix.ESRCH, unix.ENODEV), false
	}
	behind := s.Op == model.OpUpdate && errors.Is(err, unix.EEXIST) // see update
	return err, behind || needsSignpost(s.After.(model.Route), err)
}

func routeHead(r model.Route) (rtmsg, error) {
	kind, err := routeType(r.Type.Or("unicast"))
	return rtmsg{
		family: familyOf(r.Dst.Addr()), dstLen: uint8(r.Dst.Bits()), table: unix.RT_TABLE_MAIN,
		protocol: r.Protocol.Or(unix.RTPROT_STATIC), kind: kind,
	}, err
}

// makeRoute appends the message that makes a route.
func (at *site) makeRoute(m message, r model.Route, flags uint16) (message, error) {
	head, err := routeHead(r)
	if err != nil {
		return m, err
	}
	head.scope = r.Scope.Or(defaultScope(r))
	if r.OnLink.Value() {
		head.flags = unix.RTNH_F_ONLINK
	}
	if m, err = at.routeMessage(m, unix.RTM_NEWROUTE, flags, head, r); err != nil {
		return m, err
	}
	m = m.addr(unix.RTA_PREFSRC, r.Src.Value())
	if hops := r.NextHops.Value(); hops != "" && r.Dev.Value() == "" && head.kind == unix.RTN_UNICAST {
		return at.nextHops(m, r.Dst, hops)
	}
	return m, nil
}

// routeMessage appends what names a route, and its next hop.
func (at *site) routeMessage(m message, typ, flags uint16, head rtmsg, r model.Route) (message, error) {
	m = head.appendTo(m.begin(typ, flags))
	if r.Dst.Bits() > 0 {
		m = m.addr(unix.RTA_DST, r.Dst.Addr())
	}
	if dev := r.Dev.Value(); dev != "" {
		index, err := at.on(dev)
		if err != nil {
			return m, err
		}
		m = m.u32(unix.RTA_OIF, index)
	}
	if r.Metric != 0 {
		m = m.u32(unix.RTA_PRIORITY, r.Metric)
	}
	return gateway(m, r.Via.Value(), r.Dst), nil
}

// defaultScope is what iproute2 takes where none is said: an IPv4 route without a
// gateway is of scope link.
func defaultScope(r model.Route) uint8 {
	if r.Dst.Addr().Is4() && !r.Via.Value().IsValid() && r.Type.Or("unicast") == "unicast" {
		return model.ScopeLink
	}
	return model.ScopeGlobal
}
