package kernel

import (
	"context"
	"errors"
	"fmt"
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
// done. It stops at the first failure or when ctx ends; the steps after that have
// the error ErrNotTried.
func (h *Host) Do(ctx context.Context, steps []model.Step) []error {
	errs := make([]error, 0, len(steps))
	for len(errs) < len(steps) {
		rest := steps[len(errs):]
		if len(errs) > 0 && errs[len(errs)-1] != nil {
			return append(errs, notTried(len(rest))...)
		}
		if err := ctx.Err(); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", rest[0].Op, rest[0].Key(), err))
			continue
		}
		for i, err := range h.first(rest) {
			if err != ErrNotTried {
				err = opError(rest[i].Op.String(), rest[i].Object(), err)
				if h.opts.Trace != nil {
					h.opts.Trace(rest[i], err)
				}
			}
			errs = append(errs, err)
		}
	}
	return errs
}

// first does the first of the steps, and those after it that can be done with it.
func (h *Host) first(steps []model.Step) []error {
	if d, ok := h.door(steps[0].Key().Kind).(joint); ok && d.joins(steps[0].Op) {
		if n := alike(steps); n > 1 {
			return d.together(steps[:n])
		}
	}
	return []error{h.do(steps[0])}
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
