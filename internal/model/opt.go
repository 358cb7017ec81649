package model

import "encoding/json"

// Opt is an attribute that may be left open. The zero value is open: in a
// desired object that means "unmanaged, whatever the kernel has is right"; an
// observed object leaves nothing open that the kernel told.
type Opt[T comparable] struct {
	value T
	set   bool
}

// Some returns a specified attribute, which may well be the zero value of T.
func Some[T comparable](v T) Opt[T] { return Opt[T]{value: v, set: true} }

// Get returns the value, and whether one is specified.
func (o Opt[T]) Get() (T, bool) { return o.value, o.set }

// IsSet says whether a value is specified.
func (o Opt[T]) IsSet() bool { return o.set }

// IsZero says whether the attribute is open; encoding/json's omitzero asks it.
func (o Opt[T]) IsZero() bool { return !o.set }

// Value returns the specified value, or the zero value of T.
func (o Opt[T]) Value() T { return o.value }

// Or returns the specified value, or else v.
func (o Opt[T]) Or(v T) T {
	if o.set {
		return o.value
	}
	return v
}

// Fill returns o, or from where o is open.
func (o Opt[T]) Fill(from Opt[T]) Opt[T] {
	if o.set {
		return o
	}
	return from
}

// allows says whether an observed attribute is as asked for: what is open allows any.
func (o *Opt[T]) allows(got *Opt[T]) bool { return !o.set || *o == *got }

// MarshalJSON writes the value, or null where the attribute is open.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.set {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*o = Opt[T]{}
		return nil
	}
	o.set = true
	return json.Unmarshal(b, &o.value)
}
