package apply

import (
	"context"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// Recover takes back what an interrupted run has done, last step first, and returns
// what could not be undone, an error each. A step that was begun may be done or not.
// One that must not be taken back, since what stands there is somebody else's, is to be
// left out by spare.
func Recover(ctx context.Context, k Kernel, r *journal.Record, spare func(model.Step) bool) []error {
	var done []taken
	for i, p := range r.Progress {
		s := r.Steps[i]
		if p != journal.Untouched && !spare(s) {
			done = append(done, taken{s, false})
		}
	}
	return undo(context.WithoutCancel(ctx), k, done)
}
