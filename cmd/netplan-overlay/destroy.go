package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

func newDestroy(c *common) *cobra.Command {
	f := changing{destroys: true}
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "Remove everything from this host that carries the topology's mark",
		Long: `Removes everything from this host that carries the mark of this topology and node,
and gives sysctls back the values that they had before. What others made stays. The
topology need not have the node any more: then it is the one that --node names, or
whose mark the host has.

Exit codes: as for apply.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.change(cmd.Context(), f, func(ctx context.Context, r *reconcile.Reconciler, o reconcile.ApplyOptions) (*reconcile.Result, error) {
				return r.Destroy(ctx, o)
			})
		},
	}
	f.add(cmd)
	c.mgmtPeers(cmd)
	return cmd
}
