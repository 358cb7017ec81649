package fake

import (
	"hash/fnv"
	"maps"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// minIPv6MTU is the least MTU of a link that carries IPv6; below it the kernel
// takes IPv6 off the link (addrconf_notify, net/ipv6/addrconf.c).
const minIPv6MTU = 1280

func (k *Kernel) createLink(l model.Link) error {
	if !l.Primary() {
		if _, ok := k.link(l.Netns, l.Name); !ok {
			return syscall.ENODEV
		}
		return k.updateLink(l)
	}
	if err := k.roomFor(l); err != nil {
		return err
	}
	if model.StandsOn(l.Type.Value()) {
		return syscall.EINVAL // only who made it could
	}
	if master, ok := l.Master.Get(); ok && master != "" && !k.isBridge(l.Netns, master) {
		return syscall.ENODEV
	}
	l.MTU = k.clamped(l)
	k.put(l)
	if end, ok := l.Peer.Get(); ok {
		k.put(model.Link{
			Netns: end.Netns, Name: end.Name, Type: l.Type, Group: l.Group, MTU: l.MTU,
			Peer: model.Some(model.EndRef{Netns: l.Netns, Name: l.Name}),
		})
	}
	return nil
}

// roomFor says what keeps a link from being made.
func (k *Kernel) roomFor(l model.Link) error {
	end, isVeth := l.Peer.Get()
	if isVeth && !k.hasNetns(end.Netns) {
		return syscall.ENOENT
	}
	if _, ok := k.link(l.Netns, l.Name); ok || k.claimed(l) {
		return syscall.EEXIST
	}
	if dev := l.VXLAN.Dev.Value() + l.IPIP.Dev.Value(); dev != "" {
		if _, ok := k.link(l.Netns, dev); !ok {
			return syscall.ENODEV
		}
	}
	if _, taken := k.link(end.Netns, end.Name); isVeth && taken {
		return syscall.EEXIST
	}
	return nil
}

// claimed says whether another link has the same VNI and port, or the same pair of
// tunnel ends.
func (k *Kernel) claimed(l model.Link) bool {
	claim := model.ClaimOf(complete(l))
	if claim == (model.Claim{}) {
		return false
	}
	for key, o := range k.objects {
		if key != l.Key() && model.ClaimOf(o) == claim {
			return true
		}
	}
	return false
}

// clamped returns the MTU that the kernel gives a new link: a vxlan device gets no
// more than its underlay leaves room for, in silence (vxlan_config_apply).
func (k *Kernel) clamped(l model.Link) model.Opt[uint32] {
	dev, ok := k.link(l.Netns, l.VXLAN.Dev.Value())
	if !ok || l.Type.Value() != model.TypeVXLAN {
		return l.MTU
	}
	overhead := uint32(50)
	if l.VXLAN.Local.Value().Is6() {
		overhead = 70
	}
	room := dev.MTU.Value() - overhead
	return model.Some(min(l.MTU.Or(room), room))
}

// updateLink changes a link in place, as far as the kernel can.
func (k *Kernel) updateLink(l model.Link) error {
	was, ok := k.link(l.Netns, l.Name)
	if !ok {
		return syscall.ENODEV
	}
	now := l.Fill(was).(model.Link)
	if err := immutable(was, now); err != nil {
		return err
	}
	if now != was && k.claimed(now) {
		return syscall.EEXIST
	}
	if m := now.Master.Value(); m != "" && !k.isBridge(l.Netns, m) {
		return syscall.ENODEV
	}
	k.put(now)
	if was.MAC != now.MAC {
		k.dropOnLink(now, func(key model.Key) bool { return key.Kind == model.KindNeighbour })
	}
	if was.Up.Value() && !now.Up.Value() {
		k.linkDown(now)
	}
	if was.MTU.Value() >= minIPv6MTU && now.MTU.Value() < minIPv6MTU {
		k.dropOnLink(now, func(key model.Key) bool { return key.Prefix.Addr().Is6() })
	}
	return nil
}

// renameLink gives a link another name, with all that is on it.
func (k *Kernel) renameLink(l model.Link, name string) error {
	if _, ok := k.link(l.Netns, l.Name); !ok {
		return syscall.ENODEV
	}
	if _, taken := k.link(l.Netns, name); taken {
		return syscall.EEXIST
	}
	for key, o := range maps.Clone(k.objects) {
		if now := model.Renamed(o, l.Netns, l.Name, name); now != o {
			delete(k.objects, key)
			k.objects[now.Key()] = now
		}
	}
	return nil
}

// immutable returns how the kernel refuses what it cannot change on a live device
// (vxlan_nl2conf, ipip_changelink).
func immutable(was, now model.Link) error {
	v, w := was.VXLAN, now.VXLAN
	switch {
	case was.Type != now.Type, was.Peer != now.Peer, v.VNI != w.VNI, v.Port != w.Port, v.UDPCsum != w.UDPCsum:
		return syscall.EOPNOTSUPP
	case was.Type.Value() == model.TypeVXLAN && v.Local.Value().Is6() != w.Local.Value().Is6():
		return syscall.EOPNOTSUPP // "New local address family does not match old"
	case was.Type.Value() == model.TypeIPIP && was.MAC != now.MAC:
		return syscall.EOPNOTSUPP // it has none
	case was.IPIP.Remote.Value().IsValid() != now.IPIP.Remote.Value().IsValid():
		return syscall.EINVAL
	}
	return nil
}

// linkDown takes the routes, the neighbours and the IPv6 addresses of a link; its
// IPv4 addresses stay, and so do FDB entries.
func (k *Kernel) linkDown(l model.Link) {
	k.dropOnLink(l, func(key model.Key) bool {
		switch key.Kind {
		case model.KindRoute, model.KindNeighbour:
			return true
		case model.KindAddress:
			return key.Prefix.Addr().Is6()
		}
		return false
	})
}

// dropOnLink drops what is on a link, or leads through it, as far as match wants.
func (k *Kernel) dropOnLink(l model.Link, match func(model.Key) bool) {
	for key, o := range k.objects {
		if key.Netns == l.Netns && k.isOn(o, l.Name) && match(key) {
			k.drop(key)
		}
	}
}

// isOn says whether an object is on a link, and on no other one that would do without it: a
// route with several next hops stays as long as one of them leads anywhere (fib_sync_down_dev,
// net/ipv4/fib_semantics.c).
func (k *Kernel) isOn(o model.Object, link string) bool {
	r, ok := o.(model.Route)
	if !ok || r.NextHops.Value() == "" {
		return onLink(o) == link
	}
	return outOf(r, link) && !r.OutOf(func(other string) bool { return other != link && k.carriesIPv4(r.Netns, other) })
}

func outOf(r model.Route, link string) bool {
	return r.OutOf(func(l string) bool { return l == link })
}

func (k *Kernel) carriesIPv4(netns, link string) bool {
	l, _ := k.link(netns, link)
	for key := range k.objects {
		if key.Kind == model.KindAddress && key.Netns == netns && key.Name == link && key.Prefix.Addr().Is4() {
			return l.Up.Value()
		}
	}
	return false
}

// onLink returns the link that an object is on, or "".
func onLink(o model.Object) string {
	switch o := o.(type) {
	case model.Address:
		return o.Link
	case model.Neighbour:
		return o.Link
	case model.FDBEntry:
		return o.Link
	case model.Route:
		return o.Dev.Value()
	case model.Sysctl:
		return o.Device()
	}
	return ""
}

// dropWithLink takes down what goes with a link that is gone, and releases its
// ports.
func (k *Kernel) dropWithLink(l model.Link) {
	k.dropOnLink(l, func(model.Key) bool { return true })
	if end, ok := l.Peer.Get(); ok {
		k.drop(model.LinkKey(end.Netns, end.Name))
	}
	below := model.Some(model.EndRef{Netns: l.Netns, Name: l.Name})
	for key, o := range k.objects {
		if r, ok := o.(model.Route); ok && r.Netns == l.Netns && outOf(r, l.Name) {
			k.drop(key) // whatever its other next hops are
		}
		other, ok := o.(model.Link)
		switch {
		case ok && other.Lower == below:
			k.drop(key)
		case !ok || other.Netns != l.Netns:
		case other.VXLAN.Dev.Value() == l.Name:
			k.drop(key)
		case other.Master.Value() == l.Name:
			other.Master = model.Some("")
			k.objects[key] = other
			k.effect.Released = append(k.effect.Released, key)
		}
	}
}

func (k *Kernel) isBridge(netns, name string) bool {
	l, ok := k.link(netns, name)
	return ok && l.Type.Value() == model.TypeBridge
}

// macOf is the address that the kernel gives a link that was made without.
func macOf(netns, name string) model.MAC {
	h := fnv.New64a()
	h.Write([]byte(netns + "/" + name))
	sum := h.Sum(nil)
	return model.MAC{0x02, 0xfa, sum[0], sum[1], sum[2], sum[3]}
}
