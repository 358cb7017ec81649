package observe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Query is what expansion asks of a host.
type Query struct {
	Addresses []netip.Addr // the node's own, on the underlay
	Interface string       // the underlay device; "": the one that holds them
	Peers     []netip.Addr // whose directness is asked
}

// Facts looks up what expansion must know of the host. An own address that no
// device holds is an error that says which addresses there are.
func Facts(ctx context.Context, h Host, q Query) (model.Facts, error) {
	f := model.Facts{
		Underlay:        map[int]model.Underlay{},
		AddressProtocol: h.Features().AddressProtocol,
	}
	links, addresses, err := root(ctx, h)
	if err != nil {
		return f, err
	}
	for _, a := range q.Addresses {
		u, err := underlay(a, q.Interface, links, addresses)
		if err != nil {
			return f, err
		}
		f.Underlay[model.Family(a)] = u
	}
	if u, ok := f.Underlay[6]; ok {
		if f.AcceptRA, err = acceptRA(ctx, h, u.Device); err != nil {
			return f, err
		}
	}
	ways, err := h.FIBMatches(ctx, q.Peers)
	if err != nil {
		return f, fmt.Errorf("observe: %w", err)
	}
	said := make([]model.Direct, len(ways.List))
	for i, p := range q.Peers {
		if way := ways.Of[i]; said[way] == (model.Direct{}) {
			said[way] = judge(p, &ways.List[way], f.Underlay[model.Family(p)].Device)
		}
	}
	f.Direct = model.DirectsBy(q.Peers, said, ways.Of)
	return f, nil
}

// Local returns the addresses on the links of the host's own namespace.
func Local(ctx context.Context, h Host) ([]model.Address, error) {
	_, addresses, err := root(ctx, h)
	return addresses, err
}

func root(ctx context.Context, h Host) (devices, []model.Address, error) {
	links, err := h.Devices(ctx, "")
	if err != nil {
		return nil, nil, fmt.Errorf("observe: %w", err)
	}
	addresses, err := h.Addresses(ctx, "")
	if err != nil {
		return nil, nil, fmt.Errorf("observe: %w", err)
	}
	return links, addresses, nil
}

// devices are the links of a namespace, of which few are asked for.
type devices []*model.Link

// named returns the link with the name, or nil.
func (l devices) named(name string) *model.Link {
	for _, d := range l {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// NoUnderlay says that the host does not have the node's underlay address, or not yet.
type NoUnderlay struct{ text string }

// Error says what the host has instead.
func (e *NoUnderlay) Error() string { return e.text }

func noUnderlay(format string, args ...any) error { return &NoUnderlay{fmt.Sprintf(format, args...)} }

// underlay finds the device that holds an address of the node's.
func underlay(a netip.Addr, device string, links devices, addresses []model.Address) (model.Underlay, error) {
	var there []string
	for _, x := range addresses {
		if x.Prefix.Addr() == a && (device == "" || x.Link == device) {
			u := model.Underlay{Device: x.Link, Prefix: x.Prefix}
			if l := links.named(x.Link); l != nil {
				u.MTU = l.MTU.Value()
			}
			return u, nil
		}
		if model.Family(x.Prefix.Addr()) == model.Family(a) && !x.Prefix.Addr().IsLoopback() && !x.Prefix.Addr().IsLinkLocalUnicast() {
			there = append(there, x.Prefix.Addr().String()+" on "+x.Link)
		}
	}
	where := "no device of this host has the node's underlay address " + a.String()
	if device != "" {
		if links.named(device) == nil {
			return model.Underlay{}, noUnderlay("the underlay device %s does not exist on this host", device)
		}
		where = fmt.Sprintf("the underlay device %s does not have the address %s", device, a)
	}
	if len(there) == 0 {
		return model.Underlay{}, noUnderlay("%s; it has none of that family", where)
	}
	return model.Underlay{}, noUnderlay("%s; it has %s", where, strings.Join(there, ", "))
}

func acceptRA(ctx context.Context, h Host, device string) (string, error) {
	list, err := h.Sysctls(ctx, "", []string{model.DeviceSysctl(6, device, "accept_ra")})
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].Value.Value(), nil
}

// judge says what the kernel would do with a packet to the peer, and accepts
// nothing but a plain route of the underlay's own link (fib_select_path takes
// more: "via inet6", or a route to another link's subnet).
func judge(peer netip.Addr, m *kernel.Match, device string) model.Direct {
	if device == "" {
		return model.Direct{Reason: "the node has no underlay address of the family"}
	}
	if m.Err != nil {
		return model.Direct{Reason: "no route: " + reasonOf(m.Err)}
	}
	// IPv6 has no scopes; there the missing gateway alone tells.
	onLink := m.Scope == model.ScopeLink || peer.Is6()
	switch {
	case m.Type != "unicast":
		return model.Direct{Reason: fmt.Sprintf("the route to it is of type %s", m.Type)}
	case m.Via || m.Gateway.IsValid():
		return model.Direct{Reason: fmt.Sprintf("the route to it has the gateway %s", m.Gateway)}
	case m.Dev != device:
		return model.Direct{Reason: fmt.Sprintf("the route to it leads out of %s, not %s", m.Dev, device)}
	case !onLink:
		return model.Direct{Reason: "the route to it is not of scope link"}
	}
	return model.Direct{OK: true, Reason: fmt.Sprintf("route %s scope link dev %s", m.Dst, m.Dev)}
}

// reasonOf is what the kernel has said, without what it was asked.
func reasonOf(err error) string {
	var op *kernel.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}
