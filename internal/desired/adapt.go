package desired

import "github.com/netplan-overlay/netplan-overlay/internal/model"

// Adapt changes those routes of want that are free in it to the metric that they have on
// the host, so that nothing is done to them when the number of subnets crosses the line
// beyond which metrics are spread. It comes between the look at the host and all else that
// is made of both states.
//
// Where the host has routes of ours with both metrics, or no route with either, want stays
// as it is. What else of the route differs does not count: one message puts that right under
// the metric that is there. Where none is ours, one of others' counts: it is in conflict with
// ours then, or adopted as it is.
func Adapt(want, observed *model.State) {
	var l []model.Entry
	for e := range want.Unordered() {
		if e.Free && otherwise(e.Object.Key(), observed) {
			l = append(l, e)
		}
	}
	for _, e := range l {
		change(want, e)
	}
}

// AdaptAt is Adapt for the destinations of some keys.
func AdaptAt(keys []model.Key, want, observed *model.State) {
	for _, k := range keys {
		if !k.Spreadable() {
			continue
		}
		for _, k := range [...]model.Key{k.Plain(), k.Spread()} {
			if e, ok := want.Get(k); ok && e.Free && otherwise(k, observed) {
				change(want, e)
				break
			}
		}
	}
}

// otherwise says whether a free route with the key is there with the other metric, or more
// so than with its own.
func otherwise(k model.Key, observed *model.State) bool {
	own := standing(k, observed)
	return own < 2 && standing(other(k), observed) > own
}

// standing is 2 if a route of ours has the key, 1 if one has it that could become ours.
func standing(k model.Key, observed *model.State) int {
	e, ok := observed.Get(k)
	switch {
	case ok && e.Owner.Mine():
		return 2
	case ok && e.Owner == model.OwnerForeign:
		return 1
	}
	return 0
}

// change gives a free route of the state the other metric.
func change(s *model.State, e model.Entry) {
	r := e.Object.(model.Route)
	s.Remove(r.Key())
	r.Metric = other(r.Key()).Metric
	e.Object = r
	s.Put(e)
}

func other(k model.Key) model.Key {
	if k.Metric == 0 {
		return k.Spread()
	}
	return k.Plain()
}
