// Command watch measures what "netplan-overlay watch" does: how soon it reacts, what it
// costs while nothing happens, and how it stands a storm. The README beside it tells how.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
)

func main() {
	runtime.LockOSThread() // children end with the thread that has started them
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := act(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// act does what the first argument says.
func act(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: watch latency|idle|storm [flags]")
	}
	switch name, args := args[0], args[1:]; name {
	case "keep":
		return keep(ctx, args[0], args[1])
	case "latency":
		return latencyCommand(ctx, args)
	case "idle":
		return idleCommand(ctx, args)
	case "storm":
		return stormCommand(ctx, args)
	}
	return fmt.Errorf("there is no %q", args[0])
}

func latencyCommand(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("latency", flag.ContinueOnError)
	tool := set.String("tool", "netplan-overlay", "the program, for polling")
	page := set.String("page", "", "write a page of the results into this file")
	quick := set.Bool("quick", false, "1,000 vxlan peers alone")
	peers := set.Int("peers", 0, "only hosts with that many peers")
	only := set.String("only", "", "only faults with this in their names")
	if err := set.Parse(args); err != nil {
		return err
	}
	list, load := worlds(*quick), loadAverage()
	list = slices.DeleteFunc(list, func(w world) bool { return *peers > 0 && w.Peers != *peers })
	if err := latency(ctx, *tool, list, *only); err != nil || *page == "" {
		return err
	}
	return os.WriteFile(*page, []byte(latencyPage(list, load)), 0o644)
}

// killGroup ends a command and what it has started.
func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
}

func contains(b []byte, text string) bool { return bytes.Contains(b, []byte(text)) }
