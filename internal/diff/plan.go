package diff

import "github.com/netplan-overlay/netplan-overlay/internal/model"

// Action is what a change does to an object; its value is the symbol that is
// printed.
type Action rune

// The actions.
const (
	Create  Action = '+'
	Update  Action = '~' // in place
	Replace Action = '±' // delete and create
	Delete  Action = '-'
	Adopt   Action = '=' // take ownership of an object that is already there
)

// String returns the word for the action.
func (a Action) String() string {
	switch a {
	case Create:
		return "create"
	case Update:
		return "update"
	case Replace:
		return "replace"
	case Delete:
		return "delete"
	}
	return "adopt"
}

// Change is the difference in one object.
type Change struct {
	Action Action
	Impact model.Impact
	// Implied says that the kernel makes the change by itself, with the one that
	// Cause names: it has no step of its own.
	Implied bool
	Origin  Origin             // as Originate finds out; for people, never for decisions
	Before  model.Object       // as observed; nil for Create
	After   model.Object       // as wanted; nil for Delete
	Attrs   []model.AttrChange // of Update, Replace and Adopt; see Differences
	Source  string             // "topology.yaml:12", where it was declared; "" for what no file asks for
	Intent  string             // what it is part of, "peer vm2"
	Cause   *model.Key         // the change that forced this one, nil for none; for people, never for decisions
}

// SameCause says whether the same change forced both, or none.
func (c *Change) SameCause(d *Change) bool {
	return (c.Cause == nil) == (d.Cause == nil) && (c.Cause == nil || *c.Cause == *d.Cause)
}

// causeOf is the Cause that stands for a key, none for the zero Key.
func causeOf(k model.Key) *model.Key {
	if k == (model.Key{}) {
		return nil
	}
	return &k
}

// Differences returns the attributes that differ. Of what is new, or goes, these are all
// that it has; they are not kept, since plans of large fleets have many such objects.
func (c Change) Differences() []model.AttrChange {
	switch c.Action {
	case Create:
		attrs, _, _ := model.DiffAttrs(c.After, nothing{})
		return attrs
	case Delete:
		return deletionAttrs(c.Before)
	}
	return c.Attrs
}

// Object returns After, or Before of a deletion.
func (c Change) Object() model.Object {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Key returns the key of the changed object.
func (c Change) Key() model.Key { return c.Object().Key() }

// Conflict is a wanted object that cannot be had because of one that is not ours.
type Conflict struct {
	Want      model.Object
	Got       model.Object
	Owner     model.Owner
	Maker     string // who seems to have made Got; "" if unknown
	Attrs     []model.AttrChange
	Adoptable bool // --adopt would take it over
	Source    string
	Intent    string
}

// Harm is a foreign object that would go down with one of ours.
type Harm struct {
	Object model.Object
	Maker  string
	Cause  model.Key // what is deleted or replaced
}

// Plan is the smallest ordered list of changes that leads from the observed state
// to the desired one.
type Plan struct {
	Changes   []Change     // in the order in which they happen
	Steps     []model.Step // what is executed, in this order
	Conflicts []Conflict
	Harmed    []Harm
	Missing   []model.Entry // references that don't exist
	Touched   []Touch       // of what carries the management connection; Touches finds them
	Unchanged int           // objects that are right

	told *Summary // of a plan without its changes; see Told
}

// Summary counts changes by what they do.
type Summary struct {
	Add, Change, Replace, Destroy, Adopt int
	Impact                               model.Impact // the worst
}

// Changes returns how many changes there are.
func (s Summary) Changes() int { return s.Add + s.Change + s.Replace + s.Destroy + s.Adopt }

// Summary counts the plan's changes.
func (p *Plan) Summary() Summary {
	if p.told != nil {
		return *p.told
	}
	var s Summary
	for _, c := range p.Changes {
		switch c.Action {
		case Create:
			s.Add++
		case Update:
			s.Change++
		case Replace:
			s.Replace++
		case Delete:
			s.Destroy++
		case Adopt:
			s.Adopt++
		}
		s.Impact = max(s.Impact, c.Impact)
	}
	return s
}

// Empty says whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 && p.told == nil }

// Told returns a plan that has the summary of p, and is empty only if p is, but has no
// changes and steps. Those of a large fleet are much to keep for who needs only that.
func (p *Plan) Told() *Plan {
	if p.Empty() {
		return p
	}
	s := p.Summary()
	return &Plan{Unchanged: p.Unchanged, told: &s}
}
