package apply_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// pieces is a script whose steps are executed so many at once.
type pieces struct {
	script
	size int
}

func (p *pieces) Batch(steps []model.Step) int { return min(len(steps), p.size) }

// notes is a journal in memory.
type notes struct {
	told     []string
	progress map[int]journal.Progress
	left     int // how many notes there is room for
}

func (n *notes) NoteAll(first, count int, p journal.Progress) error {
	if n.left--; n.left < 0 {
		return syscall.ENOSPC
	}
	n.told = append(n.told, fmt.Sprintf("%d+%d %s", first, count, p))
	for i := range count {
		n.progress[first+i] = p
	}
	return nil
}

func newNotes(left int) *notes { return &notes{progress: map[int]journal.Progress{}, left: left} }

// Steps that are executed at once are noted at once. If one of them fails, all that were
// done are taken back, those after it, too, the last one first.
func TestRunInBatches(t *testing.T) {
	plan := &diff.Plan{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		plan.Steps = append(plan.Steps, model.Step{Op: model.OpCreate, After: link(name)})
	}
	for _, tc := range []struct {
		name  string
		fail  map[string]error
		room  int // of the journal
		asked []string
		told  []string
		want  string
	}{
		{"all is well", nil, 9, []string{"create a", "create b", "create c", "create d", "create e"},
			[]string{"0+2 begun", "0+2 done", "2+2 begun", "2+2 done", "4+1 begun", "4+1 done"}, ""},
		{"the first of a batch fails", map[string]error{"create c": syscall.EIO}, 9,
			[]string{"create a", "create b", "create c", "create d", "delete d", "delete b", "delete a"},
			[]string{"0+2 begun", "0+2 done", "2+2 begun"}, "input/output error\nthe 3 steps before it were rolled back"},
		{"all of a batch fail", map[string]error{"create c": syscall.EIO, "create d": syscall.EPERM}, 9,
			[]string{"create a", "create b", "create c", "create d", "delete b", "delete a"},
			[]string{"0+2 begun", "0+2 done", "2+2 begun"}, "input/output error\nthe 2 steps before it were rolled back"},
		{"one may be done or not", map[string]error{"create c": kernel.ErrUnknown, "create d": syscall.EPERM}, 9,
			[]string{"create a", "create b", "create c", "create d", "delete c", "delete b", "delete a"},
			[]string{"0+2 begun", "0+2 done", "2+2 begun"}, kernel.ErrUnknown.Error() + "\nthe 2 steps before it were rolled back"},
		{"taking back goes on", map[string]error{"create e": syscall.EIO, "delete d": syscall.EBUSY}, 9,
			[]string{"create a", "create b", "create c", "create d", "create e", "delete d", "delete c", "delete b", "delete a", "delete d"},
			[]string{"0+2 begun", "0+2 done", "2+2 begun", "2+2 done", "4+1 begun"},
			"input/output error\nthe roll-back is incomplete, look at the host:\nundo: device or resource busy"},
		{"the journal is full", nil, 2, []string{"create a", "create b", "delete b", "delete a"},
			[]string{"0+2 begun", "0+2 done"}, "no space left on device\nthe 2 steps before it were rolled back"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k, n := &pieces{script{fail: tc.fail}, 2}, newNotes(tc.room)
			err := apply.RunJournaled(context.Background(), k, plan, n)
			if d := cmp.Diff(tc.asked, k.asked); d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.told, n.told); d != "" {
				t.Errorf("noted (-want +got):\n%s", d)
			}
			if got := fmt.Sprint(err); got != tc.want && (err != nil || tc.want != "") {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
}

// hasty is a kernel that does not execute all that it says it does at once.
type hasty struct{ pieces }

func (h *hasty) Do(ctx context.Context, steps []model.Step) []error {
	n := min(len(steps), 2)
	errs := h.pieces.Do(ctx, steps[:n])
	for failed := errors.Join(errs...) != nil; len(errs) < len(steps); {
		more := make([]error, len(steps)-n)
		if !failed {
			more = h.Do(ctx, steps[n:])
		}
		for i := range more {
			if failed {
				more[i] = kernel.ErrNotTried
			}
		}
		errs = append(errs, more...)
	}
	return errs
}

// What was not tried in its batch, since a step before it could not be taken back, has its
// turn.
func TestUndoGoesOnWithinABatch(t *testing.T) {
	plan := &diff.Plan{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "x"} {
		plan.Steps = append(plan.Steps, model.Step{Op: model.OpCreate, After: link(name)})
	}
	k := &hasty{pieces{script{fail: map[string]error{"create x": syscall.EIO, "delete e": syscall.EBUSY}}, 5}}
	err := apply.Run(context.Background(), k, plan)
	want := []string{
		"create a", "create b", "create c", "create d", "create e", "create f", "create x",
		"delete f", "delete e", "delete d", "delete c", "delete b", "delete a", "delete e",
	}
	if d := cmp.Diff(want, k.asked); d != "" {
		t.Errorf("%v: asked (-want +got):\n%s", err, d)
	}
}

// mortal is a host on which the process dies after so many steps.
type mortal struct {
	*fake.Kernel
	left int
}

// errDead is what a process dies of.
var errDead = errors.New("killed")

func (m *mortal) Do(ctx context.Context, steps []model.Step) []error {
	errs := make([]error, 0, len(steps))
	for i := range steps {
		if m.left == 0 {
			panic(errDead)
		}
		m.left--
		errs = append(errs, m.Kernel.Do(ctx, steps[i:i+1])...)
	}
	if m.left == 0 {
		panic(errDead) // before anything is noted
	}
	return errs
}

// Whatever part of its steps a run has done when it is killed, its journal is enough to
// take that back.
func TestKilledWithinABatch(t *testing.T) {
	stories(t, func(t *testing.T, s story, p *diff.Plan) {
		g := rand.New(rand.NewPCG(2, uint64(len(p.Steps))))
		at := g.Perm(len(p.Steps) + 1)
		if most := mostPoints(); most > 0 {
			at = at[:min(len(at), most)]
		}
		for _, i := range at {
			k, n := &mortal{s.host.Clone(), i}, newNotes(1000)
			func() {
				defer func() {
					if r := recover(); r != nil && r != errDead {
						panic(r)
					}
				}()
				_ = apply.RunJournaled(context.Background(), k, p, n) // dies, or there are no steps
			}()
			r := &journal.Record{Header: journal.Header{Steps: p.Steps}, Progress: make([]journal.Progress, len(p.Steps))}
			for i, progress := range n.progress {
				r.Progress[i] = progress
			}
			stuck := apply.Recover(context.Background(), k.Kernel, r, func(model.Step) bool { return false })
			asBefore(t, fmt.Sprintf("killed after %d steps", i), s.host, k.Kernel, stuck)
		}
	})
}
