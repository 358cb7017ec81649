package monitor

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// SocketName is the name, in the run directory, of the socket on which the process is
// asked that watches a host: that of the root network namespace with the inode.
func SocketName(netns uint64) string { return fmt.Sprintf("watch-%d.sock", netns) }

// socket is the one of this host. A file beside it is locked as long as its process
// lives: so a socket that a killed one has left can be told from one that answers.
type socket struct {
	dir      *kernel.Dir
	name     string
	lock     *os.File
	listener net.Listener
}

// openSocket makes the socket, in the place of one that nobody listens on any more.
func openSocket(runDir, name string) (*socket, error) {
	d, err := kernel.MakeDir(runDir)
	if err != nil {
		return nil, fmt.Errorf("make the socket: %w", err)
	}
	s := &socket{dir: d, name: name}
	if err := s.claim(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	l, err := d.Listen(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the socket: %w", err), s.Close())
	}
	s.listener = l
	return s, nil
}

// claim takes the lock; the kernel gives it back however the process ends.
func (s *socket) claim() error {
	f, err := s.dir.OpenOrCreate(s.name + ".lock")
	if err != nil {
		return fmt.Errorf("lock the socket: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(f, 64)) // only a courtesy
		f.Close()
		return fmt.Errorf("another process watches this host already: process %q; netplan-overlay status asks it", holder)
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintf(f, "%d", os.Getpid())
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("lock the socket: %w", err)
	}
	s.lock = f
	return nil
}

// Close removes the socket where it is this process's, and then gives the lock back.
func (s *socket) Close() error {
	var errs []error
	if s.listener != nil {
		errs = append(errs, s.dir.Remove(s.name))
		if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close()) // its file stays: removing it could let two processes have it
	}
	return errors.Join(append(errs, s.dir.Close())...)
}

// listenTCP listens at an address, of which nothing may be left out but the host.
func listenTCP(address string) (net.Listener, error) {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return nil, fmt.Errorf("listen at %q: it is an address and a port, as in 127.0.0.1:9101 or [::1]:9101", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", address, err)
	}
	return l, nil
}
