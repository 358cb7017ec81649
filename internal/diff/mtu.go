package diff

import (
	"cmp"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// mtus are the links of which nothing but the MTU changes. A lower one is set before
// packets are led to a path that has no room for larger ones, a higher one after they
// are led to a path that has.
type mtus struct {
	lower, raise []model.Entry
}

// wait takes the entry, and returns true, if nothing of it differs but the MTU.
func (m *mtus) wait(e, got model.Entry) bool {
	is, ok := got.Object.(model.Link)
	if !ok {
		return false
	}
	want := e.Object.Fill(is).(model.Link)
	from, to := is.MTU.Value(), want.MTU.Value()
	if want.MTU = is.MTU; want != is {
		return false
	}
	switch {
	case to < from:
		m.lower = append(m.lower, e)
	case from < minIPv6MTU:
		return false // it can't have IPv6 addresses before it is raised
	default:
		m.raise = append(m.raise, e)
	}
	return true
}

// minIPv6MTU is the least MTU of a link on which the kernel runs IPv6
// (IPV6_MIN_MTU; addrconf_notify, net/ipv6/addrconf.c).
const minIPv6MTU = 1280

// reachAll brings the desired objects about in their order, MTUs in theirs.
func (p *planner) reachAll(order []model.Entry) {
	for i, e := range order {
		if stage(e.Object) > linkStage {
			p.lowerMTUs()
		}
		if len(p.plan.Steps) == 0 && p.found[i] == right && !p.blocked[e.Object.Key()] {
			p.unchanged(e.Object.Key()) // no step has changed that
			continue
		}
		if p.found[i] == absent && p.makes(e) || p.waits(e) {
			continue
		}
		p.reach(e)
	}
	p.lowerMTUs()
	slices.SortStableFunc(p.mtus.raise, func(a, b model.Entry) int { return cmp.Compare(mtuRank(b.Object), mtuRank(a.Object)) })
	for _, e := range p.mtus.raise {
		p.reach(e)
	}
}

// waits says whether the entry is a link of which nothing but the MTU changes, and
// takes it then.
func (p *planner) waits(e model.Entry) bool {
	if _, ok := e.Object.(model.Link); !ok || e.Ref || p.blocked[e.Object.Key()] {
		return false
	}
	got, ok := p.sim.get(e.Object.Key())
	return ok && p.mtus.wait(e, got)
}

func (p *planner) lowerMTUs() {
	slices.SortStableFunc(p.mtus.lower, func(a, b model.Entry) int { return cmp.Compare(mtuRank(a.Object), mtuRank(b.Object)) })
	for _, e := range p.mtus.lower {
		p.reach(e)
	}
	p.mtus.lower = nil
}

// mtuRank is the order in which MTUs go down. The first are those of bridges, which
// tell a sender far away what no longer fits; those of ports would drop it in silence
// (is_skb_forwardable, net/core/dev.c). Of a veth, the end in the namespace goes before
// the one on the host, for the same reason: each drops what is too large for it when
// it comes from the other. An overlay device comes last, since nobody sends it large
// packets any more.
func mtuRank(o model.Object) int {
	l := o.(model.Link)
	switch {
	case l.Type.Value() == model.TypeBridge:
		return 0
	case !l.Primary():
		return 1
	case l.Type.Value() == model.TypeVeth:
		return 2
	}
	return 3
}
