package model

import (
	"encoding/json"
	"errors"
	"fmt"
)

// UnmarshalText reads what MarshalText writes.
func (k *Kind) UnmarshalText(b []byte) error {
	for _, x := range Kinds() {
		if x.String() == string(b) {
			*k = x
			return nil
		}
	}
	return fmt.Errorf("%q is no kind of object", b)
}

// UnmarshalText reads what MarshalText writes.
func (o *Op) UnmarshalText(b []byte) error {
	for _, x := range []Op{OpCreate, OpUpdate, OpDelete} {
		if x.String() == string(b) {
			*o = x
			return nil
		}
	}
	return fmt.Errorf("%q is no operation", b)
}

// envelope carries an object with its kind, for files; the zero value is no object.
type envelope struct {
	object Object
}

type envelopeJSON struct {
	Kind   Kind            `json:"kind"`
	Object json.RawMessage `json:"object"`
}

func (e *envelope) UnmarshalJSON(b []byte) (err error) {
	var j envelopeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	switch j.Kind {
	case KindNetns:
		e.object, err = decode[Netns](j.Object)
	case KindSysctl:
		e.object, err = decode[Sysctl](j.Object)
	case KindLink:
		e.object, err = decode[Link](j.Object)
	case KindAddress:
		e.object, err = decode[Address](j.Object)
	case KindFDB:
		e.object, err = decode[FDBEntry](j.Object)
	case KindNeighbour:
		e.object, err = decode[Neighbour](j.Object)
	case KindRoute:
		e.object, err = decode[Route](j.Object)
	default:
		err = errors.New("an object without a kind")
	}
	return err
}

func decode[T Object](b []byte) (Object, error) {
	var o T
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, err
	}
	return o, nil
}

// stepJSON is a step as it stands in files.
type stepJSON struct {
	Op       Op         `json:"op"`
	Before   envelope   `json:"before"`
	After    envelope   `json:"after"`
	Lost     []envelope `json:"lost"`
	Released []envelope `json:"released"`
	Restore  []envelope `json:"restore"`
}

// MarshalJSON writes a step with all that undoing it takes.
func (s Step) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil) }

// UnmarshalJSON reads what MarshalJSON writes. A step that lacks the object that its
// operation is about is an error.
func (s *Step) UnmarshalJSON(b []byte) error {
	var j stepJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if j.Op == 0 {
		return errors.New("a step without an operation")
	}
	before, after := j.Before.object != nil, j.After.object != nil
	if before != (j.Op != OpCreate) || after != (j.Op != OpDelete) {
		return fmt.Errorf("a step to %s, without the object", j.Op)
	}
	if before && after && !sameButName(j.Before.object.Key(), j.After.object.Key()) {
		return fmt.Errorf("a step that makes %s of %s", j.After.object.Key(), j.Before.object.Key())
	}
	*s = Step{Op: j.Op, Before: j.Before.object, After: j.After.object}.With(Along{unwrap(j.Lost), unwrap(j.Released), unwrap(j.Restore)})
	return nil
}

// sameButName says whether an update can lead from one key to the other: only links get
// other names.
func sameButName(a, b Key) bool {
	if a.Kind == KindLink {
		a.Name = b.Name
	}
	return a == b
}

func unwrap(l []envelope) []Object {
	var out []Object
	for _, e := range l {
		out = append(out, e.object)
	}
	return out
}
