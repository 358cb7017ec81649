package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// stageVar tells a process that this program started what it is to be.
const stageVar = "NETPLAN_OVERLAY_LAB_STAGE"

const (
	stageSandbox = "sandbox" // the one inside, which builds the lab
	stageExec    = "exec"    // about to become a command inside a host
)

// Inside says whether this process is the one in the sandbox, where it is the first
// one. The variable alone is not believed: on the machine itself, building a lab would
// hide its /run.
func Inside() bool { return os.Getenv(stageVar) == stageSandbox && os.Getpid() == 1 }

// Spawn runs this program with the same arguments in a new sandbox, and returns its
// exit code. name is the lab's; with serve, Exec finds it by that. input is stdin.
func Spawn(ctx context.Context, name string, serve bool, input []byte) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find the own program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), stageVar+"="+stageSandbox)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), os.Stdout, os.Stderr
	cmd.SysProcAttr = namespaces()
	if serve {
		file, err := listen(name)
		if err != nil {
			return 0, err
		}
		defer file.Close()
		cmd.ExtraFiles = []*os.File{file}
	}
	return wait(cmd)
}

// wait starts the command and waits for it on one thread: the kernel kills the child
// when the thread that started it ends (PR_SET_PDEATHSIG, prctl(2)).
func wait(cmd *exec.Cmd) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		for _, no := range []syscall.Errno{syscall.EPERM, syscall.ENOSPC, syscall.EUSERS, syscall.EINVAL} {
			if errors.Is(err, no) { // what clone(2) says to whoever may not
				return 0, &kernel.SandboxError{Err: no}
			}
		}
		return 0, fmt.Errorf("start the sandbox: %w", err)
	}
	err := cmd.Wait()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) && !errors.Is(err, context.Canceled) {
		return 0, fmt.Errorf("the sandbox: %w", err)
	}
	code := cmd.ProcessState.ExitCode()
	if code < 0 {
		return 0, fmt.Errorf("the sandbox was ended by %v", cmd.ProcessState)
	}
	return code, nil
}

// namespaces are what the sandbox has of its own; for whoever lacks the privileges,
// a user namespace gives them. As process 1 of a PID namespace, the child takes all
// others along when it dies.
func namespaces() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	if len(kernel.MissingCapabilities()) > 0 || os.Geteuid() != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return a
}

// socketName is where a running lab listens: an abstract socket, which leaves no file
// behind (unix(7)).
func socketName(name string) string { return fmt.Sprintf("@%s%s", socketPrefix(), name) }

func socketPrefix() string { return fmt.Sprintf("netplan-overlay-lab/%d/", os.Geteuid()) }

// listen opens the lab's socket, outside: it stays reachable there while the process
// in the sandbox accepts.
func listen(name string) (*os.File, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketName(name), Net: "unix"})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("a lab of the topology %s is running already; end it, or use it: netplan-overlay lab exec NODE -- COMMAND", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open the lab's socket: %w", err)
	}
	defer l.Close()
	return l.File()
}
