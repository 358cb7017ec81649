package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ErrBusy says that somebody has a file open for writing.
var ErrBusy = errors.New("somebody is writing it")

// ReadQuiet reads a file, at most limit bytes and one more, while nobody has it open for
// writing; where somebody has, the error is ErrBusy. What is read is never the half of
// what one writer writes before he closes the file.
//
// A lease keeps writers waiting in open(2) until the file is read, a few milliseconds
// (F_SETLEASE, fcntl_locking(2)). Where there are no leases, on network file systems and
// files of others, a file that changes while it is read is busy.
func ReadQuiet(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // gives up the lease
	leased, err := lease(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil || leased {
		return b, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, fmt.Errorf("read %s: %w", path, ErrBusy)
	}
	return b, nil
}

// lease takes a read lease, as far as there are leases.
func lease(f *os.File) (bool, error) {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EAGAIN):
		return false, ErrBusy
	}
	return false, nil // EACCES, EINVAL, ENOLCK: who may and where differs
}
