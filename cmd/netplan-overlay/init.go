package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// schemaFile is where init puts the schema, beside the topology.
const schemaFile = ".netplan-overlay.schema.json"

// starter is what init is told.
type starter struct {
	name, backend string
	nodes         []string
	out, schema   string
	force         bool
}

func newInit(c *common) *cobra.Command {
	var s starter
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first topology file",
		Long: `Writes a topology to begin with: each node has a bridge and a namespace, in a subnet of
its own. It is valid, and can be tried at once with lab test.

With --out, the schema is written beside it as ` + schemaFile + `, which the
first line of the topology names: editors with the YAML language server complete and
check the file by it. Both files can be read by their owner only, and go into Git like
others. A file that is there already is not replaced, unless with --force.

Exit codes: 0 done, 1 error; nothing was replaced.`,
		Example: "  netplan-overlay init > topology.yaml\n  netplan-overlay init -o topology.yaml --name campus --backend host-gw --nodes rack1=10.0.0.11,rack2=10.0.0.12",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return c.start(s) },
	}
	cmd.Flags().StringVar(&s.name, "name", "example", "the topology's name")
	cmd.Flags().StringVar(&s.backend, "backend", spec.VXLAN, "vxlan, ipip or host-gw")
	cmd.Flags().StringSliceVar(&s.nodes, "nodes", nil, "the hosts, as NAME=ADDRESS,...; the same name twice for an IPv4 and an IPv6 address (default: two, as an example)")
	cmd.Flags().StringVarP(&s.out, "out", "o", "", "write this file, and the schema beside it (default: print the topology)")
	cmd.Flags().StringVar(&s.schema, "schema", "", "write the schema into this file instead, or leave the one there if it is the same")
	cmd.Flags().BoolVar(&s.force, "force", false, "replace files that are there")
	_ = cmd.RegisterFlagCompletionFunc("backend", cobra.FixedCompletions([]string{spec.VXLAN, spec.IPIP, spec.HostGW}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

// start prints a first topology, or writes it and the schema.
func (c *common) start(s starter) error {
	nodes, err := starterNodes(s.nodes)
	if err != nil {
		return err
	}
	place, err := s.seenFrom()
	if err != nil {
		return err
	}
	text, err := spec.Starter{Name: s.name, Backend: s.backend, Nodes: nodes, Schema: place}.Text()
	if err != nil {
		return fmt.Errorf("make a topology: %w", err)
	}
	if err := s.write(text); err != nil {
		return err
	}
	if s.out != "" {
		c.ui.tell("Wrote %s. Next: netplan-overlay validate -f %s", s.out, s.out)
		return nil
	}
	if _, err := fmt.Fprint(c.ui.out, text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// starterNodes reads NAME=ADDRESS; the addresses of a name belong to one node.
func starterNodes(given []string) ([]spec.StarterNode, error) {
	var l []spec.StarterNode
	at := map[string]int{}
	for _, g := range given {
		name, address, ok := strings.Cut(g, "=")
		if !ok || name == "" || address == "" {
			return nil, fmt.Errorf("--nodes %q: a node is NAME=ADDRESS, such as vm1=192.168.32.11", g)
		}
		i, known := at[name]
		if !known {
			i = len(l)
			at[name] = i
			l = append(l, spec.StarterNode{Name: name})
		}
		l[i].Addresses = append(l[i].Addresses, address)
	}
	return l, nil
}

// seenFrom returns the schema's file as the topology's names it.
func (s starter) seenFrom() (string, error) {
	if s.schema == "" {
		return schemaFile, nil
	}
	dir, err := filepath.Abs(filepath.Dir(s.out)) // the working directory, where there is none
	if err != nil {
		return "", fmt.Errorf("find the schema from the topology: %w", err)
	}
	file, err := filepath.Abs(s.schema)
	if err != nil {
		return "", fmt.Errorf("find the schema from the topology: %w", err)
	}
	place, err := filepath.Rel(dir, file)
	if err != nil {
		return "", fmt.Errorf("find the schema from the topology: %w", err)
	}
	return place, nil
}

// write writes the files that were asked for, if none of them is in the way.
func (s starter) write(topology string) error {
	if s.schema == "" && s.out != "" {
		s.schema = filepath.Join(filepath.Dir(s.out), schemaFile)
	}
	if _, err := os.Lstat(s.out); s.out != "" && err == nil && !s.force {
		return there(s.out)
	}
	text, _ := schema.Text(schema.TopologyName)
	for _, f := range []struct {
		path string
		text []byte
	}{{s.schema, text}, {s.out, []byte(topology)}} {
		if f.path == "" {
			continue
		}
		err := reconcile.WriteNew(f.path, f.text, s.force)
		if errors.Is(err, fs.ErrExist) {
			return there(f.path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func there(path string) error {
	return fmt.Errorf("%s is there already; --force replaces it", path)
}
