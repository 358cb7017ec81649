package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

func newGraph(c *common) *cobra.Command {
	var form render.GraphFormat
	var out string
	var plan bool
	var opts diff.Options
	var hosts int
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Draw a topology, or what apply would change",
		Long: `Draws a topology: hosts with their bridges, the namespaces on them, and the overlay
and underlay between the hosts, with all addresses. It needs no privileges and no host:
nodes of one /24 or /64 are taken to share a link.

  mermaid   a flowchart for Markdown; GitHub and GitLab show it between fences
  dot       for Graphviz
  svg       a picture that needs nothing from elsewhere, for light and dark screens

With --plan, this host's kernel is read as plan does, and what apply would change is in
colours and has a symbol:

  + create   ~ update in place   ± delete and create   - delete   = adopt   ! blocked

More than 100 hosts are not drawn, unless --max-hosts says otherwise: those first of
which something changes, and then how many more there are. Mermaid has fewer where the
text would be too long for GitHub.

Exit codes: 0 done, 1 error.`,
		Example: "  netplan-overlay graph --out topology.svg\n  netplan-overlay graph --format dot | dot -Tpdf > topology.pdf",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if form == "" {
				form = render.GraphFormatOf(out)
			}
			if hosts < 0 {
				return fmt.Errorf("--max-hosts %d: it is 0 or more", hosts)
			}
			draw := c.drawTopology
			if plan {
				draw = c.drawPlan
			}
			d, err := draw(cmd.Context(), opts)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := render.Graph(&b, form, d, hosts); err != nil {
				return err
			}
			return c.deliver(b.Bytes(), out)
		},
	}
	cmd.Flags().Var(&form, "format", "the form of the drawing (default: by the suffix of --out, else mermaid)")
	cmd.Flags().StringVarP(&out, "out", "o", "", "write this file, for its owner only, instead of stdout")
	cmd.Flags().BoolVar(&plan, "plan", false, "draw what apply would change on this host")
	cmd.Flags().BoolVar(&opts.Adopt, "adopt", false, "with --plan: plan to take over foreign objects that have the right name and fit")
	cmd.Flags().IntVar(&hosts, "max-hosts", 0, "draw at most so many hosts (default: 100)")
	return cmd
}

// drawTopology draws the file.
func (c *common) drawTopology(context.Context, diff.Options) (*render.Drawing, error) {
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
