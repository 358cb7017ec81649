package kernel

import (
	"slices"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// joint is a door through which many steps cost less together than one by one.
type joint interface {
	// joins says whether steps of the operation are done together.
	joins(op model.Op) bool
	// together does such steps of one operation. Like Do, it stops at the first failure:
	// the steps after it have the error ErrNotTried, but for those that were begun with the
	// failed one, whose errors say what became of them.
	together(steps []model.Step) []error
}

// joint returns the door of a step that is done together with others like it, nil for
// others.
func (h *Host) joint(s model.Step) joint {
	var d joint
	switch s.Object().(type) {
	case model.Netns:
		d = netnsDoor{h}
	case model.Sysctl:
		d = sysctlDoor{h}
	case model.Link:
		d = linkDoor{h}
	}
	if d == nil || !d.joins(s.Op) {
		return nil
	}
	return d
}

// jointly does steps together, and notes their errors.
func (h *Host) jointly(d joint, steps []model.Step, errs []error) {
	for i, err := range d.together(steps) {
		if err != ErrNotTried {
			err = opError(steps[i].Op.String(), steps[i].Object(), err)
		}
		errs[i] = err
	}
}

// joined returns how many of the first steps are done together: those that are the same
// operation on the same kind. Links are made one after the other, and not too many at once,
// so that a run that dies leaves few of which it isn't known how far they are.
func (h *Host) joined(steps []model.Step) int {
	first := steps[0]
	if first.Op == model.OpCreate && first.Key().Kind == model.KindLink {
		steps = steps[:min(len(steps), chunkMessages)]
	}
	for i, s := range steps {
		if s.Op != first.Op || model.KindOf(s.Object()) != model.KindOf(first.Object()) {
			return i
		}
	}
	return len(steps)
}

// inTurn does steps one by one, up to the first failure.
func inTurn(steps []model.Step, do func(model.Step) error) []error {
	errs := notTried(len(steps))
	for i, s := range steps {
		if errs[i] = do(s); errs[i] != nil {
			break
		}
	}
	return errs
}

func notTried(n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = ErrNotTried
	}
	return errs
}

// someAtATime does steps in groups of a size, up to the first group in which one fails.
func someAtATime(steps []model.Step, size int, do func([]model.Step) []error) []error {
	var errs []error
	for some := range slices.Chunk(steps, size) {
		done := do(some)
		errs = append(errs, done...)
		if untilFailed(done) < len(done) {
			break
		}
	}
	return append(errs, notTried(len(steps)-len(errs))...)
}

// untilFailed returns how many of the first steps have no error.
func untilFailed(errs []error) int {
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return i
	}
	return len(errs)
}
