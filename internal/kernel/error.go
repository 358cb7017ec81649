package kernel

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// ErrNotTried says that a step was not begun, because one before it failed.
var ErrNotTried = errors.New("not tried")

// ErrUnknown says that the kernel's answer was lost: a step may be done, or not.
var ErrUnknown = errors.New("the kernel's answer was lost; it may be done, or not")

// OpError is an operation on an object that the kernel refused.
type OpError struct {
	Op     string    // "create", "update", "delete", "list", "enter"...
	Key    model.Key // the object; for a list, its netns or link
	Err    error     // the errno, as syscall.Errno
	Detail string    // the kernel's own reason, from its extended acknowledgement; "" if it gave none
	Cause  string    // what is likely behind it, and what to do; "" if unknown
}

// Error reads "create link br245: operation not permitted (needs CAP_NET_ADMIN)".
func (e *OpError) Error() string {
	s := fmt.Sprintf("%s %s: %v", e.Op, subject(e.Key), e.Err)
	var more []string
	if e.Detail != "" {
		more = append(more, "the kernel says: "+strings.TrimSuffix(e.Detail, "."))
	}
	if e.Cause != "" {
		more = append(more, e.Cause)
	}
	if len(more) > 0 {
		s += " (" + strings.Join(more, "; ") + ")"
	}
	return s
}

// subject names the object; the root network namespace has no name of its own.
func subject(k model.Key) string {
	if k == model.NetnsKey("") {
		return "the host"
	}
	return k.String()
}

// Unwrap returns the errno.
func (e *OpError) Unwrap() error { return e.Err }

// opError gives err the object that it is about, nil if err is nil.
func opError(op string, o model.Object, err error) error {
	if err == nil {
		return nil
	}
	var known *OpError
	if errors.As(err, &known) {
		return err
	}
	e := &OpError{Op: op, Key: o.Key(), Err: err}
	var r *refusal
	if errors.As(err, &r) {
		e.Err, e.Detail = r.errno, r.text
	}
	e.Cause = likelyCause(e, o)
	return e
}

// likelyCause says what mostly is behind an errno.
func likelyCause(e *OpError, o model.Object) string {
	switch err := e.Err; {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		if o.Key().Kind == model.KindNetns {
			return "needs CAP_SYS_ADMIN"
		}
		return "needs CAP_NET_ADMIN"
	case errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		return "the kernel is out of memory or of table space"
	}
	switch o := o.(type) {
	case model.Link:
		return linkCause(e, o)
	case model.Route:
		return routeCause(o, e.Err)
	}
	return ""
}

func linkCause(e *OpError, l model.Link) string {
	switch err := e.Err; {
	case errors.Is(err, syscall.EOPNOTSUPP) && e.Op == "create":
		return fmt.Sprintf("this kernel has no %s module", l.Type.Value())
	case errors.Is(err, syscall.EOPNOTSUPP):
		return "the kernel cannot change this on a live device"
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Sprintf("another program holds UDP port %d; see: ss -lunp", l.VXLAN.Port.Value())
	case errors.Is(err, syscall.EEXIST) && strings.Contains(e.Detail, "VNI"): // else it is the name
		return fmt.Sprintf("VNI %d on port %d is taken; see: ip -d link show type vxlan", l.VXLAN.VNI.Value(), l.VXLAN.Port.Value())
	case errors.Is(err, syscall.EEXIST) && l.Type.Value() != model.TypeIPIP:
		return "a device of the name appeared meanwhile"
	case errors.Is(err, syscall.EEXIST):
		return "the name, or the pair of tunnel ends, is taken by a device that appeared meanwhile"
	case errors.Is(err, syscall.EXFULL):
		return "a bridge has at most 1023 ports"
	}
	return ""
}

func routeCause(r model.Route, err error) string {
	unreachable := errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH)
	switch {
	case unreachable && r.Via.Value().IsValid():
		return fmt.Sprintf("the gateway %s is not on a link of the host", r.Via.Value())
	case errors.Is(err, syscall.ENETDOWN):
		return fmt.Sprintf("%s is down", r.Dev.Value())
	case errors.Is(err, syscall.EEXIST):
		return "a route with the same destination and metric appeared meanwhile"
	}
	return ""
}
