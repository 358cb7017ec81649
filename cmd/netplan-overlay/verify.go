package main

import (
	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/verify"
)

func newVerify(c *common) *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Probe every namespace of every node from this host's namespaces",
		Long: `Sends echo requests from every network namespace that the topology has on this host
to every namespace of every node, and prints who is reached, how fast, and with how
large packets. The probes are the program's own; they need CAP_NET_RAW and
CAP_SYS_ADMIN.

Exit codes: 0 all are reached, 1 not all, or an error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(form); err != nil {
				return err
			}
			r, err := c.open(cmd.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			m, err := verify.Run(cmd.Context(), r.Host, r.Topology, r.Node, verify.Options{MTU: true})
			if err != nil {
				return err
			}
			return c.showMatrix(r.Topology.Name, m, form)
		},
	}
	format(cmd, &form)
	return cmd
}

// showMatrix prints who reaches whom; with a failed pair, the exit code says so.
func (c *common) showMatrix(topology string, m *model.Matrix, form string) error {
	var err error
	if form == "json" {
		err = render.MatrixJSON(c.ui.out, topology, m)
	} else {
		err = render.Matrix(c.ui.out, m, c.ui.options())
	}
	if err == nil && len(m.Failed()) > 0 {
		return exit(exitError)
	}
	return err
}
