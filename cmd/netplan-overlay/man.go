package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// manualSection is that of the commands: they are for administrators.
const manualSection = 8

// manCommand is the name of the command that tells of all others.
const manCommand = "man"

func newMan(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   manCommand + " [PAGE]",
		Short: "Print a page of the manual, for man(1)",
		Long: `Prints a page of the manual, as make install and the packages put it in its place:

  netplan-overlay man netplan-overlay-apply.8 | man -l -

Without an argument, it lists the pages.

Exit codes: 0 done, 1 there is no such page.`,
		Hidden: true,
		Args:   cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pages, err := manual(cmd.Root())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				for _, m := range pages {
					fmt.Fprintf(c.ui.out, "%s.%d\n", m.Name, m.Section)
				}
				return nil
			}
			i := slices.IndexFunc(pages, func(m *render.Manual) bool { return fmt.Sprintf("%s.%d", m.Name, m.Section) == args[0] })
			if i < 0 {
				return fmt.Errorf("there is no page %q; see netplan-overlay man", args[0])
			}
			return render.WriteManual(c.ui.out, pages[i])
		},
	}
}

// manual returns all pages: one a command, and that of the topology file.
func manual(root *cobra.Command) ([]*render.Manual, error) {
	keys, err := schema.Topology()
	if err != nil {
		return nil, err
	}
	pages := []*render.Manual{render.KeysManual(keys, version())}
	var add func(cmd *cobra.Command)
	add = func(cmd *cobra.Command) {
		pages = append(pages, commandManual(cmd))
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() && sub.Name() != "help" && sub.Name() != "completion" {
				add(sub)
			}
		}
	}
	add(root)
	return pages, nil
}

func commandManual(cmd *cobra.Command) *render.Manual {
	m := &render.Manual{
		Name: strings.ReplaceAll(cmd.CommandPath(), " ", "-"), Section: manualSection, Version: version(),
		Summary: lowerFirst(cmd.Short), Synopsis: []string{cmd.UseLine()},
		Parts: []render.ManualPart{{Title: "description", Text: cmd.Long}},
	}
	if cmd.HasAvailableSubCommands() {
		m.Parts = append(m.Parts, subcommands(cmd))
		m.Synopsis = []string{cmd.CommandPath() + " COMMAND [flags]"}
	}
	for _, flags := range []struct {
		title string
		set   *pflag.FlagSet
	}{{"options", cmd.NonInheritedFlags()}, {"common options", cmd.InheritedFlags()}} {
		if terms := flagTerms(flags.set); len(terms) > 0 {
			m.Parts = append(m.Parts, render.ManualPart{Title: flags.title, Terms: terms})
		}
	}
	if cmd.Example != "" {
		m.Parts = append(m.Parts, render.ManualPart{Title: "examples", Text: cmd.Example})
	}
	if cmd.HasParent() {
		m.SeeAlso = append(m.SeeAlso, reference(cmd.Parent()))
	}
	m.SeeAlso = append(m.SeeAlso, "netplan-overlay.yaml(5)")
	return m
}

// subcommands lists the commands below one.
func subcommands(cmd *cobra.Command) render.ManualPart {
	p := render.ManualPart{Title: "commands"}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" && sub.Name() != "completion" {
			p.Terms = append(p.Terms, render.ManualTerm{Term: reference(sub), Text: sub.Short})
		}
	}
	return p
}

func reference(cmd *cobra.Command) string {
	return fmt.Sprintf("%s(%d)", strings.ReplaceAll(cmd.CommandPath(), " ", "-"), manualSection)
}

// flagTerms explains flags as --help does.
func flagTerms(set *pflag.FlagSet) []render.ManualTerm {
	var l []render.ManualTerm
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		term := "--" + f.Name
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		if value != "" {
			term += " " + strings.ToUpper(value)
		}
		l = append(l, render.ManualTerm{Term: term, Text: usage})
	})
	return l
}

// lowerFirst begins a text as the pages of man do.
func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
