package diff

import "github.com/netplan-overlay/netplan-overlay/internal/model"

// Origin says where the need for a change comes from: for people, never for decisions.
type Origin uint8

// The origins.
const (
	OriginUnknown Origin = iota // what was asked for before is not known
	OriginSpec                  // the topology asks for something else than before
	OriginDrift                 // the host is not any more what the topology made of it
	OriginOrphan                // it carries our mark, but neither this topology asks for it, nor did the one before
	OriginCascade               // another change forces it: see Change.Cause
)

// String returns the word for the origin, "" for one that is not known.
func (o Origin) String() string {
	return [...]string{"", "spec", "drift", "orphan", "cascade"}[o]
}

// MarshalText implements encoding.TextMarshaler.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Originate notes the origin of each change of a plan: last is what the topology that
// was applied last wanted of the host, now what the present one wants. Where last is
// nil, only what is forced or missing is told.
func Originate(p *Plan, now, last *model.State) {
	for i := range p.Changes {
		c := &p.Changes[i]
		c.Origin = originOf(c, now, last)
	}
}

func originOf(c *Change, now, last *model.State) Origin {
	switch {
	case c.Cause != nil:
		return OriginCascade
	case last == nil && c.Action == Create:
		return OriginSpec
	case last == nil:
		return OriginUnknown
	}
	before, asked := last.Get(c.Key())
	wanted, wants := now.Get(c.Key())
	switch {
	case asked != wants:
		return OriginSpec
	case !asked:
		return OriginOrphan
	case before.Object == wanted.Object:
		return OriginDrift
	case c.Action == Create:
		return OriginSpec
	}
	return originOfAttrs(c.Differences(), before.Object, wanted.Object)
}

// originOfAttrs says whether any attribute that differs on the host is one of those that
// the topology asks for in another way than before.
func originOfAttrs(attrs []model.AttrChange, before, wanted model.Object) Origin {
	asked, _, _ := model.DiffAttrs(wanted, before)
	names := make(map[string]bool, len(asked))
	for _, a := range asked {
		names[a.Name] = true
	}
	for _, a := range attrs {
		if names[a.Name] {
			return OriginSpec
		}
	}
	return OriginDrift
}
