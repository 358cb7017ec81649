package export

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// bridges describes the host's bridges that are part of the overlay.
func (x *exporter) bridges(s *seen) error {
	for _, name := range x.opts.Bridges {
		if l, ok := s.byName[name]; len(x.seen) == 0 && (!ok || l.Type.Value() != model.TypeBridge) {
			return fmt.Errorf("%s has no bridge %q", s.host.Node, name)
		}
	}
	for _, l := range s.links {
		if l.Type.Value() != model.TypeBridge {
			continue
		}
		if why := x.skips(s, l); why != "" {
			x.leave(s.host.Node, "bridge %s: %s", l.Name, why)
			continue
		}
		b := &bridge{name: l.Name, mtu: l.MTU.Value(), mac: l.MAC.Value()}
		for _, p := range s.on(l.Name) {
			if p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
				x.leave(s.host.Node, "address %s on %s: the kernel gives links such addresses itself", p, l.Name)
				continue
			}
			b.addresses = append(b.addresses, p)
		}
		s.node.bridges = append(s.node.bridges, b)
	}
	return nil
}

// skips says why a bridge is no part of the overlay, or "".
func (x *exporter) skips(s *seen, l model.Link) string {
	owner := s.owner(l.Key())
	switch {
	case hidden(l.Name):
		return "a topology ignores names that begin with x-"
	case owner.Mine():
		return ""
	case owner == model.OwnerOther:
		return "it belongs to another topology"
	case l.Name == s.under:
		return "it is the underlay"
	case x.opts.Bridges != nil && slices.Contains(x.opts.Bridges, l.Name):
		return ""
	case x.opts.Bridges != nil:
		return "it was not asked for"
	case len(s.on(l.Name)) == 0:
		return "it has no address"
	case s.joined[l.Name], s.holdsOverlay(l.Name):
		return ""
	}
	return "no named network namespace is on it (--bridge " + l.Name + " takes it nevertheless)"
}

// holdsOverlay says whether the overlay device has an address of the bridge's subnet, as
// flannel gives it.
func (s *seen) holdsOverlay(bridge string) bool {
	for _, p := range s.on(bridge) {
		if slices.ContainsFunc(s.node.overlay.addresses, func(o netip.Prefix) bool { return p.Contains(o.Addr()) }) {
			return true
		}
	}
	return false
}

// ofRuntime says whether a namespace is that of a pod, which a container runtime makes
// and removes as it likes: CNI names them so (containernetworking/plugins, pkg/testutils
// and containerd's and CRI-O's own).
func ofRuntime(netns string) bool { return strings.HasPrefix(netns, "cni-") }
