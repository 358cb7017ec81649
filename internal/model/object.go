package model

import (
	"cmp"
	"fmt"
)

// Object is one thing in the kernel. The kinds are Netns, Sysctl, Link, Address,
// Neighbour, FDBEntry and Route; all are comparable values, so that two objects
// can be compared with ==.
type Object interface {
	// Key returns the object's identity.
	Key() Key
	// Needs lists what must exist before the object can.
	Needs() []Need
	// Attrs lists the specified attributes, in printing order.
	Attrs() []Attr
	// Fill returns the object with what it leaves open taken from an observed
	// object of the same key. It panics where the kinds differ.
	Fill(from Object) Object
}

// Need is something that must exist before an object can.
type Need struct {
	Key   Key
	Order bool // only the order counts: the object outlives what it needed
}

// Impact says what a change does to traffic that flows while it is made.
type Impact uint8

// The impacts, from harmless to harmful.
const (
	ImpactNone       Impact = iota // no packet is lost
	ImpactBrief                    // an existing flow may lose packets
	ImpactDisruptive               // connectivity is lost until a later change
)

// String returns the word for the impact.
func (i Impact) String() string {
	switch i {
	case ImpactNone:
		return "none"
	case ImpactBrief:
		return "brief"
	}
	return "disruptive"
}

// MarshalText implements encoding.TextMarshaler.
func (i Impact) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *Impact) UnmarshalText(b []byte) (err error) {
	*i, err = ParseImpact(string(b))
	return err
}

// ParseImpact reads the word for an impact.
func ParseImpact(s string) (Impact, error) {
	for i := range ImpactDisruptive + 1 {
		if i.String() == s {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is no impact: it is none, brief or disruptive", s)
}

// Attr is one named attribute of an object, with what the planner must know of it.
type Attr struct {
	Name    string
	Value   string // as iproute2 would print it; "" for none
	Fixed   bool   // cannot change on a live object: a difference means a replacement
	Class   string // a value can only change into one of its class: a difference in class is one in a fixed attribute
	Mark    bool   // says whose the object is; differing marks alone mean an adoption
	Flushes bool   // a change drops the permanent neighbours on the link (neigh_changeaddr, net/core/neighbour.c)
	Impact  Impact // of changing it in place
}

// AttrChange is the difference in one attribute. Before or After is "" where
// the attribute was not specified on that side.
type AttrChange struct {
	Name   string
	Before string
	After  string
	Fixed  bool
	Mark   bool
}

// DiffAttrs compares what want specifies with what got has, in want's order.
func DiffAttrs(want, got Object) (changes []AttrChange, impact Impact, flushes bool) {
	have := make(map[string]Attr)
	for _, a := range got.Attrs() {
		have[a.Name] = a
	}
	for _, a := range want.Attrs() {
		before, ok := have[a.Name]
		if ok && before.Value == a.Value {
			continue
		}
		changes = append(changes, AttrChange{
			Name: a.Name, Before: before.Value, After: a.Value, Fixed: a.Fixed || ok && a.Class != before.Class, Mark: a.Mark,
		})
		impact = max(impact, a.Impact)
		flushes = flushes || a.Flushes
	}
	return changes, impact, flushes
}

// Claim is a resource of the kernel, other than the key, that only one object can
// hold: two links with different names cannot have the same VNI and port. The
// zero Claim holds nothing.
type Claim struct {
	Netns string
	What  string
}

// ClaimOf returns what the object holds exclusively, or the zero Claim.
func ClaimOf(o Object) Claim {
	if l, ok := o.(Link); ok {
		return l.claim()
	}
	return Claim{}
}

// Compare orders claims.
func (c Claim) Compare(o Claim) int {
	return cmp.Or(cmp.Compare(c.Netns, o.Netns), cmp.Compare(c.What, o.What))
}
