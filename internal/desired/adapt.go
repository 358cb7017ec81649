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
	plain, spread := forms(want)
	if !plain && !spread {
		return
	}
	var l []model.Entry
	for r, s := range observed.Routes() { // of a host that is as it would be made, nothing is looked up
		if standingOf(s.Owner) == 0 || r.Metric == 0 && !spread || r.Metric != 0 && !plain {
			continue
		}
		k := r.Key()
		if !k.Spreadable() || k.Metric != 0 && k != k.Spread() {
			continue
		}
		if w, ok := want.Get(other(k)); ok && w.Free && otherwise(other(k), observed) {
			l = append(l, w)
		}
	}
	for _, e := range l {
		change(want, e)
	}
}

// forms says whether any free route is wanted without a metric, and any with one.
func forms(want *model.State) (plain, spread bool) {
	for r, s := range want.Routes() {
		if !s.Free {
			continue
		}
		if r.Metric == 0 {
			plain = true
		} else {
			spread = true
		}
		if plain && spread {
			break
		}
	}
	return plain, spread
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

// standing is that of the route with the key, 0 if there is none.
func standing(k model.Key, observed *model.State) int {
	e, ok := observed.Get(k)
	if !ok {
		return 0
	}
	return standingOf(e.Owner)
}

// standingOf is 2 for what is ours, and 1 for what could become ours.
func standingOf(o model.Owner) int {
	switch {
	case o.Mine():
		return 2
	case o == model.OwnerForeign:
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
