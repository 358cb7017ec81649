package main

import (
	"cmp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

func newPlan(c *common) *cobra.Command {
	var detailed, empty bool
	var opts diff.Options
	var out string
	var away elsewhere
	form := render.FormatText
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would change on this host; changes nothing",
		Long: `Reads this host's kernel, computes the difference to the topology, and prints
what apply would do, in which order things are grouped by what they are for:

  + create   ~ update in place   ± delete and create   - delete   = adopt

Only objects that carry this topology's mark are changed or deleted. Something
foreign in the place of a wanted object is a conflict; --adopt plans to take it
over. Reading other network namespaces needs CAP_SYS_ADMIN.

Elsewhere than on the host, plans of every node (or one, --node) are made from
  --base      another version of the file: for hosts that are as that one says
  --observed  snapshots, which observe --out has made on the hosts
  --ssh, --all-nodes  what observe tells on the hosts right now, by ssh

  netplan-overlay plan --base git:origin/main --detailed-exitcode
  netplan-overlay plan --observed snapshots/ --max-age 1h
  netplan-overlay plan --all-nodes --ssh-template 'root@{address}'

With --format iproute2, it prints a shell script of ip, bridge and sysctl commands
that do the same as apply, in the same order. There is none for a plan that apply
would refuse as it is.

Exit codes: 0 done, 1 error or conflict, on any node; with --detailed-exitcode also
2: there are changes, on any node.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if away.given() {
				return c.planElsewhere(cmd.Context(), away, elsewhereOptions{opts, form, detailed, empty, out})
			}
			if c.filesAtHand() {
				c.ahead = reconcile.LookAhead(cmd.Context(), c.place())
				defer c.ahead.Close()
			}
			c.whole = c.place().Whole(cmd.Context(), c.node)
			r, err := c.openUnless(cmd.Context(), empty)
			if err != nil {
				return err
			}
			defer r.Close()
			r.Sparing = true
			res, err := r.Plan(cmd.Context(), opts)
			if err != nil {
				return err
			}
			c.log(r, res)
			refused := cmp.Or(r.EmptyRefusal(res, reconcile.ApplyOptions{AllowEmpty: empty}),
				reconcile.Refusal(res.Plan, reconcile.ApplyOptions{AllowHarm: true, AllowMgmt: true}))
			if refused != nil && form == render.FormatScript {
				return refused // there must be nothing that somebody runs
			}
			if err := c.showPlan(header(r, opts.Phase), res, form); err != nil {
				return err
			}
			if refused != nil {
				return refused
			}
			if out != "" {
				if err := c.savePlan(r, res, opts, out); err != nil {
					return err
				}
			}
			if detailed && !res.Plan.Empty() {
				return exit(exitChanges)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 where there are changes")
	cmd.Flags().BoolVar(&opts.Adopt, "adopt", false, "plan to take over foreign objects that have the right name and fit")
	cmd.Flags().StringVar(&out, "out", "", "save the plan in this file; apply --plan then does just that, or nothing")
	away.flags(cmd)
	phase(cmd, &opts.Phase)
	allowEmpty(cmd, &empty)
	c.mgmtPeers(cmd)
	cmd.Flags().Var(&form, "format", "how the plan is printed: for people, for programs, as a comment on a pull request, for GitLab's plan widget")
	cmd.Flags().IntVar(&c.ui.maxBytes, "max-bytes", render.DefaultMaxBytes, "of --format markdown: what matters less is cut out beyond")
	return cmd
}

// filesAtHand says whether reading the topology waits for nobody: what a plan is about must
// not be much older than the plan.
func (c *common) filesAtHand() bool {
	paths, err := c.paths()
	return err == nil && !slices.Contains(paths, "-") && spec.AreFiles(paths)
}

// phase adds the flag --phase to a command.
func phase(cmd *cobra.Command, to *diff.Phase) {
	cmd.Flags().TextVar(to, "phase", diff.Whole, "a part of the change, to be made on all nodes before the next: prepare, then commit, then the rest without this flag")
}

func (c *common) savePlan(r *reconcile.Reconciler, res *reconcile.Result, o diff.Options, path string) error {
	p, err := r.Save(res, o, version())
	if err != nil {
		return err
	}
	return reconcile.WritePlan(path, p)
}

// showPlan prints a plan to stdout, and what expansion warns of to stderr.
func (c *common) showPlan(h render.Header, res *reconcile.Result, form render.PlanFormat) error {
	if res.Expansion != nil {
		for _, w := range res.Expansion.Warnings {
			c.ui.warn("%s", w)
		}
	}
	return render.Plans(c.ui.out, form, []render.NodePlan{{Header: h, Plan: res.Plan}}, c.ui.options())
}

// header says what a result is about.
func header(r *reconcile.Reconciler, p diff.Phase) render.Header {
	return render.Header{Topology: r.Topology.Name, Node: r.Node.Name, Files: r.Topology.Files, Phase: p}
}

// log tells how much was looked at and sent to the kernel.
func (c *common) log(r *reconcile.Reconciler, res *reconcile.Result) {
	c.ui.log().Debug("reconciled", "node", r.Node.Name, "observed", res.Observed.Len(), "changes", res.Plan.Summary().Changes(), "writes", r.Host.Writes())
}
