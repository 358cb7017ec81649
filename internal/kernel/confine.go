package kernel

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capabilities is a set of capabilities(7), a bit each.
type Capabilities uint64

// The capabilities that some command needs.
const (
	CapNetAdmin      Capabilities = 1 << unix.CAP_NET_ADMIN       // links, addresses, routes, neighbours, FDB entries
	CapNetRaw        Capabilities = 1 << unix.CAP_NET_RAW         // probes
	CapSysAdmin      Capabilities = 1 << unix.CAP_SYS_ADMIN       // to enter and make namespaces, and mount their files
	CapKill          Capabilities = 1 << unix.CAP_KILL            // signals to programs that have become another user
	CapSetPCap       Capabilities = 1 << unix.CAP_SETPCAP         // to empty the bounding set
	CapDACReadSearch Capabilities = 1 << unix.CAP_DAC_READ_SEARCH // to read the files of whoever uses sudo
	CapDACOverride   Capabilities = 1 << unix.CAP_DAC_OVERRIDE    // to write into a directory of theirs

	AllCapabilities = ^Capabilities(0)
)

// Confinement says what a process can still do. The zero value is nothing that
// needs a capability.
type Confinement struct {
	Keep  Capabilities // of those that it has
	Heirs Capabilities // what programs that it starts can have; 0: it starts none
}

// Confine gives up every other capability, for ever, on every thread. A process that
// starts no programs also gives up what set-user-ID programs and root's own could gain
// (PR_SET_NO_NEW_PRIVS, and an empty bounding set). To call it again, for less, is fine.
//
// What Heirs has stays permitted, and only Keep is effective: a program that had more
// than the process that started it would lose its parent-death signal (commit_creds,
// kernel/cred.c), and with it a lab would outlive the terminal.
//
// It fails with ErrCgo in a program that was linked with cgo and has something to give up.
func Confine(c Confinement) error {
	have, err := ownCapabilities()
	if err != nil {
		return fmt.Errorf("find out the own capabilities: %w", err)
	}
	if linkedWithCgo() {
		if have.permitted&^(c.Keep|c.Heirs) == 0 {
			return nil
		}
		return ErrCgo
	}
	if have.effective&CapSetPCap != 0 {
		if err := emptyBounding(c.Heirs); err != nil {
			return fmt.Errorf("drop capabilities from the bounding set: %w", err)
		}
	}
	// What is not inheritable is not ambient either (cap_capset, security/commoncap.c).
	if want := (sets{have.effective & c.Keep, have.permitted & (c.Keep | c.Heirs), have.inheritable & c.Heirs}); want != have {
		if err := setCapabilities(want); err != nil {
			return fmt.Errorf("drop capabilities: %w", err)
		}
	}
	if c.Heirs != 0 || gainsNothing() {
		return nil
	}
	if err := prctlAll(unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	return nil
}

// ErrCgo says that the program was linked with cgo: there, Go cannot make a system call
// on every thread (syscall.AllThreadsSyscall), and a thread has its own capabilities.
var ErrCgo = errors.New("this program was built with cgo, and cannot give up the capabilities that it doesn't need; build it with CGO_ENABLED=0")

// linkedWithCgo asks for something that the kernel refuses the first thread, so that no
// other is asked.
var linkedWithCgo = sync.OnceValue(func() bool {
	const noOption = 0
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, noOption, 0, 0)
	return errno == syscall.ENOTSUP
})

// gainsNothing says whether new privileges are forbidden already: then they are on every
// thread, as they were when the program began, or are since Confine was called.
func gainsNothing() bool {
	v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && v == 1
}

// prctlAll is prctl(2) on each thread.
func prctlAll(option int, a, b uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, uintptr(option), a, b, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func setCapabilities(s sets) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3} // process 0: the thread that calls
	data := userData(s.effective, s.permitted, s.inheritable)
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func userData(effective, permitted, inheritable Capabilities) [2]unix.CapUserData {
	return [2]unix.CapUserData{
		{Effective: uint32(effective), Permitted: uint32(permitted), Inheritable: uint32(inheritable)},
		{Effective: uint32(effective >> 32), Permitted: uint32(permitted >> 32), Inheritable: uint32(inheritable >> 32)},
	}
}

// sets are what the kernel says of a thread's capabilities.
type sets struct{ effective, permitted, inheritable Capabilities }

// ownCapabilities reads those of the calling thread.
func ownCapabilities() (sets, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	both := func(low, high uint32) Capabilities { return Capabilities(low) | Capabilities(high)<<32 }
	return sets{
		both(data[0].Effective, data[1].Effective), both(data[0].Permitted, data[1].Permitted), both(data[0].Inheritable, data[1].Inheritable),
	}, err
}
