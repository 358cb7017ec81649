package render

import (
	"encoding/json"
	"fmt"
	"io"
)

// gitlabDocument is what GitLab's widget for plans reads of a merge request's artifacts
// (reports: terraform).
type gitlabDocument struct {
	Create int `json:"create"`
	Update int `json:"update"`
	Delete int `json:"delete"`
}

// plansGitLab writes how much the plans change in all. A replacement is a deletion and a
// creation, as it is in the recipe that GitLab gives for Terraform; taking an object over
// is an update. A plan that could not be made is an error: its numbers would be wrong.
func plansGitLab(w io.Writer, plans []NodePlan) error {
	for _, n := range plans {
		if n.Err != nil {
			return fmt.Errorf("node %s: %w", n.Header.Node, n.Err)
		}
	}
	s := sumOf(plans)
	b, err := json.Marshal(gitlabDocument{Create: s.Add + s.Replace, Update: s.Change + s.Adopt, Delete: s.Destroy + s.Replace})
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s\n", b); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
