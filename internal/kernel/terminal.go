package kernel

import "golang.org/x/sys/unix"

// IsTerminal says whether the file descriptor is a terminal.
func IsTerminal(fd uintptr) bool {
	_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
	return err == nil
}
