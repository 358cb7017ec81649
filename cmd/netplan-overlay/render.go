package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

func newRender(c *common) *cobra.Command {
	var form string
	var assume bool
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Print the full expansion for a node: every object, and why",
		Long: `Prints every kernel object that the topology asks of a node, and every derived value
with the reason for it.

What depends on the host (the underlay device, its MTU, which peers are on the same
link) is read from this host where it is the node. Elsewhere, with --node, it is
assumed: the device eth0 with an MTU of 1500, nodes of one /24 or /64 on one link.

Exit codes: 0 done, 1 error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(form); err != nil {
				return err
			}
			t, err := c.load()
			if err != nil {
				return err
			}
			node, x, err := c.expand(cmd.Context(), t, assume)
			if err != nil {
				return err
			}
			h := render.Header{Topology: t.Name, Node: node.Name, Files: t.Files}
			for _, w := range x.Warnings {
				c.ui.warn("%s", w)
			}
			if form == "json" {
				return render.ExpansionJSON(c.ui.out, h, x)
			}
			return render.Expansion(c.ui.out, h, x, c.ui.options())
		},
	}
	cmd.Flags().BoolVar(&assume, "assume", false, "don't look at this host: assume the facts of the node's host")
	format(cmd, &form)
	return cmd
}

// expand expands the topology by the facts of this host, or by assumed ones where
// this host is not the node.
func (c *common) expand(ctx context.Context, t *spec.Topology, assume bool) (*spec.Node, *desired.Expansion, error) {
	if assume && c.node != "" {
		node, err := reconcile.SelectNode(t, c.node, reconcile.Host{})
		if err != nil {
			return nil, nil, err
		}
		x, err := desired.Expand(t, node, desired.Assume(t, node))
		return node, x, err
	}
	if assume {
		return nil, nil, fmt.Errorf("--assume needs --node: without looking at this host, nothing tells which node is meant")
	}
	r, err := reconcile.New(ctx, t, c.node, c.place())
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	here, err := r.Here(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !here {
		c.ui.warn("this host is not %s: its underlay is assumed", r.Node.Name)
		x, err := desired.Expand(t, r.Node, desired.Assume(t, r.Node))
		return r.Node, x, err
	}
	x, err := r.Expand(ctx)
	return r.Node, x, err
}
