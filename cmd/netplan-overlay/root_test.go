package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// A command that is there alone is the one that it is among all others; and each is called
// by the word that it is looked for by.
func TestRootForOneCommand(t *testing.T) {
	help := func(root *cobra.Command, name string) string {
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs([]string{name, "--help"})
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, c := range commands() {
		one := newRootFor(&common{ui: terminal()}, []string{c.name})
		if d := cmp.Diff(help(newRoot(&common{ui: terminal()}), c.name), help(one, c.name)); d != "" {
			t.Errorf("the help of %s (-among all +alone):\n%s", c.name, d)
		}
		if found, _, err := one.Find([]string{c.name}); err != nil || found.Name() != c.name {
			t.Errorf("%s leads to %v, %v", c.name, found, err)
		}
		if all, want := one.HasAvailableSubCommands() && len(one.Commands()) > 3, c.name == manCommand; all != want {
			t.Errorf("%s comes with all others: %v, want %v", c.name, all, want)
		}
	}
}

// Where the arguments don't begin with a command, all are there.
func TestRootForOthers(t *testing.T) {
	for _, args := range [][]string{nil, {"--node", "vm1", "plan"}, {"help", "plan"}, {"completion", "bash"}, {"__complete", "pl"}, {"nonesuch"}} {
		if got, want := len(newRootFor(&common{ui: terminal()}, args).Commands()), len(commands()); got != want {
			t.Errorf("%q: %d commands, want %d", args, got, want)
		}
	}
}
