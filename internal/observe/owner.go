package observe

import (
	"fmt"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Protocol numbers by which the kernel marks what it makes itself (rtnetlink.h,
// if_addr.h).
const (
	routeRedirect, routeKernel, routeBoot, routeStatic, routeRA = 1, 2, 3, 4, 9
	addressLoopback, addressRA, addressLinkLocal                = 1, 2, 3
)

// fallbackLinks are made by the kernel in every namespace as soon as their module
// is loaded, and cannot be removed (net.core.fb_tunnels_only_for_init_net).
var fallbackLinks = map[string]bool{
	"lo": true, "tunl0": true, "gre0": true, "gretap0": true, "erspan0": true, "sit0": true,
	"ip6tnl0": true, "ip6gre0": true, "ip_vti0": true, "ip6_vti0": true,
}

// ownerByAlias tells whose a link or namespace is by the alias that it carries.
func ownerByAlias(id model.Identity, alias string) (model.Owner, string) {
	marked, ok := model.ParseAlias(alias)
	switch {
	case !ok:
		return model.OwnerForeign, ""
	case marked == id:
		return model.OwnerOurs, ""
	}
	return model.OwnerOther, "netplan-overlay topology " + marked.String()
}

func ownerOfLink(id model.Identity, l model.Link) (model.Owner, string) {
	alias := l.Alias.Value()
	switch {
	case fallbackLinks[l.Name]:
		return model.OwnerKernel, "the kernel"
	case alias == "" && l.Group.Value() == model.MarkGroup:
		return model.OwnerHalf, ""
	}
	return ownerByAlias(id, alias)
}

// ownerOfAddress tells whose an address is. Where addresses carry no mark, it
// belongs to its link.
func ownerOfAddress(a model.Address, link model.Owner) (model.Owner, string) {
	if a.Link == "lo" && a.Prefix.Addr().IsLoopback() || a.Prefix.Addr().IsLinkLocalUnicast() && a.Prefix.Addr().Is6() {
		return model.OwnerKernel, "the kernel"
	}
	proto, ok := a.Protocol.Get()
	if !ok {
		if link.Mine() {
			return model.OwnerOurs, ""
		}
		return model.OwnerForeign, ""
	}
	switch proto {
	case model.MarkProtocol:
		return model.OwnerOurs, ""
	case addressLoopback, addressRA, addressLinkLocal:
		return model.OwnerKernel, "the kernel"
	}
	return model.OwnerForeign, ""
}

func ownerOfRoute(r model.Route) (model.Owner, string) {
	switch proto := r.Protocol.Value(); proto {
	case model.MarkProtocol:
		return model.OwnerOurs, ""
	case routeKernel:
		return model.OwnerKernel, "the kernel, for an address of the host"
	case routeRA, routeRedirect:
		return model.OwnerKernel, "the kernel, from a router's message"
	default:
		return model.OwnerForeign, routeMaker(proto)
	}
}

// routeMaker guesses who made a route from its protocol number, as listed in
// iproute2's rt_protos.
func routeMaker(proto uint8) string {
	names := map[uint8]string{
		routeBoot: "ip or a script (proto boot)", routeStatic: "an administrator (proto static)",
		11: "zebra", 12: "bird", 16: "dhcp", 42: "babel", 80: "calico", 99: "openr",
		186: "bgp", 187: "isis", 188: "ospf", 189: "rip", 192: "eigrp",
	}
	if n, ok := names[proto]; ok {
		return n
	}
	return fmt.Sprintf("proto %d", proto)
}

func ownerOfNeighbour(n model.Neighbour) model.Owner {
	if n.Protocol.Value() == model.MarkProtocol {
		return model.OwnerOurs
	}
	return model.OwnerForeign
}

func ownerOfSysctl(s model.Sysctl) model.Owner {
	if s.Saved.IsSet() {
		return model.OwnerOurs
	}
	return model.OwnerShared
}
