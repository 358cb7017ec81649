package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

func newSchema(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [NAME]",
		Short: "Print the JSON Schema of the topology file",
		Long: `Prints a JSON Schema (draft-07): that of the topology file, or the one that is named.
Editors complete and check a topology by it; so does every validator of JSON Schema.
What only makes sense of the file as a whole, validate checks.

` + schemaList() + `

A file whose first line is

  # yaml-language-server: $schema=.netplan-overlay.schema.json

is checked by editors with the YAML language server. init writes such a file, and the
schema beside it.

Exit codes: 0 done, 1 there is no schema of the name.`,
		Example:           "  netplan-overlay schema > .netplan-overlay.schema.json",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeSchema,
		RunE: func(_ *cobra.Command, args []string) error {
			name := schema.TopologyName
			if len(args) > 0 {
				name = args[0]
			}
			text, ok := schema.Text(name)
			if !ok {
				return fmt.Errorf("there is no schema %q; there is %s", name, strings.Join(schemaNames(), ", "))
			}
			if _, err := c.ui.out.Write(text); err != nil {
				return fmt.Errorf("write output: %w", err)
			}
			return nil
		},
	}
}

// schemaList says what schemas there are, a line each.
func schemaList() string {
	l, _ := schema.List() // they are built in, and tested
	var lines []string
	for _, s := range l {
		lines = append(lines, fmt.Sprintf("  %-15s %s", s.Name, s.Title))
	}
	return strings.Join(lines, "\n")
}

func schemaNames() []string {
	l, _ := schema.List() // they are built in, and tested
	var names []string
	for _, s := range l {
		names = append(names, s.Name)
	}
	return names
}

func completeSchema(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return schemaNames(), cobra.ShellCompDirectiveNoFileComp
}
