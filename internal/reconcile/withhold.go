package reconcile

import (
	"net/netip"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// withhold returns both states without what is held: an object that is there is wanted
// as it is, one that is not there isn't wanted, nor is what needs it. The states that
// are given stay as they are.
func withhold(want, seen *model.State, held map[model.Key]bool) (w, s *model.State) {
	if len(held) == 0 {
		return want, seen
	}
	w, s = want.Clone(), seen.Clone()
	out := map[model.Key]bool{}
	for k := range held {
		wanted, wants := want.Get(k)
		got, has := seen.Get(k)
		switch {
		case wants && has && (got.Owner.Mine() || got.Owner == model.OwnerShared):
			wanted.Object = got.Object
			w.Put(wanted)
		case wants:
			out[k] = true
		default:
			s.Remove(k)
		}
	}
	for k := range dependents(want, out) {
		w.Remove(k)
		s.Remove(k)
	}
	for _, k := range rivals(seen, held) {
		s.Remove(k)
	}
	return w, s
}

// rivals returns the routes of others that take the packets of held ones by a lower metric:
// that is settled by leaving ours alone.
func rivals(seen *model.State, held map[model.Key]bool) []model.Key {
	metrics := map[netip.Prefix]uint32{}
	for k := range held {
		if k.Spreadable() {
			metrics[k.Prefix] = k.Metric
		}
	}
	if len(metrics) == 0 {
		return nil
	}
	var l []model.Key
	for r, s := range seen.Routes() {
		k := r.Key()
		if metric, ok := metrics[k.Prefix]; ok && k.Spreadable() && k.Metric < metric && !s.Owner.Mine() {
			l = append(l, k)
		}
	}
	return l
}

// dependents adds to the keys those of everything that needs them.
func dependents(want *model.State, keys map[model.Key]bool) map[model.Key]bool {
	if len(keys) == 0 {
		return keys
	}
	for more := true; more; {
		more = false
		for e := range want.Unordered() {
			k := e.Object.Key()
			if !keys[k] && needsAny(e.Object, keys) {
				keys[k], more = true, true
			}
		}
	}
	return keys
}

func needsAny(o model.Object, keys map[model.Key]bool) bool {
	for _, n := range o.Needs() {
		if !n.Order && keys[n.Key] {
			return true
		}
	}
	return false
}
