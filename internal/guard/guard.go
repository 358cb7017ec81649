// Package guard starts the process that guards a run, and lets that process speak with
// the one that executes the run.
//
// The guard is this program once more, in a session of its own, without a terminal, and
// out of the reach of whatever ends the processes of an SSH session or a pipeline's job.
// Two pipes connect the two: one tells that the guard is ready, the other ends when the
// run is left to it, because the other process needs it no more, or is dead.
package guard

import (
	"errors"
	"fmt"
	"io"
	"log/syslog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

const (
	readyFD = 3
	leftFD  = 4
)

// Start starts this program with the arguments, and returns when it is ready. To close
// what it returns leaves the run to it.
func Start(args ...string) (io.Closer, error) {
	ready, readyTo, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	leftFrom, left, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, readyTo.Close())
	}
	cmd := exec.Command("/proc/self/exe", args...) // its file may be another one by now
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{readyTo, leftFrom}
	if err := errors.Join(cmd.Start(), readyTo.Close(), leftFrom.Close()); err != nil {
		return nil, errors.Join(err, left.Close())
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		return nil, errors.Join(errors.New("it ended at once; the system's log has more"), left.Close())
	}
	return left, cmd.Process.Release()
}

// Process is the guard's side.
type Process struct{}

// Settle makes this process independent of what it was started from.
func (Process) Settle() {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE)
	kernel.LeaveControlGroup()
}

// Ready tells the other process that the run is guarded.
func (Process) Ready() error {
	f := os.NewFile(readyFD, "ready")
	if f == nil {
		return errors.New("nobody waits for the guard: it is started by apply --confirm")
	}
	defer f.Close()
	if _, err := f.Write([]byte{'1'}); err != nil {
		return fmt.Errorf("tell that the run is guarded: %w", err)
	}
	return nil
}

// Left is closed when the run is left to the guard.
func (Process) Left() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f := os.NewFile(leftFD, "left")
		defer f.Close()
		_, _ = io.Copy(io.Discard, f) // to its end
	}()
	return done
}

// Log tells an error where somebody will find it: nobody sees the guard.
func (Process) Log(err error) {
	w, e := syslog.New(syslog.LOG_DAEMON|syslog.LOG_ERR, "netplan-overlay")
	if e != nil {
		return // there is no log
	}
	defer w.Close()
	_ = w.Err(err.Error())
}
