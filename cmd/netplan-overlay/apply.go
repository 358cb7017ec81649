package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
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
	phase       diff.Phase
	verify      bool
	confirm     time.Duration
}

func (f *changing) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.approve, "auto-approve", false, "don't ask before changing something")
	cmd.Flags().BoolVar(&f.allowHarm, "allow-harm", false, "go on although foreign objects go down with ours")
	cmd.Flags().BoolVar(&f.allowMgmt, "allow-mgmt", false, "go on although the default route or the SSH connection may be cut")
	cmd.Flags().DurationVar(&f.confirm, "confirm", 0, "take the change back unless netplan-overlay confirm comes within this time, such as 120s")
	cmd.Flags().StringVar(&f.maxDestroy, "max-destroy", "", "refuse a plan that deletes more objects than N, or than N% of those there are")
	cmd.Flags().StringVar(&f.maxImpact, "max-impact", "", "refuse a plan that does more harm to traffic: none, brief (flows may lose packets) or disruptive")
	lockTimeout(cmd, &f.lockTimeout)
}

func lockTimeout(cmd *cobra.Command, d *time.Duration) {
	cmd.Flags().DurationVar(d, "lock-timeout", 5*time.Second, "how long to wait for another run on this host; watch takes moments")
}

const applyHelp = `Brings this host to what the topology asks, by the changes that plan shows: new
things first, old ones last. When a step fails, those before it are undone. At the
end the host is looked at again (where a few routes, neighbours or FDB entries among
very many were changed, at these alone); what still differs is an error.

Everything that is made carries this topology's mark. Marked objects that the
topology no longer asks for are deleted; nothing else is.

What carries the connection by which the host is managed (its default routes, and
the SSH connection that this was started from) is not touched without --allow-mgmt.

If the process dies on the way, the next apply finishes, whatever the point was; with
--recover it takes the interrupted run back instead.

With --confirm, the change is taken back by itself, exactly, unless the command confirm
comes in time: also if this process or the SSH session dies. With --verify, it is taken
back if namespaces that reached each other before don't do so any more.

A change of the backend loses no packets if each node accepts the new way before any
node sends that way. For that, do it in three parts, each on all nodes before the next:
apply --phase prepare, apply --phase commit, and apply.

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
				return c.recover(cmd, f.lockTimeout)
			}
			return c.change(cmd.Context(), f, func(ctx context.Context, r *reconcile.Reconciler, o reconcile.ApplyOptions) (*reconcile.Result, error) {
				o.Adopt, o.Phase = adopt, f.phase
				return r.Apply(ctx, o)
			})
		},
	}
	f.add(cmd)
	c.mgmtPeers(cmd)
	cmd.Flags().BoolVar(&adopt, "adopt", false, "take over foreign objects that have the right name and fit, without re-creating them")
	cmd.Flags().StringVar(&f.plan, "plan", "", "do what this saved plan says, without asking, and nothing else")
	cmd.Flags().BoolVar(&undo, "recover", false, "instead, take back what an interrupted run has done")
	cmd.Flags().BoolVar(&f.verify, "verify", false, "take the change back if a pair of namespaces doesn't reach each other any more that did before")
	phase(cmd, &f.phase)
	allowEmpty(cmd, &f.allowEmpty)
	cmd.MarkFlagsMutuallyExclusive("plan", "adopt")
	cmd.MarkFlagsMutuallyExclusive("plan", "phase")
	cmd.MarkFlagsMutuallyExclusive("plan", "recover")
	return cmd
}

// maxConfirm is how long a change may wait to be confirmed.
const maxConfirm = 24 * time.Hour

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
	if f.confirm < 0 || f.confirm > maxConfirm {
		return fmt.Errorf("--confirm %v: it is a time of at most %v, such as 120s", f.confirm, maxConfirm)
	}
	var saved *reconcile.SavedPlan
	if f.plan != "" {
		if saved, err = reconcile.ReadPlan(f.plan); err != nil {
			return err
		}
		f.approve = true // whoever saved it has read it
		f.phase = saved.Phase
	}
	if !f.approve && !c.ui.asks {
		return errors.New("stdin is no terminal, so nobody can approve the plan; give --auto-approve to go on without asking")
	}
	if !f.destroys && c.filesAtHand() {
		c.ahead = reconcile.LockAhead(ctx, c.place())
		defer c.ahead.Close()
	}
	if !f.verify { // which asks for the others again
		c.whole = c.place().Whole(ctx, c.node)
	}
	r, err := c.openUnless(ctx, f.allowEmpty || f.destroys)
	if err != nil {
		return err
	}
	defer r.Close()
	r.Sparing = !f.verify
	changed := func() {} // tells that what was shown is not what is to be done any more
	res, err := do(ctx, r, reconcile.ApplyOptions{
		AllowHarm: f.allowHarm, AllowMgmt: f.allowMgmt, AllowEmpty: f.allowEmpty, MaxDestroy: limit, MaxImpact: impact, LockTimeout: f.lockTimeout, Saved: saved,
		Verify: f.verify, Confirm: reconcile.Confirm{Within: f.confirm, Guard: c.guard},
		Asks: !f.approve,
		Approve: func(res *reconcile.Result) (bool, error) {
			changed()
			changed = func() { fmt.Fprint(c.ui.out, "\nThe host has changed meanwhile. What is to be done now:\n\n") }
			if err := c.showPlan(header(r, f.phase), res, render.FormatText); err != nil {
				return false, err
			}
			ok := f.approve
			if !ok {
				var err error
				if ok, err = c.ui.confirm(ctx, fmt.Sprintf("\nMake these changes on %s?", r.Node.Name)); err != nil {
					return false, err
				}
			}
			outliveTerminal()
			return ok, nil
		},
	})
	if res == nil {
		return err
	}
	c.log(r, res)
	if !res.Shown {
		changed()
		if err := c.showPlan(header(r, f.phase), res, render.FormatText); err != nil {
			return err
		}
	}
	if err != nil || !res.Shown {
		return err
	}
	if err := render.Applied(c.ui.out, header(r, f.phase), res.Plan, c.ui.options()); err != nil || f.confirm == 0 {
		return err
	}
	fmt.Fprintf(c.ui.out, "It is taken back in %v, unless you confirm it: netplan-overlay confirm\n", f.confirm)
	return nil
}

// outliveTerminal lets a run that has begun go on when its terminal is lost, which it
// may have cut off itself.
func outliveTerminal() { signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE) }
