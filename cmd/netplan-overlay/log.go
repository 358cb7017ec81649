package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/logs"
)

// logFormat adds the flag --log-format to a command that runs for long.
func logFormat(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "log-format", string(logs.Auto), "text, json, or auto: text on a terminal, else JSON; each change is told unless --log-level is given")
}

// runningLog returns the logger of a command that runs for long: it tells each change,
// unless --log-level was given, here or in the environment.
func (u *ui) runningLog(cmd *cobra.Command, format string) (*slog.Logger, error) {
	f, err := logs.ParseFormat(format)
	if err != nil {
		return nil, fmt.Errorf("--log-format %w", err)
	}
	o := logs.Options{Format: f, Level: slog.LevelInfo}
	if cmd.Flags().Changed("log-level") {
		if err := o.Level.UnmarshalText([]byte(u.level)); err != nil {
			return nil, fmt.Errorf("--log-level %q: %w", u.level, err)
		}
	}
	if file, ok := u.err.(*os.File); ok {
		o.Terminal = kernel.IsTerminal(file.Fd())
		o.Journal = logs.IsJournal(file, os.Getenv("JOURNAL_STREAM"))
	}
	return logs.New(u.err, o), nil
}
