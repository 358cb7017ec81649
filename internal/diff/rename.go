package diff

import (
	"net/netip"
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// rename is a link of ours that the topology has under another name: the kernel can
// rename it as it stands, with all that is on it.
type rename struct {
	before, after model.Link
	entry         model.Entry // of the desired link
}

// identity is what only one link of a host can have: a VNI and port or a pair of tunnel
// ends, the second end of a veth, or an address of a bridge. Two links with the same one
// are one link with two names.
type identity struct {
	claim   model.Claim
	end     model.EndRef
	address netip.Addr
}

// renames finds the links that have another name now.
func renames(desired, observed *model.State) []rename {
	old := parting(desired, observed)
	if len(old) == 0 {
		return nil
	}
	ips := addressesByLink(desired)
	var l []rename
	for e := range desired.All() {
		want, ok := e.Object.(model.Link)
		if _, there := observed.Get(e.Object.Key()); !ok || there || e.Ref || want.Netns != "" {
			continue
		}
		for _, id := range identities(want, ips) {
			got, ok := old[id]
			after := got
			after.Name = want.Name
			if attrs, _, _ := model.DiffAttrs(want, after); !ok || anyFixed(attrs) {
				continue
			}
			l = append(l, rename{before: got, after: after, entry: e})
			for id, x := range old {
				if x.Name == got.Name {
					delete(old, id)
				}
			}
			break
		}
	}
	return l
}

// parting returns the links of ours that nobody asks for any more, by what identifies
// them. One with a sysctl of ours stays out: that is remembered under its name.
func parting(desired, observed *model.State) map[identity]model.Link {
	var l []model.Link
	tuned := map[string]bool{}
	for e := range observed.Frame() { // each plan pays for this
		key := e.Object.Key()
		if key.Netns != "" || e.Owner != model.OwnerOurs {
			continue
		}
		switch o := e.Object.(type) {
		case model.Sysctl:
			tuned[o.Device()] = true
		case model.Link:
			if _, wanted := desired.Get(key); !wanted && o.Primary() {
				l = append(l, o)
			}
		}
	}
	if len(l) == 0 {
		return nil
	}
	slices.SortFunc(l, func(a, b model.Link) int { return a.Key().Compare(b.Key()) })
	ips := addressesByLink(observed)
	old := map[identity]model.Link{}
	for _, o := range l {
		for _, id := range identities(o, ips) {
			if !tuned[o.Name] {
				old[id] = o
			}
		}
	}
	return old
}

// identities returns what identifies a link of the host.
func identities(l model.Link, ips map[string][]netip.Addr) []identity {
	var ids []identity
	if c := model.ClaimOf(l); c != (model.Claim{}) {
		ids = append(ids, identity{claim: c})
	}
	if end, ok := l.Peer.Get(); ok {
		ids = append(ids, identity{end: end})
	}
	if l.Type.Value() == model.TypeBridge {
		for _, ip := range ips[l.Name] {
			ids = append(ids, identity{address: ip})
		}
	}
	return ids
}

// addressesByLink returns the addresses of the host's own links.
func addressesByLink(s *model.State) map[string][]netip.Addr {
	ips := map[string][]netip.Addr{}
	for e := range s.Frame() {
		if a, ok := e.Object.(model.Address); ok && a.Netns == "" {
			ips[a.Link] = append(ips[a.Link], a.Prefix.Addr())
		}
	}
	return ips
}

// renamed returns the observed state as it is when the links have their new names.
func renamed(observed *model.State, l []rename) *model.State {
	if len(l) == 0 {
		return observed
	}
	out := &model.State{}
	for e := range observed.All() {
		for _, r := range l {
			e.Object = model.Renamed(e.Object, "", r.before.Name, r.after.Name)
		}
		out.Put(e)
	}
	return out
}

// rename plans the renaming of links, which comes before all else.
func (p *planner) rename(l []rename) {
	for _, r := range l {
		key := r.after.Key()
		p.renamed[key] = len(p.plan.Changes)
		p.plan.Changes = append(p.plan.Changes, Change{
			Action: Update, Before: r.before, After: r.after, Source: r.entry.Source, Intent: r.entry.Intent,
			Attrs: []model.AttrChange{{Name: "name", Before: r.before.Name, After: r.after.Name}},
		})
		p.plan.Steps = append(p.plan.Steps, model.Step{Op: model.OpUpdate, Before: r.before, After: r.after})
	}
}

// record adds a change. What else changes of a link that is renamed is one change with
// that.
func (p *planner) record(c Change) {
	i, ok := p.renamed[c.Key()]
	if !ok || c.Action != Update {
		p.plan.Changes = append(p.plan.Changes, c)
		return
	}
	all := &p.plan.Changes[i]
	all.After, all.Attrs, all.Impact = c.After, append(all.Attrs, c.Attrs...), max(all.Impact, c.Impact)
}
