package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// execPlan is what a process of the stage exec does; it reads it from planFD.
type execPlan struct {
	Host    Host
	Request request
}

const planFD = 3

// start starts the command inside the host: this program once more, which then
// arranges its mounts and becomes the command.
func (l *Lab) start(ctx context.Context, r request, files []*os.File) (*exec.Cmd, error) {
	at, err := l.find(r.Node)
	if err != nil {
		return nil, err
	}
	if len(r.Argv) == 0 {
		return nil, errors.New("there is no command to run")
	}
	h, err := kernel.Open(kernel.Options{Root: at.Root, NetnsDir: at.NetnsDir})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if err := hasNetns(ctx, h, r); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = []string{stageVar + "=" + stageExec}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[2]
	// In a session of its own, no terminal stops it for reading in the background.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Setsid: true}
	if err := hand(cmd, execPlan{Host: at, Request: r}, func() error { return l.children.start(cmd, func() error { return h.In(r.Netns, cmd.Start) }) }); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", r.Argv[0], r.Node, err)
	}
	return cmd, nil
}

// hand starts a process of the stage exec, and gives it its plan. That goes through a
// pipe: a variable holds no more than 128 KiB (execve(2)), and the plan has all of the
// client's in it.
func hand(cmd *exec.Cmd, p execPlan, start func() error) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	cmd.ExtraFiles = []*os.File{reader}
	if err := start(); err != nil {
		writer.Close()
		return err
	}
	go func() {
		defer writer.Close()
		_, _ = writer.Write(b) // a process that has ended needs none
	}()
	return nil
}

// hasNetns tells what namespaces a host has where it lacks the one that is asked for.
func hasNetns(ctx context.Context, h *kernel.Host, r request) error {
	if r.Netns == "" {
		return nil
	}
	all, err := h.Netns(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, n := range all {
		if n.Name == r.Netns {
			return nil
		}
		names = append(names, n.Name)
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no namespace %q, and no others", r.Node, r.Netns)
	}
	return fmt.Errorf("%s has no namespace %q; it has %s", r.Node, r.Netns, strings.Join(names, ", "))
}

func (l *Lab) find(node string) (Host, error) {
	var names []string
	for _, h := range l.hosts {
		if h.Node == node {
			return h, nil
		}
		names = append(names, h.Node)
	}
	return Host{}, fmt.Errorf("the lab has no node %q; it has %s", node, strings.Join(names, ", "))
}

// Stage must be called first thing by the program: a process that a lab started to
// become a command inside a host does so here, and never returns. wantRunDir is where
// the program keeps its run-time files on a real host.
func Stage(wantRunDir string) {
	if os.Getenv(stageVar) != stageExec {
		return
	}
	fmt.Fprintln(os.Stderr, "lab exec:", become(wantRunDir))
	os.Exit(127) // as shells tell that a command can't be run
}

// become turns this process into the command; it returns only an error.
func become(wantRunDir string) error {
	p, err := readPlan()
	if err != nil {
		return err
	}
	if err := kernel.EnterHost(p.Host.NetnsDir, p.Host.RunDir, wantRunDir); err != nil {
		return err
	}
	bin, err := ownProgram()
	if err != nil {
		return err
	}
	if err := os.Chdir(p.Request.Dir); err != nil {
		return err
	}
	os.Clearenv()
	for _, kv := range p.Request.Env {
		k, v, _ := strings.Cut(kv, "=")
		if err := os.Setenv(k, v); err != nil {
			return err
		}
	}
	path := os.Getenv("PATH") + ":/usr/sbin:/sbin:" + bin
	if err := errors.Join(os.Setenv("PATH", path), os.Setenv("NETPLAN_OVERLAY_NODE", p.Request.Node)); err != nil {
		return err
	}
	command, err := exec.LookPath(p.Request.Argv[0])
	if err != nil {
		return err
	}
	return syscall.Exec(command, p.Request.Argv, os.Environ())
}

func readPlan() (execPlan, error) {
	var p execPlan
	file := os.NewFile(planFD, "plan")
	defer file.Close()
	if err := json.NewDecoder(file).Decode(&p); err != nil {
		return p, fmt.Errorf("read what to run: %w", err)
	}
	return p, nil
}

// ownProgram returns a directory with the program itself in it, so that it is at hand
// inside also where it is not installed.
func ownProgram() (dir string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(base, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.Symlink(self, filepath.Join(dir, "netplan-overlay")); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return dir, nil
}
