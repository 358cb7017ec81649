package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

const validateHelp = `Checks a topology: its syntax, every name and value, and whether it makes sense
as a whole (overlapping subnets, duplicate addresses, names that the kernel would
refuse). All errors are told at once, each with its place. Warnings don't count,
but with --strict. "explain CODE" tells more about an error.

For pipelines there are, beside text and json:

  github   annotations, which --format auto chooses in GitHub Actions:
             netplan-overlay validate -f topology.yaml
  gitlab   a Code Quality report, for artifacts:reports:codequality:
             netplan-overlay validate -f topology.yaml --format gitlab >gl-code-quality.json
  sarif    for code scanning (github/codeql-action/upload-sarif):
             netplan-overlay validate -f topology.yaml --format sarif >validate.sarif

Exit codes: 0 valid, 1 not.`

func newValidate(c *common) *cobra.Command {
	var format string
	var strict bool
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check a topology; needs no privileges and no host",
		Long:  validateHelp,
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return c.validate(format, strict) },
	}
	cmd.Flags().StringVar(&format, "format", "auto", "text, json, github, gitlab, sarif, or auto: github in GitHub Actions, else text")
	cmd.Flags().BoolVar(&strict, "strict", false, "refuse warnings, too")
	return cmd
}

func (c *common) validate(format string, strict bool) error {
	if !slices.Contains([]string{"auto", "text", "json", "github", "gitlab", "sarif"}, format) {
		return fmt.Errorf("--format %q: it is text, json, github, gitlab, sarif or auto", format)
	}
	if format == "auto" {
		format = "text"
		if os.Getenv("GITHUB_ACTIONS") == "true" {
			format = "github"
		}
	}
	t, problems, err := c.read()
	var invalid *spec.InvalidError
	if err != nil && !errors.As(err, &invalid) {
		return err
	}
	if failed := c.tellProblems(format, problems); failed != nil {
		return failed
	}
	switch {
	case err != nil:
		return err
	case strict && len(problems) > 0:
		return fmt.Errorf("the topology has %s, which --strict refuses", count(len(problems), "warning"))
	case format == "text" || format == "github":
		fmt.Fprintf(c.ui.out, "Topology %s is valid: %s, backend %s.\n", t.Name, count(len(t.Nodes), "node"), t.Backend.Type)
	}
	return nil
}

// tellProblems writes the problems in a format; people read them on stderr.
func (c *common) tellProblems(format string, problems []spec.Problem) error {
	dir, _ := os.Getwd() // without it, paths stay as they were given
	switch format {
	case "json":
		return render.ProblemsJSON(c.ui.out, problems, dir)
	case "gitlab":
		return render.ProblemsGitLab(c.ui.out, problems, dir)
	case "sarif":
		return render.ProblemsSARIF(c.ui.out, problems, dir, version())
	}
	for _, p := range problems {
		fmt.Fprintln(c.ui.err, p)
	}
	if format == "github" {
		return render.ProblemsGitHub(c.ui.out, problems, dir)
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
