package main

import (
	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

func newNodes(c *common) *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List a topology's nodes, for scripts",
		Long: `Lists the nodes of a topology, a line each: the name, a tab, and the addresses on the
underlay with commas between. It needs no host.

Exit codes: 0 done, 1 error.`,
		Example: `  for n in $(netplan-overlay nodes | cut -f1); do ssh "$n" sudo netplan-overlay plan; done`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := checkFormat(form); err != nil {
				return err
			}
			t, err := c.load()
			if err != nil {
				return err
			}
			if form == "json" {
				return render.NodesJSON(c.ui.out, t)
			}
			return render.Nodes(c.ui.out, t)
		},
	}
	format(cmd, &form)
	return cmd
}
