package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// Lock is the right to change a host; one process at a time has it.
type Lock struct{ f *os.File }

// Acquire takes the lock of the root network namespace with the given inode; the
// lock lies in dir. It waits for another holder until the timeout has passed, and
// then names it. The kernel releases the lock when the process dies.
func Acquire(ctx context.Context, dir string, netns uint64, timeout time.Duration) (*Lock, error) {
	f, err := lockFile(dir, netns)
	if err != nil {
		return nil, fmt.Errorf("lock the host: %w", err)
	}
	deadline := time.Now().Add(timeout)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return held(f), nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock the host: %s: %w", f.Name(), err)
		}
		if !time.Now().Before(deadline) {
			holder := readHolder(f)
			f.Close()
			return nil, fmt.Errorf("another run holds the lock of this host: %s; wait for it, or give --lock-timeout", holder)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Try is Acquire for who could do without the lock: it makes no files, and waits for nobody.
// nil: somebody has the lock, or nobody ever had.
func Try(dir string, netns uint64) *Lock {
	d, err := kernel.OpenDir(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	f, err := d.OpenToWrite(lockName(netns))
	if err != nil {
		return nil
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		f.Close()
		return nil
	}
	return held(f)
}

func lockName(netns uint64) string { return fmt.Sprintf("lock-%d", netns) }

func lockFile(dir string, netns uint64) (*os.File, error) {
	d, err := kernel.MakeDir(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.OpenOrCreate(lockName(netns))
}

// held writes into the lock file who has it, for the message that others see.
func held(f *os.File) *Lock {
	who := fmt.Sprintf("process %d (%s)", os.Getpid(), strings.Join(os.Args, " "))
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(who), 0) // only a courtesy: the lock holds without it
	}
	return &Lock{f: f}
}

func readHolder(f *os.File) string {
	b := make([]byte, 512)
	n, _ := f.ReadAt(b, 0)
	if n == 0 {
		return "an unknown process"
	}
	return string(b[:n])
}

// Release gives the lock up.
func (l *Lock) Release() error { return l.f.Close() }
