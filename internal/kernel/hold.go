package kernel

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Who is responsible for a file holds it by a lock of an open file description
// (F_OFD_SETLKW, fcntl_locking(2)), which the kernel releases when its holder closes the
// file or dies, whatever of. To look who holds it takes no lock: those who look don't
// get into each other's way, nor into the holders'. One who writes holds the first byte,
// those who read hold the second one together.

// HoldToWrite holds a file that is open for writing.
func HoldToWrite(f *os.File) error { return hold(f, unix.F_WRLCK, 0) }

// HoldToRead holds a file that is open for reading.
func HoldToRead(f *os.File) error { return hold(f, unix.F_RDLCK, 1) }

func hold(f *os.File, kind int16, at int64) error {
	for {
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLKW, &unix.Flock_t{Type: kind, Start: at, Len: 1})
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		return nil
	}
}

// Held says whether anybody holds the file by another handle than this one.
func Held(f *os.File) (bool, error) {
	l := unix.Flock_t{Type: unix.F_WRLCK, Len: 2}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &l); err != nil {
		return false, fmt.Errorf("look who holds %s: %w", f.Name(), err)
	}
	return l.Type != unix.F_UNLCK, nil
}
