package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/lab"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// trial is the flags of lab test that try a change.
type trial struct {
	from      []string
	phases    bool
	every     time.Duration
	maxImpact string
}

const trialHelp = `

With --from, the topology is brought up as it was before, and then changed to the one of
-f, one node after the other, while packets flow between all pairs of namespaces that
both have. What was lost belongs to the node that was being changed: it must not be worse
than its plan announces.`

func (f *trial) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.from, "from", nil, "the topology before: a file, a directory, or git:REV:PATH; tries the change under traffic")
	cmd.Flags().BoolVar(&f.phases, "phases", false, "with --from: change all nodes in three parts, as apply --phase does")
	cmd.Flags().DurationVar(&f.every, "interval", 0, "with --from: time between two packets of a pair (default 10ms, or more where there are many pairs)")
	cmd.Flags().StringVar(&f.maxImpact, "max-impact", "", "with --from: fail if the impact is worse, announced or measured: none, brief or disruptive")
}

// check refuses flags that mean nothing together.
func (f *trial) check() (most model.Opt[model.Impact], err error) {
	if len(f.from) == 0 && (f.phases || f.every != 0 || f.maxImpact != "") {
		return most, errors.New("--phases, --interval and --max-impact are about a change: give the topology before with --from")
	}
	if f.every < 0 || f.every > 0 && f.every < time.Millisecond || f.every > time.Minute {
		return most, fmt.Errorf("--interval %v: it is a time from 1ms to 1m", f.every)
	}
	if f.maxImpact != "" {
		i, err := model.ParseImpact(f.maxImpact)
		if err != nil {
			return most, fmt.Errorf("--max-impact: %w", err)
		}
		most = model.Some(i)
	}
	return most, nil
}

// before reads the topology before; nil where none is given. What is wrong with it is told
// once, outside of the sandbox.
func (c *common) before(ctx context.Context, f trial) (*spec.Topology, error) {
	if len(f.from) == 0 {
		return nil, nil
	}
	if slices.Contains(f.from, "-") {
		return nil, errors.New("--from -: name a file, a directory or git:REV:PATH; stdin is for -f")
	}
	if lab.Inside() {
		told := c.ui.err
		c.ui.err = io.Discard
		defer func() { c.ui.err = told }()
	}
	sources, err := c.baseSources(ctx, f.from)
	if err != nil {
		return nil, err
	}
	return c.parseBase(sources, strings.Join(f.from, ", "), &spec.Topology{})
}

// try tries a change in the sandbox.
func (c *common) try(ctx context.Context, f trial, from, to *spec.Topology, form string, most model.Opt[model.Impact]) error {
	if len(from.Nodes) == 0 {
		from.Name = to.Name // there was none
	}
	t, err := lab.Try(ctx, lab.Attempt{From: from, To: to, Converge: c.converge(from), Change: c.changeTo(from, to), Phases: f.phases, Every: f.every})
	if err != nil {
		return err
	}
	if n := t.Judge(); n > 0 {
		return fmt.Errorf("%d packets were lost before anything was changed: this machine is too busy to try a change; give a longer --interval", n)
	}
	if form == "json" {
		err = render.TrialJSON(c.ui.out, to.Name, t, most)
	} else {
		err = render.Trial(c.ui.out, t, most, c.ui.options())
	}
	if err == nil && t.Fails(most) {
		return exit(exitError)
	}
	return err
}

// changeTo is the ordinary pipeline, for a host that has another topology.
func (c *common) changeTo(from, to *spec.Topology) lab.Change {
	return func(ctx context.Context, h lab.Host, phase diff.Phase) (*diff.Plan, error) {
		place := reconcile.Place{Root: h.Root, NetnsDir: h.NetnsDir, RunDir: h.RunDir, Trace: c.trace}
		t, destroy := to, false
		if _, err := reconcile.SelectNode(to, h.Node, reconcile.Host{}); err != nil {
			t, destroy = from, true
		}
		r, err := reconcile.New(ctx, t, h.Node, place)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		o := reconcile.ApplyOptions{Phase: phase, AllowEmpty: true}
		var made *diff.Plan
		o.Approve = func(res *reconcile.Result) (bool, error) { made = res.Plan; return true, nil }
		run := r.Apply
		if destroy {
			run = r.Destroy
		}
		res, err := run(ctx, o)
		if err == nil && made == nil {
			made = res.Plan
		}
		return made, err
	}
}
