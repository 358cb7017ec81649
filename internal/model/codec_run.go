package model

import (
	"encoding/json"
	"fmt"
)

// StepWriter writes the steps of a run one after the other, each as JSON. Steps that make
// or remove routes, neighbours, FDB entries or addresses, and do no more than that, are
// short: {"op":"create","route":{"dst":"10.0.2.0/24"}} is about what the last such route
// was, but for the fields that there are. Others are as Step.MarshalJSON has them. The zero
// value is ready to use; what it writes, a StepReader reads in the same order.
type StepWriter struct {
	// Next, if not nil, is given what was appended so far when there is an object more of
	// the very many that may go along with a step, and returns what to go on with: nothing
	// if it has written it.
	Next func([]byte) ([]byte, error)
	last lastObjects
}

// StepReader reads what a StepWriter has written. The zero value is ready to use.
type StepReader struct{ last lastObjects }

// lastObjects are those of the last short steps.
type lastObjects struct {
	route     Route
	neighbour Neighbour
	fdb       FDBEntry
	address   Address
}

// Append appends a step.
func (w *StepWriter) Append(b []byte, s Step) ([]byte, error) {
	if s.Op == OpUpdate || s.Along != nil {
		return s.appendJSON(b, w.next())
	}
	start := len(b)
	b = append(b, `{"op":"`...)
	b = append(b, s.Op.String()...)
	switch o := s.Object().(type) {
	case Route:
		b = o.appendJSON(append(b, `","route":`...), &w.last.route)
		w.last.route = o
	case Neighbour:
		b = o.appendJSON(append(b, `","neighbour":`...), &w.last.neighbour)
		w.last.neighbour = o
	case FDBEntry:
		b = o.appendJSON(append(b, `","fdb":`...), &w.last.fdb)
		w.last.fdb = o
	case Address:
		b = o.appendJSON(append(b, `","address":`...), &w.last.address)
		w.last.address = o
	default:
		return s.AppendJSON(b[:start])
	}
	return append(b, '}'), nil
}

func (w *StepWriter) next() func([]byte) ([]byte, error) {
	if w.Next == nil {
		return goOn
	}
	return w.Next
}

// Read returns the next step.
func (r *StepReader) Read(b []byte) (s Step, err error) {
	var j struct {
		Op        Op              `json:"op"`
		Route     json.RawMessage `json:"route"`
		Neighbour json.RawMessage `json:"neighbour"`
		FDB       json.RawMessage `json:"fdb"`
		Address   json.RawMessage `json:"address"`
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return s, err
	}
	var o Object
	switch {
	case j.Route != nil:
		o, err = changed(&r.last.route, j.Route)
	case j.Neighbour != nil:
		o, err = changed(&r.last.neighbour, j.Neighbour)
	case j.FDB != nil:
		o, err = changed(&r.last.fdb, j.FDB)
	case j.Address != nil:
		o, err = changed(&r.last.address, j.Address)
	default:
		return s, json.Unmarshal(b, &s)
	}
	switch {
	case err != nil:
		return s, err
	case j.Op == OpCreate:
		return Step{Op: OpCreate, After: o}, nil
	case j.Op == OpDelete:
		return Step{Op: OpDelete, Before: o}, nil
	}
	return s, fmt.Errorf("%s is neither made nor removed", o.Key())
}

// changed takes the fields that there are over the last object, and returns it.
func changed[T Object](last *T, fields []byte) (Object, error) {
	err := json.Unmarshal(fields, last)
	return *last, err
}
