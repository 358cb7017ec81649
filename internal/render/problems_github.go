package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// maxAnnotations is how many annotations are made: GitHub shows ten of a step and a level.
const maxAnnotations = 10

// ProblemsGitHub writes problems as workflow commands, errors first: at most ten, and a
// notice of how many more there are.
func ProblemsGitHub(w io.Writer, problems []spec.Problem, dir string) error {
	var b strings.Builder
	l := worstFirst(problems)
	for _, p := range l[:min(len(l), maxAnnotations)] {
		fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", level(p), workflowProperty(plain(problemPath(p.Pos.File, dir))),
			max(1, p.Pos.Line), max(1, p.Pos.Column), workflowProperty(p.Code), workflowData(problemText(p)))
	}
	if more := len(l) - maxAnnotations; more > 0 {
		fmt.Fprintf(&b, "::notice::%d more not annotated; the log has them all\n", more)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// workflowData escapes the text of a workflow command.
func workflowData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// workflowProperty escapes a property of one.
func workflowProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(workflowData(s))
}
