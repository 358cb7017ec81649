// Command netplan-overlay joins the container networks of many Linux hosts, as one
// topology file says: a plan to review, an apply that changes only what differs.
package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/garbage"
	"github.com/netplan-overlay/netplan-overlay/internal/lab"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

func main() {
	if slices.Contains(os.Args, "destroy") {
		garbage.CollectSooner()
	} else {
		garbage.CollectLate()
	}
	lab.Stage(reconcile.DefaultRunDir)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], terminal()))
}

// run executes one command and returns the exit code.
func run(ctx context.Context, args []string, ui *ui) int {
	c := &common{ui: ui}
	root := newRootFor(c, args)
	if err := c.confine(args); err != nil {
		return ui.exitCode(err)
	}
	root.SetArgs(args)
	root.SetIn(ui.in)
	root.SetOut(ui.out)
	root.SetErr(ui.err)
	return ui.exitCode(root.ExecuteContext(ctx))
}
