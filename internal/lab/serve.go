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
	"syscall"
)

// listenerFD is where Spawn's child finds the lab's socket.
const listenerFD = 3

// Serve runs commands inside the lab for Exec, until ctx ends.
func (l *Lab) Serve(ctx context.Context) error {
	file := os.NewFile(listenerFD, "the lab's socket")
	listener, err := net.FileListener(file)
	if err != nil {
		return fmt.Errorf("open the lab's socket: %w", err)
	}
	file.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	go l.children.watch(ctx)
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
	ended := make(chan struct{})
	go relaySignals(in, cmd.Process.Pid, ended)
	err = l.children.wait(cmd)
	close(ended)
	var bad *exec.ExitError
	if err != nil && !errors.As(err, &bad) {
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
	uid, err := peerUser(conn)
	if err == nil && uid != 0 {
		err = errors.New("this lab belongs to another user")
	}
	return err
}

// peerUser returns the user ID of who is at the other end.
func peerUser(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, fmt.Errorf("ask who is at the other end: %w", err)
	}
	return int(cred.Uid), nil
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

// relaySignals sends the client's signals to the command's process group, until the
// command has ended; when the client is gone before, it ends the command.
func relaySignals(in *bufio.Reader, pid int, ended <-chan struct{}) {
	for {
		line, err := in.ReadBytes('\n')
		s := signalled{int(syscall.SIGKILL)}
		if err == nil && json.Unmarshal(line, &s) != nil {
			continue
		}
		select {
		case <-ended: // what it left in the background may stay
			return
		default:
			_ = syscall.Kill(-pid, syscall.Signal(s.Signal)) // it may end just now
		}
		if err != nil {
			return
		}
	}
}
