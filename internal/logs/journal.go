package logs

import (
	"fmt"
	"os"
	"syscall"
)

// IsJournal says whether a file is the one of which $JOURNAL_STREAM tells that it leads
// to systemd's journal (systemd.exec(5)): the variable is inherited, the file may have
// been redirected since.
func IsJournal(f *os.File, journalStream string) bool {
	var dev, ino uint64
	if n, _ := fmt.Sscanf(journalStream, "%d:%d", &dev, &ino); n != 2 {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Dev == dev && st.Ino == ino
}
