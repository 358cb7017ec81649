package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

func newExplain(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [PATH | CODE]",
		Short: "Explain a key of the topology file, or the code of an error",
		Long: `Explains a key of the topology file: what it is, what may stand there, what it is
where the file doesn't say, and how that is derived; with an example. Without an
argument, it lists all keys.

A path is that of errors and of render; the names in it may be left out:
nodes.vm1.bridges.br0.mtu is nodes.bridges.mtu.

A code is what errors of a topology end with, such as NPO103: it explains that error,
with an example.

Exit codes: 0 done, 1 there is no such key, or no such code.`,
		Example:           "  netplan-overlay explain\n  netplan-overlay explain nodes.address\n  netplan-overlay explain nodes.vm1.bridges.br0.mtu\n  netplan-overlay explain NPO103",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeKey,
		RunE: func(_ *cobra.Command, args []string) error {
			root, err := schema.Topology()
			switch {
			case err != nil:
				return err
			case len(args) == 0:
				return render.Keys(c.ui.out, root, c.ui.options())
			case isErrorCode(args[0]):
				return explainCode(c.ui.out, args[0], c.ui.options())
			}
			return c.explainKey(root, args[0])
		},
	}
}

var errorCode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?i:NPO)[0-9]+$`) })

// isErrorCode says whether an argument is the code of an error, such as NPO103, and no
// path.
func isErrorCode(arg string) bool { return errorCode().MatchString(arg) }

// explainKey prints what there is to say of a key.
func (c *common) explainKey(root *schema.Key, path string) error {
	k, err := root.Find(path)
	var unknown *schema.UnknownError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w%s", err, hintTo(unknown))
	}
	if err != nil {
		return err
	}
	last := path[strings.LastIndex(path, ".")+1:]
	if near := spec.Nearest(last, k.Names()); k.Free && near != "" && last != k.Name {
		c.ui.tell("%q is taken for the name of a %s; did you mean %s.%s?", last, strings.ToLower(k.Name), k.Path, near)
	}
	return render.Key(c.ui.out, k, c.ui.options())
}

// hintTo says which key was meant, or which there are.
func hintTo(e *schema.UnknownError) string {
	names := e.In.Names()
	switch near := spec.Nearest(e.Step, names); {
	case near != "":
		return fmt.Sprintf("; did you mean %q?", near)
	case len(names) > 0:
		return "; its keys are " + strings.Join(names, ", ")
	}
	return ""
}

// completeKey offers the keys to the shell, level by level.
func completeKey(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	root, err := schema.Topology()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if begun != "" && strings.HasPrefix("NPO", begun[:min(3, len(begun))]) {
		return completeCode(begun), cobra.ShellCompDirectiveNoFileComp
	}
	at, before := root, ""
	if i := strings.LastIndex(begun, "."); i >= 0 {
		before = begun[:i+1]
		if at, err = root.Find(begun[:i]); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
	if len(at.Keys) == 1 && at.Keys[0].Free {
		at = at.Keys[0]
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	var l []string
	for _, k := range at.Keys {
		name := before + k.Name
		if !k.Free && strings.HasPrefix(name, begun) {
			l = append(l, name+"\t"+render.Summary(k))
			if len(k.Keys) > 0 {
				directive |= cobra.ShellCompDirectiveNoSpace
			}
		}
	}
	return l, directive
}
