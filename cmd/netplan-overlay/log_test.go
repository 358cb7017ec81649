package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// A command that runs for long tells each change, unless it is told not to.
func TestRunningLog(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string // what is logged of a debug, an info and a warning; or the error
	}{
		{nil, `"info" "warn" `},
		{[]string{"--log-level", "warn"}, `"warn" `},
		{[]string{"--log-level", "debug"}, `"debug" "info" "warn" `},
		{[]string{"--log-format", "xml"}, `--log-format "xml": it is auto, text or json`},
	} {
		var b bytes.Buffer
		u := &ui{err: &b, level: "warn"}
		var format string
		cmd := &cobra.Command{Use: "x"}
		cmd.Flags().StringVar(&u.level, "log-level", "warn", "")
		logFormat(cmd, &format)
		if err := cmd.ParseFlags(tc.args); err != nil {
			t.Fatal(err)
		}
		l, err := u.runningLog(cmd, format)
		if err != nil {
			if err.Error() != tc.want {
				t.Errorf("%v: %v, want %s", tc.args, err, tc.want)
			}
			continue
		}
		u.running = l
		u.log().Debug("debug")
		u.log().Info("info")
		u.log().Warn("warn")
		got := ""
		for line := range strings.Lines(b.String()) {
			_, msg, _ := strings.Cut(line, `"msg":`)
			got += strings.Trim(msg, "}\n") + " "
		}
		if got != tc.want {
			t.Errorf("%v: %s, want %s", tc.args, got, tc.want)
		}
	}
}
