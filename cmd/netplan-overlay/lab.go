package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/lab"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

const labHelp = `Runs a whole topology on this machine: each node becomes a network namespace with an
underlay interface that is named and addressed as the file says, and is then brought
to what the topology asks, as apply would. Nodes that share a /24 (or an IPv6 /64)
are on one link; between others there is a router.

It needs neither root, where the kernel lets users make namespaces, nor Docker or
images. Nothing on this machine is touched, and nothing is left behind.`

func newLab(c *common) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run a whole topology on this machine, without root",
		Long:  labHelp,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLabTest(c), newLabUp(c), newLabExec(c))
	return cmd
}

func newLabTest(c *common) *cobra.Command {
	var form string
	var change trial
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Bring the topology up, print who reaches whom, and take it down",
		Long: labHelp + `

Prints round-trip times between all namespaces, and the path MTU that was seen.` + trialHelp + `

Exit codes: 0 every pair is reachable, and no change was worse than announced; 1 else,
or an error.`,
		Example: `  netplan-overlay lab test -f topology.yaml
  netplan-overlay lab test -f topology.yaml --from git:origin/main:topology.yaml --max-impact brief`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(form); err != nil {
				return err
			}
			most, err := change.check()
			if err != nil {
				return err
			}
			before, err := c.before(cmd.Context(), change)
			if err != nil {
				return err
			}
			return c.inSandbox(cmd.Context(), false, func(ctx context.Context, t *spec.Topology) error {
				if before != nil {
					return c.try(ctx, change, before, t, form, most)
				}
				l, err := lab.Build(ctx, t, c.converge(t))
				if err != nil {
					return err
				}
				m, err := l.Verify(ctx)
				if err != nil {
					return err
				}
				return c.showMatrix(t.Name, m, form)
			})
		},
	}
	format(cmd, &form)
	change.add(cmd)
	return cmd
}

func newLabUp(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Bring the topology up and keep it until Ctrl-C",
		Long: labHelp + `

While it runs, commands can be run inside it from another terminal, with
"netplan-overlay lab exec".

Exit codes: 0 it was ended, 1 error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.inSandbox(cmd.Context(), true, func(ctx context.Context, t *spec.Topology) error {
				l, err := lab.Build(ctx, t, c.converge(t))
				if err != nil {
					return err
				}
				c.invite(t)
				return l.Serve(ctx)
			})
		},
	}
}

// invite says what can be done with a running lab.
func (c *common) invite(t *spec.Topology) {
	n := t.Nodes[0]
	fmt.Fprintf(c.ui.err, "The lab of %s is up, with %s. Ctrl-C ends it. From another terminal:\n", t.Name, count(len(t.Nodes), "node"))
	fmt.Fprintf(c.ui.err, "  netplan-overlay lab exec %s -- ip address\n", n.Name)
	if len(n.Namespaces) > 0 {
		fmt.Fprintf(c.ui.err, "  netplan-overlay lab exec %s/%s -- ip route\n", n.Name, n.Namespaces[0].Name)
	}
	fmt.Fprintf(c.ui.err, "  netplan-overlay lab exec %s -- netplan-overlay plan -f FILE\n", n.Name)
}

func newLabExec(c *common) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec NODE[/NAMESPACE] [--] COMMAND [ARGUMENT...]",
		Short: "Run a command inside a running lab",
		Long: `Runs a command on a node of a running lab, or in one of its network namespaces: ip,
bridge, tcpdump, a shell, or netplan-overlay itself, which there takes the simulated
host for its own. With several labs running, -f says which is meant.

Exit codes: those of the command; 1 where it could not be run.`,
		Example: "  netplan-overlay lab exec vm1 -- bridge fdb show dev vxlan1\n  netplan-overlay lab exec vm1/ns245 -- ping 172.246.0.2",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(c.files) > 0 {
				t, err := c.load()
				if err != nil {
					return err
				}
				name = t.Name
			}
			command := args[1:]
			if command[0] == "--" {
				command = command[1:]
			}
			if len(command) == 0 {
				return errors.New("there is no command to run; see netplan-overlay lab exec --help")
			}
			code, err := lab.Exec(name, args[0], command)
			if err != nil {
				return err
			}
			if code != 0 {
				return exit(code)
			}
			return nil
		},
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// inSandbox runs f in a sandbox: this process starts itself again in one, and only
// passes on the exit code.
func (c *common) inSandbox(ctx context.Context, serve bool, f func(context.Context, *spec.Topology) error) error {
	if lab.Inside() {
		t, _, err := c.read() // its problems were told outside
		if err != nil {
			return err
		}
		return f(ctx, t)
	}
	var input []byte
	if slices.Contains(c.files, "-") {
		var err error
		if input, err = io.ReadAll(c.ui.in); err != nil {
			return fmt.Errorf("read the topology from stdin: %w", err)
		}
		c.ui.in = bytes.NewReader(input)
	}
	t, err := c.load()
	if err != nil {
		return err
	}
	code, err := lab.Spawn(ctx, t.Name, serve, input)
	if err == nil && code != 0 {
		return exit(code)
	}
	return err
}

// converge is the ordinary pipeline, for a simulated host.
func (c *common) converge(t *spec.Topology) lab.Converge {
	return func(ctx context.Context, h lab.Host) error {
		r, err := reconcile.New(ctx, t, h.Node, reconcile.Place{Root: h.Root, NetnsDir: h.NetnsDir, RunDir: h.RunDir, Trace: c.trace})
		if err != nil {
			return err
		}
		defer r.Close()
		res, err := r.Apply(ctx, reconcile.ApplyOptions{})
		if res != nil && res.Expansion != nil {
			for _, w := range res.Expansion.Warnings {
				c.ui.warn("%s: %s", h.Node, w)
			}
		}
		return err
	}
}
