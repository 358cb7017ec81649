// Command netplan-overlay joins the container networks of many Linux hosts, as one
// topology file says: a plan to review, an apply that changes only what differs.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/lab"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

// garbage is how much may lie beside what is in use, in percent, before it is collected.
// Go's own 100 takes a fifth more memory for large fleets; less of it would cost time.
const garbage = 33

// early is what holds until something was collected: for the first time that is when the heap
// has grown to this part of 4 MiB (https://go.dev/doc/gc-guide), to which the heap of a small
// fleet never grows. To collect again and again on the way there would take a fifth of the
// time.
const early = 300

// collectLate lets garbage lie, as far as nobody has said how much.
func collectLate() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(early)
	first := new([32]byte) // nobody needs it: it is among the first that is collected
	runtime.AddCleanup(first, func(percent int) { debug.SetGCPercent(percent) }, garbage)
}

func main() {
	collectLate()
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
