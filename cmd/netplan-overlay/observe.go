package main

import (
	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

func newObserve(c *common) *cobra.Command {
	var form string
	var shot snapshotFlags
	cmd := &cobra.Command{
		Use:   "observe",
		Short: "Print what this host's kernel has, and whose it is",
		Long: `Prints the links, addresses, routes, neighbours, FDB entries, sysctls and network
namespaces of this host as the planner sees them: ours (with this topology's mark),
of another topology, half-made by a run that died, foreign, or the kernel's own.

--out FILE writes all that the host has into a file instead, whatever a topology may ask
of it, for plan --observed elsewhere. No topology is needed for that.

Exit codes: 0 done, 1 error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(form); err != nil {
				return err
			}
			if shot.given() {
				return c.snapshot(cmd.Context(), shot)
			}
			r, err := c.open(cmd.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			state, err := r.Observe(cmd.Context())
			if err != nil {
				return err
			}
			h := header(r, diff.Whole)
			if form == "json" {
				return render.ObservationJSON(c.ui.out, h, state)
			}
			return render.Observation(c.ui.out, h, state, c.ui.options())
		},
	}
	format(cmd, &form)
	shot.flags(cmd)
	return cmd
}
