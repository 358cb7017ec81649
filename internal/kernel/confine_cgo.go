package kernel

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ConfineFirst is Confine for the beginning of a program. Where that was linked with
// cgo, it starts itself anew, with the same arguments: what one thread has given up
// before, all of them lack afterwards. Then, what Keep has is in the bounding set, too.
func ConfineFirst(c Confinement) error {
	err := Confine(c)
	if !errors.Is(err, ErrCgo) {
		return err
	}
	have, err := ownCapabilities()
	if err != nil {
		return fmt.Errorf("find out the own capabilities: %w", err)
	}
	if c.Heirs != 0 && have.effective&CapSetPCap == 0 {
		return ErrCgo // root would have the whole bounding set again
	}
	runtime.LockOSThread() // until it is another program, or ends
	if err := shrink(have.permitted&(c.Keep|c.Heirs), have, c.Heirs == 0); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	err = syscall.Exec("/proc/self/exe", os.Args, os.Environ())
	return fmt.Errorf("start this program anew, without capabilities: %w; build it with CGO_ENABLED=0", err)
}

// shrink leaves the calling thread, and the program that it becomes, some of the
// capabilities that it has.
func shrink(keep Capabilities, have sets, last bool) error {
	prctl := func(option int, a, b uintptr) error { return unix.Prctl(option, a, b, 0, 0) }
	if have.effective&CapSetPCap != 0 {
		set, err := boundingSet()
		if err != nil {
			return err
		}
		if err := eachOf(set&^keep, func(n uintptr) error { return prctl(unix.PR_CAPBSET_DROP, n, 0) }); err != nil {
			return err
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := userData(keep, keep, keep)
	if err := unix.Capset(&header, &data[0]); err != nil {
		return err
	}
	// For a user who isn't root: only what is ambient outlives execve(2).
	if err := eachOf(keep, func(n uintptr) error { return prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, n) }); err != nil {
		return err
	}
	if last {
		return prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0)
	}
	return nil
}
