package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// door is the writing half of a kind. A create that failed has left nothing behind;
// a remove of what is absent is not an error.
type door interface {
	create(o model.Object) error
	update(before, after model.Object) error
	remove(o model.Object) error
}

// door returns the writing half of the kind. A new kind needs a line here, and one
// in model.Kinds.
func (h *Host) door(k model.Kind) door {
	switch k {
	case model.KindNetns:
		return netnsDoor{h}
	case model.KindSysctl:
		return sysctlDoor{h}
	case model.KindLink:
		return linkDoor{h}
	case model.KindAddress:
		return addressDoor{h}
	case model.KindNeighbour:
		return neighbourDoor{h}
	case model.KindFDB:
		return fdbDoor{h}
	case model.KindRoute:
		return routeDoor{h}
	}
	return nil
}

// Do executes steps in order and returns an error for each, nil for those that were
// done. It stops when one fails or when ctx ends; the steps after that have the error
// ErrNotTried, but for those that went to the kernel together with the failed one (see
// Batch): of these, too, the errors say which were done. A step whose error is
// ErrUnknown may be done or not.
func (h *Host) Do(ctx context.Context, steps []model.Step) []error {
	errs := make([]error, len(steps))
	for i := 0; i < len(steps); {
		n := 1
		if err := ctx.Err(); err != nil {
			errs[i] = fmt.Errorf("%s %s: %w", steps[i].Op, steps[i].Key(), err)
		} else {
			n = h.next(steps[i:], errs[i:])
		}
		i += n
		if slices.ContainsFunc(errs[i-n:i], func(err error) bool { return err != nil }) {
			for ; i < len(steps); i++ {
				errs[i] = ErrNotTried
			}
		}
	}
	return errs
}

// next executes the first steps, and returns how many.
func (h *Host) next(steps []model.Step, errs []error) int {
	n := 0
	if d := h.joint(steps[0]); d != nil {
		if joined := h.joined(steps); joined > 1 {
			n = joined
			h.jointly(d, steps[:n], errs)
		}
	} else if plain := h.plainSteps(steps, true); plain > 1 {
		n = h.together(steps[:plain], errs)
	}
	if n == 0 {
		n = 1
		errs[0] = opError(steps[0].Op.String(), steps[0].Object(), h.do(steps[0]))
	}
	if h.opts.Trace != nil {
		for i, s := range steps[:n] {
			if errs[i] != ErrNotTried {
				h.opts.Trace(s, errs[i])
			}
		}
	}
	return n
}

func (h *Host) do(s model.Step) error {
	d := h.door(s.Key().Kind)
	if d == nil {
		return fmt.Errorf("%s %s: a kind that cannot be changed", s.Op, s.Key())
	}
	switch s.Op {
	case model.OpCreate:
		return d.create(s.After)
	case model.OpUpdate:
		return d.update(s.Before, s.After)
	}
	return d.remove(s.Before)
}

// ignore returns nil where err is one of those: what should go is gone already.
func ignore(err error, errnos ...syscall.Errno) error {
	for _, e := range errnos {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}
