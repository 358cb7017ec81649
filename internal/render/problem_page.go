package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// ProblemPage writes the page of a code.
func ProblemPage(w io.Writer, p spec.Page) error {
	if _, err := io.WriteString(w, problemPage(p)); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// ProblemPages writes the pages of all codes as one Markdown document.
func ProblemPages(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Errors and warnings of a topology\n\n`make golden` writes this page; `netplan-overlay explain NPO103` prints a part of it. Codes stay what they are. Those from\n" +
		"NPO900 on are warnings, which never block; `validate --strict` refuses them, too. Examples are pieces of a file.\n")
	for _, p := range spec.Pages() {
		b.WriteString("\n<a id=\"" + strings.ToLower(p.Code) + "\"></a>\n\n## " + problemPage(p))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func problemPage(p spec.Page) string {
	s := fmt.Sprintf("%s: %s\n\n%s\n", p.Code, p.Title, p.Text)
	if p.Wrong != "" {
		s += "\nWrong:\n\n```yaml\n" + dedented(p.Wrong) + "\n```\n"
	}
	if p.Right != "" {
		s += "\nRight:\n\n```yaml\n" + dedented(p.Right) + "\n```\n"
	}
	return s
}

// dedented takes the indentation of the first line from all lines, and what cannot be
// shown.
func dedented(s string) string {
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))]
	s = strings.TrimPrefix(strings.ReplaceAll(s, "\n"+indent, "\n"), indent)
	return strings.ToValidUTF8(s, "\ufffd")
}
