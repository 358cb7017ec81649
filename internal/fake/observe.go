package fake

import (
	"maps"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Observe returns what the tool would see, given what it wants: all that carries
// its mark, and whatever stands where it would have an object (package observe).
func (k *Kernel) Observe(wanted *model.State) *model.State {
	s := &model.State{}
	inside := map[string]bool{"": true}
	for key, o := range k.objects {
		if n, ok := o.(model.Netns); ok {
			owner, maker := k.byAlias(n.Alias.Value())
			s.Put(model.Entry{Object: n, Owner: owner, Maker: maker})
			_, want := wanted.Get(key)
			inside[n.Name] = owner == model.OwnerOurs || owner == model.OwnerForeign && want
		}
	}
	all := maps.Clone(k.objects)
	for key, r := range k.connected() {
		if _, ok := all[key]; !ok {
			all[key] = r
		}
	}
	for key, o := range all {
		if inside[key.Netns] && k.looksAt(o, wanted) {
			owner, maker := k.owner(o)
			if a, ok := o.(model.Address); ok && k.Plain {
				a.Protocol = model.Opt[uint8]{}
				o = a
			}
			s.Put(model.Entry{Object: o, Owner: owner, Maker: maker})
		}
	}
	k.observeSysctls(s, wanted, inside)
	return s
}

// looksAt says whether the observer reads objects of the kind there: neighbours and
// FDB entries only of overlay devices.
func (k *Kernel) looksAt(o model.Object, wanted *model.State) bool {
	key := o.Key()
	switch key.Kind {
	case model.KindNetns, model.KindSysctl:
		return false
	case model.KindNeighbour, model.KindFDB:
		l, ok := k.link(key.Netns, key.Name)
		owner, _ := k.owner(l)
		_, want := wanted.Get(l.Key())
		return ok && key.Netns == "" && l.Type.Value() == model.TypeVXLAN && (owner.Mine() || want)
	}
	return true
}

func (k *Kernel) observeSysctls(s, wanted *model.State, inside map[string]bool) {
	keys := map[model.Key]bool{}
	for key, o := range k.objects {
		if x, ok := o.(model.Sysctl); ok && x.Saved.IsSet() {
			keys[key] = true
		}
	}
	for e := range wanted.All() {
		if key := e.Object.Key(); key.Kind == model.KindSysctl && inside[key.Netns] {
			keys[key] = true
		}
	}
	for key := range keys {
		if x, ok := k.sysctl(key); ok {
			owner, _ := k.owner(x)
			s.Put(model.Entry{Object: x, Owner: owner})
		}
	}
}

// owner tells whose an object is, by its marks.
func (k *Kernel) owner(o model.Object) (model.Owner, string) {
	switch o := o.(type) {
	case model.Netns:
		return k.byAlias(o.Alias.Value())
	case model.Link:
		return k.ownerOfLink(o)
	case model.Address:
		return k.ownerOfAddress(o), ""
	case model.Neighbour:
		return byProtocol(o.Protocol.Value()), ""
	case model.Route:
		if o.Protocol.Value() == protocolKernel {
			return model.OwnerKernel, "the kernel"
		}
		return byProtocol(o.Protocol.Value()), ""
	case model.FDBEntry:
		l, _ := k.link(o.Netns, o.Link)
		return k.ownerOfLink(l)
	case model.Sysctl:
		if !o.Saved.IsSet() {
			return model.OwnerShared, ""
		}
	}
	return model.OwnerOurs, ""
}

func (k *Kernel) ownerOfLink(l model.Link) (model.Owner, string) {
	switch {
	case l.Name == "lo" || l.Name == "tunl0":
		return model.OwnerKernel, "the kernel"
	case l.Alias.Value() == "" && l.Group.Value() == model.MarkGroup:
		return model.OwnerHalf, ""
	}
	return k.byAlias(l.Alias.Value())
}

func (k *Kernel) ownerOfAddress(a model.Address) model.Owner {
	if !k.Plain {
		return byProtocol(a.Protocol.Value())
	}
	l, _ := k.link(a.Netns, a.Link)
	if owner, _ := k.ownerOfLink(l); owner.Mine() {
		return model.OwnerOurs
	}
	return model.OwnerForeign
}

func (k *Kernel) byAlias(alias string) (model.Owner, string) {
	marked, ok := model.ParseAlias(alias)
	switch {
	case !ok:
		return model.OwnerForeign, ""
	case marked == k.id:
		return model.OwnerOurs, ""
	}
	return model.OwnerOther, "netplan-overlay topology " + marked.String()
}

func byProtocol(p uint8) model.Owner {
	if p == model.MarkProtocol {
		return model.OwnerOurs
	}
	return model.OwnerForeign
}
