package kernel

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// abroad runs f on a thread that f may take into other network namespaces, from one to
// the next. The thread comes back; where it can't, it ends with its goroutine. If it were
// left to end in there and was the process's first one, Go would keep it, and the
// namespace with it, for ever. f is told where it came from.
func abroad(f func(home *os.File) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open(ownNetns)
		if err != nil {
			done <- fmt.Errorf("find the own network namespace: %w", err)
			return
		}
		defer home.Close()
		err = f(home)
		if inodeOf(ownNetns) == inodeOf(handlePath(home)) || unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// tour is the way of one of abroad's threads through the namespaces of a host.
type tour struct {
	h    *Host
	home *os.File
	at   *space // nil at home
}

// in runs f in a namespace, and stays there.
func (t *tour) in(netns string, f func() error) error {
	s, err := t.h.space(netns)
	if err != nil {
		return err
	}
	if s.file == nil && t.at == nil { // at home nobody needs a right to enter
		return f()
	}
	if s != t.at {
		if err := s.enter(t.home); err != nil {
			return err
		}
		t.at = s
	}
	return f()
}

// tour runs f with a thread that visits namespaces.
func (h *Host) tour(f func(*tour) error) error {
	return abroad(func(home *os.File) error { return f(&tour{h: h, home: home}) })
}
