package kernel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// socketMode lets root and its group connect to a socket.
const socketMode = 0o660

// backlog is how many connections may wait to be accepted.
const backlog = 64

// Listen makes a unix socket that root and its group may connect to, in the place of a
// former one: that nobody listens there any more is for the caller to know. Its
// permissions are right before anybody can connect.
func (d *Dir) Listen(name string) (net.Listener, error) {
	if err := errors.Join(CheckComponent(name), d.removeSocket(name)); err != nil {
		return nil, err
	}
	path := filepath.Join(d.path, name)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, pathError("make socket", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close() // the listener has a descriptor of its own
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: d.through(name)})
	if err == nil {
		err = unix.Fchmodat(d.fd, name, socketMode, 0)
	}
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		return nil, pathError("listen at", path, err)
	}
	return net.FileListener(f)
}

// Dial connects to a unix socket in the directory.
func (d *Dir) Dial(ctx context.Context, name string) (net.Conn, error) {
	if err := CheckComponent(name); err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", d.through(name))
	if err == nil {
		return conn, nil
	}
	if inner := (*net.OpError)(nil); errors.As(err, &inner) {
		err = inner.Err // it would name the way by /proc
	}
	if inner := (*os.SyscallError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return nil, pathError("connect to", filepath.Join(d.path, name), err)
}

// through is a path to a name in the directory as it is open. It is short, too: that of
// a socket has 107 bytes at most.
func (d *Dir) through(name string) string { return fmt.Sprintf("/proc/self/fd/%d/%s", d.fd, name) }

// removeSocket removes a socket, and nothing else.
func (d *Dir) removeSocket(name string) error {
	var st unix.Stat_t
	err := unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return pathError("look at", filepath.Join(d.path, name), err)
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return fmt.Errorf("%s is %s, not a socket: it is not replaced", filepath.Join(d.path, name), fileType(&st))
	}
	return d.Remove(name)
}
