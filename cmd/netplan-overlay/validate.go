package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newValidate(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Check a topology; needs no privileges and no host",
		Long: `Checks a topology: its syntax, every name and value, and whether it makes sense
as a whole (overlapping subnets, duplicate addresses, names that the kernel would
refuse). All errors are told at once, each with its place. Warnings don't count.

Exit codes: 0 valid, 1 not.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t, problems, err := c.read()
			for _, p := range problems {
				fmt.Fprintln(c.ui.err, p)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(c.ui.out, "Topology %s is valid: %s, backend %s.\n", t.Name, count(len(t.Nodes), "node"), t.Backend.Type)
			return nil
		},
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
