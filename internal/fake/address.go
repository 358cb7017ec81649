package fake

import (
	"net/netip"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

func (k *Kernel) createAddress(a model.Address) error {
	l, ok := k.link(a.Netns, a.Link)
	if !ok {
		return syscall.ENODEV
	}
	if _, ok := k.objects[a.Key()]; ok {
		return syscall.EEXIST
	}
	if a.Prefix.Addr().Is6() && l.MTU.Value() < minIPv6MTU {
		return syscall.EINVAL
	}
	k.put(a)
	return nil
}

// dropWithAddress takes the IPv4 routes that go with an address: those that prefer
// it as source, and with a link's last one all that lead through the link, with its
// neighbours (fib_sync_down_addr and fib_disable_ip, net/ipv4/fib_frontend.c). An
// IPv6 route outlives its preferred source (fib6_remove_prefsrc).
func (k *Kernel) dropWithAddress(a model.Address) {
	if a.Prefix.Addr().Is6() {
		return
	}
	last, elsewhere := true, false
	for _, o := range k.objects {
		b, ok := o.(model.Address)
		if !ok || b.Netns != a.Netns || b.Prefix.Addr().Is6() {
			continue
		}
		last = last && b.Link != a.Link
		elsewhere = elsewhere || b.Prefix.Addr() == a.Prefix.Addr()
	}
	for key, o := range k.objects {
		if key.Netns != a.Netns || !key.Prefix.Addr().Is4() {
			continue
		}
		r, isRoute := o.(model.Route)
		_, isNeighbour := o.(model.Neighbour)
		switch {
		case isRoute && !elsewhere && r.Src.Value() == a.Prefix.Addr(),
			last && (isRoute || isNeighbour) && k.isOn(o, a.Link):
			k.drop(key)
		}
	}
}

// hasAddress says whether a namespace has an address, on whatever link.
func (k *Kernel) hasAddress(netns string, ip netip.Addr) bool {
	for _, o := range k.objects {
		if a, ok := o.(model.Address); ok && a.Netns == netns && a.Prefix.Addr() == ip {
			return true
		}
	}
	return false
}
