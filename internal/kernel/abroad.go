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
// namespace with it, for ever.
func abroad(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open(ownNetns)
		if err != nil {
			done <- fmt.Errorf("find the own network namespace: %w", err)
			return
		}
		defer home.Close()
		err = f()
		if inodeOf(ownNetns) == inodeOf(handlePath(home)) || unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}
