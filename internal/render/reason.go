package render

import (
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
	return "adopted"
}

// reason says why a change is made, in a form that stands alone.
func reason(c *diff.Change) string {
	if c.Cause != (model.Key{}) {
		return caused(c)
	}
	switch c.Action {
	case diff.Create:
		return "not there"
	case diff.Update:
		return "differs"
	case diff.Replace:
		return "cannot change in place"
	case diff.Delete:
		return "no longer asked for"
	}
	return "adopted"
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
		return "adopted with " + c.Cause.String()
	}
	return "lost with " + c.Cause.String()
}
