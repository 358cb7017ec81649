package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/journal"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// changing are the flags of the commands that change a host.
type changing struct {
	approve     bool
	allowHarm   bool
	allowMgmt   bool
	allowEmpty  bool
	destroys    bool // the command is destroy: the file need not have the node
	maxDestroy  string
	maxImpact   string
	plan        string
	lockTimeout time.Duration
}

func (f *changing) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.approve, "auto-approve", false, "don't ask before changing something")
	cmd.Flags().BoolVar(&f.allowHarm, "allow-harm", false, "go on although foreign objects go down with ours")
	cmd.Flags().BoolVar(&f.allowMgmt, "allow-mgmt", false, "go on although the default route or the SSH connection may be cut")
	cmd.Flags().StringVar(&f.maxDestroy, "max-destroy", "", "refuse a plan that deletes more objects than N, or than N% of those there are")
	cmd.Flags().StringVar(&f.maxImpact, "max-impact", "", "refuse a plan that does more harm to traffic: none, brief (flows may lose packets) or disruptive")
	cmd.Flags().DurationVar(&f.lockTimeout, "lock-timeout", 0, "how long to wait for another run on this host, such as 30s")
}

const applyHelp = `Brings this host to what the topology asks, by the changes that plan shows: new
things first, old ones last. When a step fails, those before it are undone. At the
end the host is looked at again; what still differs is an error.

Everything that is made carries this topology's mark. Marked objects that the
topology no longer asks for are deleted; nothing else is.

What carries the connection by which the host is managed (its default routes, and
the SSH connection that this was started from) is not touched without --allow-mgmt.

If the process dies on the way, the next apply finishes, whatever the point was; with
--recover it takes the interrupted run back instead.

Exit codes: 0 done, 1 error and nothing was changed, 3 a step failed and all is as
it was before, 4 look at the host, 5 the saved plan is stale and nothing was changed.`

func newApply(c *common) *cobra.Command {
	var f changing
	var adopt, undo bool
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Bring this host to what the topology asks",
		Long:  applyHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if undo {
				return c.recover(cmd.Context(), f)
			}
			return c.change(cmd.Context(), f, func(ctx context.Context, r *reconcile.Reconciler, o reconcile.ApplyOptions) (*reconcile.Result, error) {
				o.Adopt = adopt
				return r.Apply(ctx, o)
			})
		},
	}
	f.add(cmd)
	c.mgmtPeers(cmd)
	cmd.Flags().BoolVar(&adopt, "adopt", false, "take over foreign objects that have the right name and fit, without re-creating them")
	cmd.Flags().StringVar(&f.plan, "plan", "", "do what this saved plan says, without asking, and nothing else")
	cmd.Flags().BoolVar(&undo, "recover", false, "instead, take back what an interrupted run has done")
	allowEmpty(cmd, &f.allowEmpty)
	cmd.MarkFlagsMutuallyExclusive("plan", "adopt")
	cmd.MarkFlagsMutuallyExclusive("plan", "recover")
	return cmd
}

// change runs apply or destroy: the plan is shown, approved, executed, and what
// came of it told.
func (c *common) change(ctx context.Context, f changing, do func(context.Context, *reconcile.Reconciler, reconcile.ApplyOptions) (*reconcile.Result, error)) error {
	limit, err := reconcile.ParseLimit(f.maxDestroy)
	if err != nil {
		return fmt.Errorf("--max-destroy: %w", err)
	}
	var impact model.Opt[model.Impact]
	if f.maxImpact != "" {
		most, err := model.ParseImpact(f.maxImpact)
		if err != nil {
			return fmt.Errorf("--max-impact: %w", err)
		}
		impact = model.Some(most)
	}
	var saved *reconcile.SavedPlan
	if f.plan != "" {
		if saved, err = reconcile.ReadPlan(f.plan); err != nil {
			return err
		}
		f.approve = true // whoever saved it has read it
	}
	if !f.approve && !c.ui.asks {
		return errors.New("stdin is no terminal, so nobody can approve the plan; give --auto-approve to go on without asking")
	}
	r, err := c.openUnless(ctx, f.allowEmpty || f.destroys)
	if err != nil {
		return err
	}
	defer r.Close()
	shown := false
	res, err := do(ctx, r, reconcile.ApplyOptions{
		AllowHarm: f.allowHarm, AllowMgmt: f.allowMgmt, AllowEmpty: f.allowEmpty, MaxDestroy: limit, MaxImpact: impact, LockTimeout: f.lockTimeout, Interrupted: c.tellInterrupted, Saved: saved,
		Approve: func(res *reconcile.Result) (bool, error) {
			shown = true
			if err := c.showPlan(r, res, "text"); err != nil || f.approve {
				return err == nil, err
			}
			return c.ui.confirm(fmt.Sprintf("\nMake these changes on %s?", r.Node.Name))
		},
	})
	if res == nil {
		return err
	}
	c.log(r, res)
	if !shown {
		if err := c.showPlan(r, res, "text"); err != nil {
			return err
		}
	}
	if err != nil || !shown {
		return err
	}
	return render.Applied(c.ui.out, header(r), res.Plan, c.ui.options())
}

// tellInterrupted tells that an earlier run died.
func (c *common) tellInterrupted(rec *journal.Record) {
	c.ui.warn("the run of %s was interrupted after %d of its %d steps; this one goes on from what is there. To take it back instead: apply --recover",
		rec.Started.Format(time.RFC3339), rec.Count(journal.Done), len(rec.Steps))
}

// recover takes an interrupted run back.
func (c *common) recover(ctx context.Context, f changing) error {
	r, err := c.reopen()
	if err != nil {
		return err
	}
	defer r.Close()
	rec, err := r.Recover(ctx, reconcile.ApplyOptions{LockTimeout: f.lockTimeout})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.ui.out, "Taken back: the run of %s. %s is as it was before.\n", rec.Started.Format(time.RFC3339), r.Node.Name)
	return nil
}
