package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
)

// NodePlan is the plan of one node, or why there is none.
type NodePlan struct {
	Header Header
	Plan   *diff.Plan // nil where Err says why
	Err    error
}

// PlanFormat is a form in which plans are printed.
type PlanFormat string

// The forms of plans.
const (
	FormatText     PlanFormat = "text"
	FormatJSON     PlanFormat = "json"
	FormatMarkdown PlanFormat = "markdown" // for a comment on a pull request
	FormatGitLab   PlanFormat = "gitlab"   // for the widget of a merge request
	FormatScript   PlanFormat = "iproute2" // a shell script
)

// PlanFormats lists the forms, the usual one first.
func PlanFormats() []PlanFormat {
	return []PlanFormat{FormatText, FormatJSON, FormatMarkdown, FormatGitLab, FormatScript}
}

// String returns the name of the form.
func (f *PlanFormat) String() string { return string(*f) }

// Set takes the name of a form.
func (f *PlanFormat) Set(s string) error {
	if !slices.Contains(PlanFormats(), PlanFormat(s)) {
		return fmt.Errorf("it is one of %s", strings.ReplaceAll(f.Type(), "|", ", "))
	}
	*f = PlanFormat(s)
	return nil
}

// Type names the forms, for help: "text|json".
func (f *PlanFormat) Type() string {
	var l []string
	for _, x := range PlanFormats() {
		l = append(l, string(x))
	}
	return strings.Join(l, "|")
}

// Plans writes the plans of one node, or several, in a form.
func Plans(w io.Writer, f PlanFormat, plans []NodePlan, o Options) error {
	switch {
	case f == FormatMarkdown:
		return plansMarkdown(w, plans, o.MaxBytes)
	case f == FormatGitLab:
		return plansGitLab(w, plans)
	case f == FormatJSON && len(plans) == 1 && plans[0].Err == nil:
		return PlanJSON(w, plans[0].Header, plans[0].Plan)
	case f == FormatJSON:
		return plansJSON(w, plans)
	case f == FormatScript:
		return scripts(w, plans)
	case len(plans) == 1 && plans[0].Err == nil:
		return Plan(w, plans[0].Header, plans[0].Plan, o)
	}
	return plansText(w, plans, o)
}
