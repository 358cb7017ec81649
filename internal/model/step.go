package model

// Op is what a step does.
type Op uint8

// The operations. A replacement is a delete and a create.
const (
	OpCreate Op = iota + 1
	OpUpdate
	OpDelete
)

// String returns the word for the operation.
func (o Op) String() string {
	switch o {
	case OpCreate:
		return "create"
	case OpUpdate:
		return "update"
	}
	return "delete"
}

// MarshalText implements encoding.TextMarshaler.
func (o Op) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Step is one operation on one object: what the kernel's door takes.
type Step struct {
	Op     Op
	Before Object // as observed; nil for a create
	After  Object // as wanted; nil for a delete; nothing is open in an update's

	// Along is what goes along with it, nil for nothing, as with nearly all of the very
	// many steps of a large fleet.
	Along *Along
}

// Along is what the kernel does along with a step, or with taking it back.
type Along struct {
	// Lost are the objects that the kernel takes down as a consequence, as they
	// were, each before those that need it: what lives on a deleted link, or the
	// permanent neighbours of a link whose MAC changes. They need no step of their
	// own, and undoing the step makes them again.
	Lost []Object
	// Released are the ports that a deleted bridge lets go, as they were.
	Released []Object
	// Restore are the objects that taking the step back takes down, although they
	// were there before it: when the first IPv4 address of a link goes again, so do
	// the routes and neighbours that the link had already. Each stands before those
	// that need it.
	Restore []Object
}

// Lost returns what goes along with the step, as Along has it.
func (s Step) Lost() []Object {
	if s.Along == nil {
		return nil
	}
	return s.Along.Lost
}

// Released returns the ports that the step lets go, as Along has them.
func (s Step) Released() []Object {
	if s.Along == nil {
		return nil
	}
	return s.Along.Released
}

// Restore returns what taking the step back takes down, as Along has it.
func (s Step) Restore() []Object {
	if s.Along == nil {
		return nil
	}
	return s.Along.Restore
}

// With returns the step with what goes along with it.
func (s Step) With(a Along) Step {
	s.Along = nil
	if len(a.Lost)+len(a.Released)+len(a.Restore) > 0 {
		s.Along = &Along{a.Lost, a.Released, a.Restore}
	}
	return s
}

// Object returns the object that the step is about: After, or Before of a delete.
func (s Step) Object() Object {
	if s.After != nil {
		return s.After
	}
	return s.Before
}

// Renames says whether the step gives a link another name, and does nothing else.
func (s Step) Renames() bool {
	return s.Op == OpUpdate && s.Before.Key() != s.After.Key()
}

// Key returns the key of the object that the step is about.
func (s Step) Key() Key { return s.Object().Key() }
