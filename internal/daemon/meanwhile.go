package daemon

import (
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// meanwhile looks again soon where objects differ after a pass that it was not about:
// somebody is in the midst of a change that takes many requests, such as a flush. That
// was heard, and will not be heard again. It says whether nothing else differs.
func (d *Daemon) meanwhile(done, left *diff.Plan) bool {
	fresh, again := since(done, left)
	for _, k := range fresh {
		switch k.Kind {
		case model.KindRoute, model.KindNeighbour, model.KindFDB, model.KindSysctl:
			d.dirty.Keys = append(d.dirty.Keys, k)
		default:
			d.dirty.All = true
		}
	}
	if len(fresh) > 0 {
		d.quiet.Reset(max(time.Until(d.quietUntil), settle))
	}
	return len(fresh) > 0 && !again
}

// since returns the objects left to be put right that are not among those that a plan has
// just put right, and says whether there are others.
func since(done, left *diff.Plan) (fresh []model.Key, again bool) {
	if done == nil || left == nil || len(left.Conflicts) > 0 {
		return nil, true
	}
	repaired := map[model.Key]bool{}
	for _, c := range done.Changes {
		repaired[c.Key()] = true
	}
	for _, c := range left.Changes {
		if repaired[c.Key()] {
			again = true
		} else {
			fresh = append(fresh, c.Key())
		}
	}
	return fresh, again
}
