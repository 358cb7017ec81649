package main

import (
	"context"
	"io"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/guard"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

const guardCommand = "guard-run"

func newGuard(c *common) *cobra.Command {
	return &cobra.Command{
		Use:    guardCommand + " DIR",
		Short:  "Take a run back unless it is confirmed; started by apply --confirm",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var p guard.Process
			p.Settle()
			ctx, stop := signal.NotifyContext(context.WithoutCancel(cmd.Context()), syscall.SIGTERM)
			defer stop()
			err := reconcile.Attend(ctx, c.place(), args[0], p.Ready, p.Left())
			if err != nil {
				p.Log(err)
			}
			return err
		},
	}
}

// guard starts the guard of the run whose journal is in dir.
func (c *common) guard(dir string) (io.Closer, error) {
	paths := []string{dir, c.netnsDir, c.runDir}
	for i, p := range paths {
		var err error
		if paths[i], err = filepath.Abs(p); err != nil {
			return nil, err
		}
	}
	return guard.Start(guardCommand, paths[0], "--netns-dir", paths[1], "--run-dir", paths[2])
}
