package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
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
			run, err := reconcile.Unfinished(c.place())
			if err == nil && run == nil {
				err = errors.New("nothing waits to be confirmed on this host")
				if word := reconcile.LastWord(c.place()); word != "" {
					err = fmt.Errorf("%w: %s", err, word)
				}
			}
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

// tellUnfinished tells of a run on this host that is not over.
func (c *common) tellUnfinished() {
	run, err := reconcile.Unfinished(c.place())
	switch started := ""; {
	case err != nil:
		c.ui.warn("whether an earlier run on this host is over can't be told: %v", err)
	case run == nil:
	default:
		started = run.Started.Format(time.RFC3339)
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

// recover takes the run back that is not over.
func (c *common) recover(cmd *cobra.Command, timeout time.Duration) error {
	run, err := reconcile.Unfinished(c.place())
	if err != nil {
		return err
	}
	if run == nil {
		return errors.New("there is nothing to recover: no run on this host was interrupted or waits to be confirmed")
	}
	if err := run.TakeBack(cmd.Context(), timeout); err != nil {
		return err
	}
	fmt.Fprintf(c.ui.out, "Taken back: the run of %s. %s is as it was before.\n", run.Started.Format(time.RFC3339), run.Node)
	return nil
}
