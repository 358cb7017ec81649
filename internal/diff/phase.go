package diff

import (
	"fmt"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Phase is a part of a change that is made on every host of a fleet before the next
// part is made on any: each host accepts the new way of packets before any host sends
// them that way, and the old way until none does.
type Phase uint8

// The phases. A change in three parts is Prepare, Commit and, at last, Whole.
const (
	Whole   Phase = iota // all that differs, whatever has been done before
	Prepare              // makes what is new, and leads no packet to it; changes and removes nothing that carries packets
	Commit               // leads the packets the new way; what the old one needs stays
)

// String returns the phase's name, "" for Whole.
func (p Phase) String() string { return [...]string{"", "prepare", "commit"}[p] }

// ParsePhase reads a phase's name.
func ParsePhase(s string) (Phase, error) {
	for p := range Commit + 1 {
		if s == p.String() {
			return p, nil
		}
	}
	return 0, fmt.Errorf("%q is no phase: prepare makes what is new, commit leads packets there; without a phase, apply does the rest", s)
}

// MarshalText implements encoding.TextMarshaler.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Phase) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePhase(string(b))
	return err
}

// aim returns what the phase brings the host to, on the way from observed to desired.
func (p Phase) aim(desired, observed *model.State, names []rename) *model.State {
	switch p {
	case Prepare:
		return preparation(desired, observed, names)
	case Commit:
		return commitment(desired, renamed(observed, names))
	}
	return desired
}

// preparation is all of ours that is there, as it is, with what is new beside it.
func preparation(desired, observed *model.State, names []rename) *model.State {
	out := &model.State{}
	for e := range observed.All() {
		if e.Owner.Mine() {
			out.Put(model.Entry{Object: e.Object, Intent: e.Intent})
		}
	}
	p := preparing{desired: desired, observed: observed, out: out, ready: map[model.Key]bool{}, later: map[model.Key]bool{}, claims: map[model.Claim]bool{}}
	for e := range observed.All() {
		p.claims[model.ClaimOf(e.Object)] = true
		if a, ok := e.Object.(model.Address); ok && !a.Prefix.IsSingleIP() {
			p.subnets = append(p.subnets, a)
		}
	}
	for _, r := range names {
		p.later[r.after.Key()] = true
	}
	for _, e := range inOrder(desired.All(), desired.Len()) {
		p.add(e)
	}
	return out
}

type preparing struct {
	desired, observed, out *model.State

	ready   map[model.Key]bool   // what the preparation has as it is to be at last, in what cannot be changed later
	later   map[model.Key]bool   // links that are there under another name
	claims  map[model.Claim]bool // that are taken
	subnets []model.Address      // for which the kernel has routes
}

// add adds a desired object, if that leads no packet elsewhere.
func (p *preparing) add(e model.Entry) {
	key := e.Object.Key()
	got, there := p.observed.Get(key)
	switch {
	case e.Ref:
		p.out.Put(e)
		p.ready[key] = true
	case there && !got.Owner.Mine():
		if key.Kind == model.KindRoute || key.Kind == model.KindSysctl && key.Netns != "" {
			return // it leads packets elsewhere
		}
		p.out.Put(e)
		p.ready[key] = true
	case there:
		e.Object, p.ready[key] = beside(e.Object, got.Object)
		p.out.Put(e)
	case p.harmless(e.Object):
		p.out.Put(e)
		p.ready[key] = true
	}
}

// harmless says whether an object that isn't there can be made beside what is.
func (p *preparing) harmless(o model.Object) bool {
	if p.later[o.Key()] {
		return false
	}
	for _, n := range o.Needs() {
		if _, wanted := p.desired.Get(n.Key); wanted && !p.ready[n.Key] {
			return false
		}
	}
	switch o := o.(type) {
	case model.Link:
		c := model.ClaimOf(o)
		return c == (model.Claim{}) || !p.claims[c]
	case model.Address:
		return !p.taken(o)
	case model.Route:
		return o.Netns != "" && p.newNetns(o.Netns)
	}
	return true
}

// taken says whether the kernel has a route to the address's subnet already.
func (p *preparing) taken(a model.Address) bool {
	for _, other := range p.subnets {
		if other.Netns == a.Netns && other.Prefix.Masked() == a.Prefix.Masked() && !a.Prefix.IsSingleIP() {
			return true
		}
	}
	return false
}

func (p *preparing) newNetns(name string) bool {
	_, there := p.observed.Get(model.NetnsKey(name))
	return !there
}

// beside returns what of a desired object can be had without an effect on the packets
// that the present one carries, and whether nothing else of it has to be made anew.
func beside(want, got model.Object) (model.Object, bool) {
	switch w := want.(type) {
	case model.Link:
		attrs, _, _ := model.DiffAttrs(want, got)
		l := got.(model.Link)
		if anyFixed(attrs) {
			return l, false
		}
		l.Group, l.Alias = w.Group.Fill(l.Group), w.Alias.Fill(l.Alias) // debris becomes ours
		if w.Up.Value() {
			l.Up = w.Up
		}
		if m, ok := w.MTU.Get(); ok && m < l.MTU.Value() {
			l.MTU = w.MTU // what fits through both ways, before any packet takes the new one
		}
		return l, true
	case model.Sysctl:
		if w.Netns == "" {
			return w, true // the host has to forward what it is sent
		}
	case model.Netns, model.Address:
		return want, true // only marks can differ
	}
	return got, true
}

// commitment is the desired state, but that an MTU is raised only when no packet takes
// the old way any more.
func commitment(desired, observed *model.State) *model.State {
	out := &model.State{}
	for e := range desired.All() {
		w, isLink := e.Object.(model.Link)
		if got, ok := observed.Get(e.Object.Key()); ok && isLink && !e.Ref {
			if now := got.Object.(model.Link).MTU; now.Value() < w.MTU.Value() {
				w.MTU = now
				e.Object = w
			}
		}
		out.Put(e)
	}
	return out
}

// rivals says whether an object that is no longer wanted keeps packets from a wanted
// one: a bridge that was renamed and its successor have the same subnet, and of two routes
// to a peer the one with the lower metric counts.
func (p *planner) rivals(o model.Object) bool {
	if r, ok := o.(model.Route); ok {
		_, wins := undercut(&r, p.desired)
		return wins
	}
	a, ok := o.(model.Address)
	if !ok || a.Prefix.IsSingleIP() {
		return false
	}
	return slices.ContainsFunc(p.desiredAddresses(), func(w model.Address) bool {
		return w.Netns == a.Netns && w.Link != a.Link && w.Prefix.Masked() == a.Prefix.Masked()
	})
}

// desiredAddresses returns the addresses that are asked for.
func (p *planner) desiredAddresses() []model.Address {
	if p.addresses == nil {
		p.addresses = []model.Address{}
		for e := range p.desired.All() {
			if a, ok := e.Object.(model.Address); ok {
				p.addresses = append(p.addresses, a)
			}
		}
	}
	return p.addresses
}
