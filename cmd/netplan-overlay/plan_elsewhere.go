package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// elsewhere are the flags of plans that are made without looking at this host.
type elsewhere struct {
	base     []string
	observed []string
	maxAge   time.Duration
	ssh      sshFlags
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
	cmd.Flags().StringArrayVar(&e.observed, "observed", nil, "don't look at this host: plan each node from its snapshot, a file of observe --out or a directory of such; repeatable")
	cmd.Flags().DurationVar(&e.maxAge, "max-age", time.Hour, "of snapshots: older ones are refused")
	e.ssh.flags(cmd)
}

// given says whether this host is not to be looked at.
func (e *elsewhere) given() bool { return len(e.ways()) > 0 }

// ways are the flags that were given of which only one makes sense.
func (e *elsewhere) ways() []string {
	var l []string
	if len(e.base) > 0 {
		l = append(l, "--base")
	}
	if len(e.observed) > 0 {
		l = append(l, "--observed")
	}
	if len(e.ssh.hosts) > 0 {
		l = append(l, "--ssh")
	}
	if e.ssh.all {
		l = append(l, "--all-nodes")
	}
	return l
}

// check refuses flags that contradict each other.
func (e *elsewhere) check(o elsewhereOptions) error {
	l := e.ways()
	switch {
	case len(l) > 1:
		return fmt.Errorf("%s: only one of them says what the topology is compared with; make a plan for each", strings.Join(l, " and "))
	case o.out != "":
		return fmt.Errorf("--out saves a plan that apply can do, and so it has to be made on the host: it does not go with %s", l[0])
	case o.form == render.FormatScript && len(e.base) > 0:
		return errors.New("--format iproute2 is a script for a host as it is, at which --base does not look; take --format text or markdown")
	}
	return nil
}

// planElsewhere prints the plans of nodes whose hosts are not looked at.
func (c *common) planElsewhere(ctx context.Context, e elsewhere, o elsewhereOptions) error {
	err := e.check(o)
	if err != nil {
		return err
	}
	var plans []render.NodePlan
	switch {
	case len(e.base) > 0:
		plans, err = c.planBase(ctx, e.base, o)
	case len(e.observed) > 0:
		plans, err = c.planObserved(ctx, e, o)
	default:
		return c.planBySSH(ctx, e.ssh, o)
	}
	if err != nil {
		return err
	}
	return c.showAll(plans, o)
}

// showAll prints plans, and returns the exit code for all.
func (c *common) showAll(plans []render.NodePlan, o elsewhereOptions) error {
	if o.form == render.FormatScript && slices.ContainsFunc(plans, func(n render.NodePlan) bool { return refusal(n) != nil }) {
		return c.verdict(plans, false) // there must be nothing that somebody runs
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
		changed = changed || n.Err == nil && !n.Plan.Empty()
		if err := refusal(n); err != nil {
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

// refusal returns why there is no plan of a node that could be executed, or nil.
func refusal(n render.NodePlan) error {
	if n.Err != nil {
		return n.Err
	}
	return reconcile.Refusal(n.Plan, reconcile.ApplyOptions{AllowHarm: true, AllowMgmt: true})
}
