package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// elsewhere are the flags of plans that are made without looking at this host.
type elsewhere struct {
	base []string
}

// elsewhereOptions are the other flags of plan.
type elsewhereOptions struct {
	diff     diff.Options
	form     render.PlanFormat
	detailed bool
	empty    bool
	out      string
}

func (e *elsewhere) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&e.base, "base", nil, "don't look at this host: compare with another version of the topology, a file, a directory, git:REV:PATH, or git:REV for the same files; repeatable")
}

func (e *elsewhere) given() bool { return len(e.base) > 0 }

// planElsewhere prints the plans of nodes whose hosts are not looked at.
func (c *common) planElsewhere(ctx context.Context, e elsewhere, o elsewhereOptions) error {
	if o.out != "" {
		return errors.New("--out saves a plan that apply can do, and so it has to be made on the host: it does not go with --base")
	}
	plans, err := c.planBase(ctx, e.base, o)
	if err != nil {
		return err
	}
	if err := render.Plans(c.ui.out, o.form, plans, c.ui.options()); err != nil {
		return err
	}
	return c.verdict(plans, o.detailed)
}

// verdict tells which nodes have no plan, or one that cannot be executed, and returns the
// exit code for all.
func (c *common) verdict(plans []render.NodePlan, detailed bool) error {
	failed, changed := false, false
	for _, n := range plans {
		err := n.Err
		if err == nil {
			changed = changed || !n.Plan.Empty()
			err = reconcile.Refusal(n.Plan, reconcile.ApplyOptions{AllowHarm: true, AllowMgmt: true})
		}
		if err != nil {
			failed = true
			c.ui.tell("Error: node %s: %v", n.Header.Node, err)
		}
	}
	switch {
	case failed:
		return exit(exitError)
	case changed && detailed:
		return exit(exitChanges)
	}
	return nil
}
