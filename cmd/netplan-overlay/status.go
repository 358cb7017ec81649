package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/monitor"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

const statusHelp = `Asks the process that watches this host (netplan-overlay watch, the service) how it is:
whether the host is as the topology says, since when, and by which revision; what is not
in force, left alone, or different, and what to do about it; the last change and why it was
made; whom probes reach. It looks at nothing itself: plan does.

The socket of that process is in --run-dir, for root and its group. It answers HTTP: the
same as JSON on /status, metrics for Prometheus on /metrics, and /healthz and /readyz.

Exit codes: 0 the host is as its files say, 2 it isn't: it differs, waits or fails, a
revision is not in force, or objects are left alone (the first lines say which; with
--format json, a line on stderr does), 1 nobody watches this host, or it could not be asked.
Peers that don't answer change no exit code.`

func newStatus(c *common) *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how this host is, as the process that watches it sees it",
		Long:  statusHelp,
		Example: `  netplan-overlay status
  netplan-overlay status -o json | jq -r '.held[]? | .object + ": " + .detail'
  curl -s --unix-socket /run/netplan-overlay/watch-*.sock http://localhost/metrics`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(form); err != nil {
				return err
			}
			return c.status(cmd.Context(), form)
		},
	}
	cmd.Flags().StringVarP(&form, "format", "o", "text", "text or json")
	return cmd
}

func (c *common) status(ctx context.Context, form string) error {
	netns, err := ownNetns()
	if err != nil {
		return err
	}
	s, err := monitor.Ask(ctx, c.runDir, netns)
	if err != nil {
		return err
	}
	if err := c.showStatus(s, form); err != nil {
		return err
	}
	troubles := s.Troubles()
	if len(troubles) == 0 {
		return nil
	}
	if form == "json" {
		c.ui.tell("%s", strings.Join(troubles, "; "))
	}
	return exit(exitChanges)
}

func (c *common) showStatus(s *status.Status, form string) error {
	if form == "json" {
		return render.StatusJSON(c.ui.out, s)
	}
	return render.Status(c.ui.out, s, c.ui.options())
}

// ownNetns identifies this host among those simulated on the machine.
func ownNetns() (id uint64, err error) {
	h, err := kernel.Open(kernel.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return h.ID()
}
