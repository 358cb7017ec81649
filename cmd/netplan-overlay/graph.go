package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// grapher is what graph is told.
type grapher struct {
	form  render.GraphFormat
	out   string
	plan  bool
	base  []string
	opts  diff.Options
	hosts int
}

func newGraph(c *common) *cobra.Command {
	var g grapher
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Draw a topology, or what a change of it comes to",
		Long: `Draws a topology: hosts with their bridges, the namespaces on them, and the overlay
and underlay between the hosts, with all addresses. It needs no privileges and no host:
nodes of one /24 or /64 are taken to share a link.

  mermaid   a flowchart for Markdown; GitHub and GitLab show it between fences
  dot       for Graphviz
  svg       a picture that needs nothing from elsewhere, for light and dark screens

With --plan, this host's kernel is read as plan does, and what apply would change is in
colours and has a symbol; with --base, what changes on all nodes between two versions of
the file, as plan --base tells it:

  + create   ~ update in place   ± delete and create   - delete   = adopt   ! blocked

More than 100 hosts are not drawn, unless --max-hosts says otherwise: those first of
which something changes, and then how many more there are. Mermaid has fewer where the
text would be too long for GitHub.

Exit codes: 0 done, 1 error.`,
		Example: `  netplan-overlay graph --out topology.svg
  netplan-overlay graph --format dot | dot -Tpdf > topology.pdf
  netplan-overlay graph --base git:origin/main --out change.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.graph(cmd.Context(), g) },
	}
	cmd.Flags().Var(&g.form, "format", "the form of the drawing (default: by the suffix of --out, else mermaid)")
	cmd.Flags().StringVarP(&g.out, "out", "o", "", "write this file, for its owner only, instead of stdout")
	cmd.Flags().BoolVar(&g.plan, "plan", false, "draw what apply would change on this host")
	cmd.Flags().StringArrayVar(&g.base, "base", nil, "draw what changes since another version of the topology, a file, a directory, git:REV:PATH, or git:REV for the same files; repeatable")
	cmd.Flags().BoolVar(&g.opts.Adopt, "adopt", false, "with --plan: plan to take over foreign objects that have the right name and fit")
	cmd.Flags().IntVar(&g.hosts, "max-hosts", 0, "draw at most so many hosts (default: 100)")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(strings.Split(g.form.Type(), "|"), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

// graph draws what it is told to.
func (c *common) graph(ctx context.Context, g grapher) error {
	if g.form == "" {
		g.form = render.GraphFormatOf(g.out)
	}
	if g.hosts < 0 {
		return fmt.Errorf("--max-hosts %d: it is 0 or more", g.hosts)
	}
	d, err := c.drawing(ctx, g)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := render.Graph(&b, g.form, d, g.hosts); err != nil {
		return err
	}
	return c.deliver(b.Bytes(), g.out)
}

func (c *common) drawing(ctx context.Context, g grapher) (*render.Drawing, error) {
	switch {
	case g.plan && len(g.base) > 0:
		return nil, errors.New("--plan and --base: only one of them says what the topology is compared with; make a drawing for each")
	case g.opts.Adopt && !g.plan:
		return nil, errors.New("--adopt goes with --plan: it says what apply would do to what is on this host")
	case g.plan:
		return c.drawPlan(ctx, g.opts)
	case len(g.base) > 0:
		v, err := c.versions(ctx, g.base, false)
		if err != nil {
			return nil, err
		}
		plans, err := c.between(v)
		if err != nil {
			return nil, err
		}
		return render.DrawingOf(v.To, v.From, plans), nil
	}
	t, err := c.load()
	if err != nil {
		return nil, err
	}
	return render.DrawingOf(t, nil, nil), nil
}

// drawPlan draws what would change on this host.
func (c *common) drawPlan(ctx context.Context, o diff.Options) (*render.Drawing, error) {
	r, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	res, err := r.Plan(ctx, o)
	if err != nil {
		return nil, err
	}
	c.log(r, res)
	if res.Expansion != nil {
		for _, w := range res.Expansion.Warnings {
			c.ui.warn("%s", w)
		}
	}
	plans := []render.NodePlan{{Header: header(r, diff.Whole), Plan: res.Plan}}
	return render.DrawingOf(r.Topology, nil, plans), nil
}

// deliver prints a text, or writes it into the file out.
func (c *common) deliver(text []byte, out string) error {
	if out != "" {
		return reconcile.WriteNew(out, text, true)
	}
	if _, err := c.ui.out.Write(text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
