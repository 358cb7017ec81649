package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

func newConfirm(c *common) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "confirm",
		Short: "Keep what apply --confirm has done on this host",
		Long: `Keeps the change that apply --confirm made on this host. Without it, in time, the
change is taken back. It needs no topology: at most one change waits on a host.

Exit codes: 0 the change stays, 1 nothing waits to be confirmed, or it is too late.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			run, err := c.waiting()
			if err != nil {
				return err
			}
			if err := run.Confirm(cmd.Context(), timeout); err != nil {
				return err
			}
			fmt.Fprintf(c.ui.out, "Confirmed: the run of %s stays.\n", run.Started.Format(time.RFC3339))
			return nil
		},
	}
	lockTimeout(cmd, &timeout)
	return cmd
}

// waiting returns the run on this host that waits to be confirmed.
func (c *common) waiting() (*reconcile.Run, error) {
	runs, err := reconcile.Unfinished(c.place())
	if i := slices.IndexFunc(runs, func(r *reconcile.Run) bool { return r.Waiting() }); i >= 0 {
		return runs[i], nil
	}
	switch word := reconcile.LastWord(c.place()); {
	case err != nil:
		return nil, err
	case len(runs) > 0:
		return runs[0], nil // which says why it can't be confirmed
	case word != "":
		return nil, fmt.Errorf("nothing waits to be confirmed on this host: %s", word)
	}
	return nil, errors.New("nothing waits to be confirmed on this host")
}

// tellUnfinished tells of runs on this host that are not over.
func (c *common) tellUnfinished() {
	runs, err := reconcile.Unfinished(c.place())
	if err != nil {
		c.ui.warn("whether earlier runs on this host are over can't be told: %v", err)
	}
	for _, run := range runs {
		started := run.Started.Format(time.RFC3339)
		switch {
		case run.Attended:
			c.ui.warn("the run of %s is taken back at %s unless it is confirmed: netplan-overlay confirm", started, run.Until.Format(time.RFC3339))
		case run.Waiting():
			c.ui.warn("the run of %s was to be confirmed by %s, but the process that waited for that has died. To take it back: apply --recover; to keep it: netplan-overlay confirm",
				started, run.Until.Format(time.RFC3339))
		default:
			c.ui.warn("the run of %s was interrupted after %d of its %d steps. The next apply goes on from what is there; to take it back instead: apply --recover",
				started, run.Count(journal.Done), len(run.Steps))
		}
	}
}

// recover takes the run back that is not over. The topology only helps to tell which,
// where there are several.
func (c *common) recover(cmd *cobra.Command, timeout time.Duration) error {
	runs, err := reconcile.Unfinished(c.place())
	if err != nil && len(runs) == 0 {
		return err
	}
	topology := ""
	if t, _, err := c.readBy(spec.LoadEmpty); err == nil {
		topology = t.Name
	}
	run, err := reconcile.Choose(runs, topology, c.node)
	if err != nil {
		return err
	}
	if err := run.TakeBack(cmd.Context(), timeout); err != nil {
		return err
	}
	fmt.Fprintf(c.ui.out, "Taken back: the run of %s. %s is as it was before.\n", run.Started.Format(time.RFC3339), run.Node)
	return nil
}
