package daemon

import (
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

// meanwhile looks again soon where objects differ after a pass that it was not about:
// somebody is in the midst of a change that takes many requests, such as a flush. That
// was heard, and will not be heard again. It says whether nothing else differs.
func (d *Daemon) meanwhile(done, left *diff.Plan) bool {
	some, all := since(done, left)
	if some {
		d.dirty = reconcile.Concern{All: true}
		d.quiet.Reset(max(time.Until(d.quietUntil), settle))
	}
	return all
}

// since says whether some of the objects that are left to be put right were not among
// those that a plan has just put right, and whether none was.
func since(done, left *diff.Plan) (some, all bool) {
	if done == nil || left == nil || len(left.Conflicts) > 0 {
		return false, false
	}
	repaired := map[model.Key]bool{}
	for _, c := range done.Changes {
		repaired[c.Key()] = true
	}
	again := false
	for _, c := range left.Changes {
		if repaired[c.Key()] {
			again = true
		} else {
			some = true
		}
	}
	return some, some && !again
}
