package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// router follows what the steps make of the sysctls that decide whether the host hears
// router advertisements, by which it may have its default route.
//
// Switching IPv6 forwarding on removes every default route that was learnt from an
// advertisement, but on devices with accept_ra 2 (rt6_purge_dflt_routers,
// net/ipv6/route.c); from then on, only those devices hear any more (ipv6_accept_ra,
// net/ipv6/ndisc.c). With accept_ra 0, it is not the kernel who listens, but a program
// such as systemd-networkd, which is not affected.
type router struct {
	learnt     map[string]string // by device, the default route that was learnt there
	acceptRA   map[string]string // by device, at this step
	forwarding string            // in the end
}

func newRouter(m model.Management, steps []model.Step) *router {
	r := &router{learnt: map[string]string{}, acceptRA: map[string]string{}, forwarding: m.Forwarding6}
	for _, w := range m.Ways {
		for _, hop := range w.Hops {
			if w.Protocol == model.RouteProtocolRA && w.Dst.Bits() == 0 {
				r.learnt[hop.Dev], r.acceptRA[hop.Dev] = w.For, m.AcceptRA[hop.Dev]
			}
		}
	}
	for _, s := range steps {
		if s.Key() == model.SysctlKey("", forwarding6) {
			r.forwarding = valueAfter(s)
		}
	}
	return r
}

const forwarding6 = "net.ipv6.conf.all.forwarding"

// valueAfter returns what a sysctl is after the step: given back, if the step deletes
// it.
func valueAfter(s model.Step) string {
	if after, ok := s.After.(model.Sysctl); ok {
		return after.Value.Value()
	}
	before := s.Before.(model.Sysctl)
	return before.Saved.Or(before.Value.Value())
}

// sysctl says what a step about a sysctl of the host would cut.
func (g *guard) sysctl(s model.Step) string {
	v := s.Object().(model.Sysctl)
	if v.Netns != "" {
		return ""
	}
	dev, value := v.Device(), valueAfter(s)
	switch {
	case strings.HasPrefix(v.Name, "net.ipv6.") && strings.HasSuffix(v.Name, ".forwarding"):
		return g.router.forward(s, value)
	case v.Name == model.DeviceSysctl(6, dev, "accept_ra"):
		return g.router.accept(dev, value)
	case dev != "":
		return g.carriers.clause(dev)
	}
	return ""
}

func (r *router) forward(s model.Step, value string) string {
	if before, ok := s.Before.(model.Sysctl); value != "1" || ok && before.Value.Value() == "1" {
		return ""
	}
	for _, dev := range slices.Sorted(maps.Keys(r.learnt)) {
		if r.acceptRA[dev] == "1" {
			return fmt.Sprintf("the kernel would remove %s, which was learnt from a router advertisement on %s; set %s to 2 first",
				r.learnt[dev], dev, model.DeviceSysctl(6, dev, "accept_ra"))
		}
	}
	return ""
}

func (r *router) accept(dev, value string) string {
	what, ok := r.learnt[dev]
	if !ok {
		return ""
	}
	r.acceptRA[dev] = value
	if value == "2" || r.forwarding != "1" {
		return ""
	}
	return fmt.Sprintf("%s would expire: a host that forwards hears router advertisements on %s only with 2", what, dev)
}
