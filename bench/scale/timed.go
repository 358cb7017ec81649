package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// timed runs a command within the host, and returns what it took and what it printed.
func (h *host) timed(ctx context.Context, command ...string) (sample, string, error) {
	return clocked(ctx, h, append([]string{"-n", h.root()}, command...)...)
}

// clocked runs a command by the clock, with the flags of that before it.
func clocked(ctx context.Context, h *host, args ...string) (sample, string, error) {
	var s sample
	file := h.path("clock")
	cmd := exec.CommandContext(ctx, filepath.Join(h.bin, "bench-clock"), append([]string{file}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := cmd.Run(); err != nil {
		return s, "", fmt.Errorf("%s: %w: %s%s", strings.Join(args, " "), err, end(out.String()), end(told.String()))
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return s, "", err
	}
	if _, err := fmt.Sscan(string(b), &s.Time, &s.User, &s.Sys, &s.Peak); err != nil {
		return s, "", fmt.Errorf("the clock has said %q: %w", b, err)
	}
	return s, out.String(), nil
}

// end is the last part of a text.
func end(s string) string { return s[max(0, len(s)-2000):] }

// program runs the program within the host.
func (h *host) program(ctx context.Context, file string, command ...string) (sample, string, error) {
	args := append([]string{filepath.Join(h.bin, "netplan-overlay")}, command...)
	return h.timed(ctx, append(args, "-f", file, "--node", node, "--netns-dir", h.inner(), "--run-dir", h.runDir())...)
}

// inside runs a command that prints its own nanoseconds, for how many objects, and those of
// the processors, and returns these.
func (h *host) inside(ctx context.Context, name string, args ...string) (sample, int, error) {
	_, out, err := h.timed(ctx, append([]string{filepath.Join(h.bin, name)}, args...)...)
	if err != nil {
		return sample{}, 0, err
	}
	var s sample
	var n int
	if _, err := fmt.Sscan(out, &s.Time, &n, &s.Sys); err != nil {
		return sample{}, 0, fmt.Errorf("%s has said %q: %w", name, out, err)
	}
	return s, n, nil
}
