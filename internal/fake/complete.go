package fake

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// complete returns the object as the kernel would tell it: with a value for each
// attribute that is observed.
func complete(o model.Object) model.Object {
	switch o := o.(type) {
	case model.Netns:
		return o.Fill(model.Netns{Alias: model.Some(""), LoUp: model.Some(false)})
	case model.Link:
		return completeLink(o)
	case model.Address:
		return o.Fill(model.Address{Scope: model.Some[uint8](0), Protocol: model.Some[uint8](0)})
	case model.Neighbour:
		return o.Fill(model.Neighbour{State: model.Some(model.NeighbourPermanent), Protocol: model.Some[uint8](0)})
	case model.FDBEntry:
		return o.Fill(model.FDBEntry{State: model.Some(model.FDBPermanent)})
	case model.Route:
		return completeRoute(o)
	}
	return o
}

func completeLink(l model.Link) model.Object {
	d := model.Link{
		Type: model.Some(""), Up: model.Some(false), MTU: model.Some[uint32](1500), MAC: model.Some(macOf(l.Netns, l.Name)),
		Master: model.Some(""), Group: model.Some[uint32](0), Alias: model.Some(""),
	}
	none := model.Some(netip.Addr{})
	switch l.Type.Value() {
	case model.TypeBridge:
		d.Bridge.STP = model.Some(false)
	case model.TypeVXLAN:
		d.VXLAN = model.VXLAN{
			Port: model.Some[uint16](8472), Local: none, Dev: model.Some(""), Learning: model.Some(true),
			TTL: model.Some[uint8](0), Ageing: model.Some[uint32](300), UDPCsum: model.Some(true),
		}
	case model.TypeIPIP:
		d.MAC = model.Opt[model.MAC]{} // its link-layer address is an IPv4 one
		d.IPIP = model.IPIP{Local: none, Remote: none, Dev: model.Some(""), TTL: model.Some[uint8](0), PMTUDisc: model.Some(true)}
	}
	return l.Fill(d)
}

func completeRoute(r model.Route) model.Object {
	d := model.Route{
		Type: model.Some("unicast"), Via: model.Some(netip.Addr{}), Dev: model.Some(""), OnLink: model.Some(false),
		Src: model.Some(netip.Addr{}), NextHops: model.Some(""), Protocol: model.Some[uint8](3),
	}
	if r.Dst.Addr().Is4() {
		d.Scope = model.Some(model.ScopeGlobal)
		if !r.Via.Value().IsValid() {
			d.Scope = model.Some(model.ScopeLink)
		}
	}
	return r.Fill(d)
}
