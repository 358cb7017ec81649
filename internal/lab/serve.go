package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// listenerFD is where Spawn's child finds the lab's socket.
const listenerFD = 3

// execVar holds the plan of a process of the stage exec.
const execVar = "NETPLAN_OVERLAY_LAB_EXEC"

// Serve runs commands inside the lab for Exec, until ctx ends.
func (l *Lab) Serve(ctx context.Context) error {
	file := os.NewFile(listenerFD, "the lab's socket")
	listener, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("open the lab's socket: %w", err)
	}
	file.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the lab's socket: %w", err)
		}
		go l.serve(ctx, conn.(*net.UnixConn))
	}
}

// serve answers one client.
func (l *Lab) serve(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close()
	var a answer
	code, err := l.run(ctx, conn)
	a.Code = code
	if err != nil {
		a.Error = err.Error()
	}
	b, err := json.Marshal(a)
	if err != nil {
		return
	}
	_, _ = conn.Write(append(b, '\n')) // a client that is gone needs no answer
}

func (l *Lab) run(ctx context.Context, conn *net.UnixConn) (int, error) {
	if err := checkPeer(conn); err != nil {
		return 0, err
	}
	files, err := receiveFiles(conn)
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	in := bufio.NewReader(conn)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return 0, err
	}
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return 0, fmt.Errorf("read the request: %w", err)
	}
	cmd, err := l.start(ctx, r, files)
	if err != nil {
		return 0, err
	}
	go relaySignals(in, cmd.Process.Pid)
	err = cmd.Wait()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return 0, err
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), nil // as shells tell it
	}
	return status.ExitStatus(), nil
}

// checkPeer lets only the lab's own user in, who is root inside.
func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var cred *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return err
	}
	if cred.Uid != 0 {
		return errors.New("this lab belongs to another user")
	}
	return nil
}

// receiveFiles takes the client's stdin, stdout and stderr.
func receiveFiles(conn *net.UnixConn) ([]*os.File, error) {
	var b [1]byte
	oob := make([]byte, 256)
	_, n, _, _, err := conn.ReadMsgUnix(b[:], oob)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return nil, errors.New("the request came without stdin, stdout and stderr")
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
		files = append(files, os.NewFile(uintptr(fd), "client"))
	}
	if len(files) != 3 {
		return files, errors.New("the request came without stdin, stdout and stderr")
	}
	return files, nil
}

// start starts the command inside the host: this program once more, which then
// arranges its mounts and becomes the command.
func (l *Lab) start(ctx context.Context, r request, files []*os.File) (*exec.Cmd, error) {
	at, err := l.find(r.Node)
	if err != nil {
		return nil, err
	}
	plan, err := json.Marshal(execPlan{Host: at, Request: r})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = []string{stageVar + "=" + stageExec, execVar + "=" + string(plan)}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[2]
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Setpgid: true}
	h, err := kernel.Open(kernel.Options{Root: at.Root, NetnsDir: at.NetnsDir})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if err := hasNetns(ctx, h, r); err != nil {
		return nil, err
	}
	if err := h.In(r.Netns, cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s on %s: %w", r.Argv[0], r.Node, err)
	}
	return cmd, nil
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

// relaySignals sends the client's signals to the command's process group; when the
// client is gone, it ends the command.
func relaySignals(in *bufio.Reader, pid int) {
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			_ = syscall.Kill(-pid, syscall.SIGKILL) // it may have ended by itself
			return
		}
		var s signalled
		if json.Unmarshal(line, &s) == nil {
			_ = syscall.Kill(-pid, syscall.Signal(s.Signal))
		}
	}
}

// execPlan is what a process of the stage exec does.
type execPlan struct {
	Host    Host
	Request request
}

// Stage must be called first thing by the program: a process that a lab started to
// become a command inside a host does so here, and never returns.
func Stage(wantRunDir string) {
	if os.Getenv(stageVar) != stageExec {
		return
	}
	fmt.Fprintln(os.Stderr, "lab exec:", become(wantRunDir))
	os.Exit(127)
}

// become turns this process into the command; it returns only an error.
func become(wantRunDir string) error {
	var p execPlan
	if err := json.Unmarshal([]byte(os.Getenv(execVar)), &p); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := kernel.EnterHost(p.Host.NetnsDir, p.Host.RunDir, wantRunDir); err != nil {
		return err
	}
	// The program itself is at hand inside, also where it is not installed.
	bin := filepath.Join(base, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(self, filepath.Join(bin, "netplan-overlay")); err != nil && !errors.Is(err, os.ErrExist) {
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
