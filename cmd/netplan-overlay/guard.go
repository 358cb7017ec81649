package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/syslog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

// The guard of a run is a process of its own, started before the first step: this
// program once more, in a session of its own, without a terminal, and out of the reach
// of whatever ends the processes of an SSH session or a pipeline's job. Two pipes
// connect it with the process that executes the run: one tells that it is ready, the
// other ends when the run is left to it.

const (
	guardCommand = "guard-run"
	readyFD      = 3
	leftFD       = 4
)

// guard starts the guard of the run whose journal is in dir.
func (c *common) guard(dir string) (io.Closer, error) {
	ready, readyTo, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	leftFrom, left, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, readyTo.Close())
	}
	cmd, err := c.guardProcess(dir)
	if err == nil {
		cmd.ExtraFiles = []*os.File{readyTo, leftFrom}
		err = cmd.Start()
	}
	if err := errors.Join(err, readyTo.Close(), leftFrom.Close()); err != nil {
		return nil, errors.Join(err, left.Close())
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		return nil, errors.Join(fmt.Errorf("%s ended at once; the system's log has more", cmd), left.Close())
	}
	return left, cmd.Process.Release()
}

// guardProcess is this program, which may have been replaced on disk meanwhile.
func (c *common) guardProcess(dir string) (*exec.Cmd, error) {
	args := []string{guardCommand}
	for _, p := range []struct{ flag, path string }{{"", dir}, {"--netns-dir", c.netnsDir}, {"--run-dir", c.runDir}} {
		path, err := filepath.Abs(p.path)
		if err != nil {
			return nil, err
		}
		if p.flag != "" {
			args = append(args, p.flag)
		}
		args = append(args, path)
	}
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}

func newGuard(c *common) *cobra.Command {
	return &cobra.Command{
		Use:    guardCommand + " DIR",
		Short:  "Take a run back unless it is confirmed; started by apply --confirm",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE)
			ctx, stop := signal.NotifyContext(context.WithoutCancel(cmd.Context()), syscall.SIGTERM)
			defer stop()
			leaveSession()
			err := reconcile.Attend(ctx, c.place(), args[0], tellReady, untilLeft())
			if err != nil {
				c.logToSystem(err)
			}
			return err
		},
	}
}

// leaveSession moves this process out of the control group of the session or job that
// it was started in: systemd ends all that is in there (systemd.kill(5),
// KillUserProcesses in logind.conf(5)). Where that can't be done, nobody does so either.
func leaveSession() {
	for _, group := range []string{"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/systemd/cgroup.procs"} {
		if f, err := os.OpenFile(group, os.O_WRONLY, 0); err == nil {
			_, _ = f.WriteString("0") // this process
			f.Close()
		}
	}
}

func tellReady() error {
	f := os.NewFile(readyFD, "ready")
	defer f.Close()
	_, err := f.Write([]byte{'1'})
	return err
}

// untilLeft is closed when the process that executes the run has left it, or is dead.
func untilLeft() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f := os.NewFile(leftFD, "left")
		defer f.Close()
		_, _ = io.Copy(io.Discard, f) // to its end
	}()
	return done
}

// logToSystem tells an error where somebody will find it: nobody sees the guard.
func (c *common) logToSystem(err error) {
	w, e := syslog.New(syslog.LOG_DAEMON|syslog.LOG_ERR, "netplan-overlay")
	if e != nil {
		return // there is no log
	}
	defer w.Close()
	_ = w.Err(err.Error())
}
