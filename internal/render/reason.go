package render

import (
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// verb says what happens to an object, after "because link vxlan1 is ...".
func verb(a diff.Action) string {
	switch a {
	case diff.Create:
		return "created"
	case diff.Update:
		return "changed"
	case diff.Replace:
		return "replaced"
	case diff.Delete:
		return "removed"
	}
	return "taken over"
}

// reason says why a change is made, in a form that stands alone.
func reason(c *diff.Change) string {
	if c.Cause != nil {
		return caused(c)
	}
	switch c.Action {
	case diff.Create:
		return "not there"
	case diff.Update:
		if onlyMarks(c.Differences()) {
			return "the mark is incomplete"
		}
		return attrNames(c.Differences(), false) + " differs"
	case diff.Replace:
		return attrNames(c.Differences(), true) + " cannot change in place"
	case diff.Delete:
		return "no longer asked for"
	}
	if onlyMarks(c.Differences()) {
		return "taken over as it is"
	}
	return "taken over; " + attrNames(c.Differences(), false) + " differs"
}

// caused is reason for a change that another one forces.
func caused(c *diff.Change) string {
	switch {
	case c.Implied && c.Action == diff.Create:
		return "comes with " + c.Cause.String()
	case c.Implied:
		return "goes with " + c.Cause.String()
	case c.Action == diff.Delete:
		return "makes room for " + c.Cause.String()
	case c.Action == diff.Update:
		return "changes with " + c.Cause.String()
	case c.Action == diff.Adopt:
		return "taken over with " + c.Cause.String()
	}
	return "lost with " + c.Cause.String()
}

// attrNames lists the attributes that differ, of which the fixed ones alone on
// request, without marks.
func attrNames(attrs []model.AttrChange, fixed bool) string {
	var l []string
	for _, a := range attrs {
		if !a.Mark && (a.Fixed || !fixed) {
			l = append(l, a.Name)
		}
	}
	return strings.Join(l, ", ")
}

// onlyMarks says whether nothing differs but who owns the object.
func onlyMarks(attrs []model.AttrChange) bool {
	return !slices.ContainsFunc(attrs, func(a model.AttrChange) bool { return !a.Mark })
}
