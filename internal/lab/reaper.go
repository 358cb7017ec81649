package lab

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// reaper waits for processes that commands left behind when they ended: the sandbox's
// first process inherits them (pid_namespaces(7)).
type reaper struct {
	mu  sync.Mutex
	own map[int]bool // processes that are waited for by who started them
}

// start starts a command by the given function; it must be waited for with wait.
func (r *reaper) start(cmd *exec.Cmd, start func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := start(); err != nil {
		return err
	}
	if r.own == nil {
		r.own = map[int]bool{}
	}
	r.own[cmd.Process.Pid] = true
	return nil
}

func (r *reaper) wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	r.mu.Lock()
	delete(r.own, cmd.Process.Pid)
	r.mu.Unlock()
	r.sweep() // which may have stopped at this one
	return err
}

// watch sweeps whenever a child ends, until ctx does.
func (r *reaper) watch(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			r.sweep()
		}
	}
}

func (r *reaper) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		pid, ok := kernel.EndedChild()
		if !ok || r.own[pid] {
			return
		}
		if _, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err != nil {
			return
		}
	}
}
