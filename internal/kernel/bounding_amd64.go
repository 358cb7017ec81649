package kernel

import (
	"math/bits"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// perThreadSignal is what the runtime asks a thread by to make a system call
// (sigPerThreadSyscall, runtime/os_linux.go).
const perThreadSignal = 33

// ignored is SIG_IGN, beyond which handlers are functions (asm-generic/signal-defs.h).
const ignored = 1

// sigaction is the kernel's (arch/x86/include/uapi/asm/signal.h).
type sigaction struct{ handler, flags, restorer, mask uint64 }

// armDropper returns a handler that drops capabilities from the bounding set of the thread
// that it runs on, and then goes on with the next handler.
func armDropper(drop uint64, next uintptr) (handler uintptr)

// droppers says on how many threads that has been since.
func droppers() uint64

// dropAtOnce takes capabilities out of the bounding set of each thread, and says whether it
// has. A system call on each thread takes a signal to each, and one that drops a capability
// drops one of forty: a call for each would take longer than all else at the beginning of
// a program. So there is a single one, and while it lasts, a handler that drops all of them
// stands before the runtime's own. Whom to ask, and to wait until all have done it, are
// still the runtime's business: a thread that begins meanwhile is not missed.
func dropAtOnce(drop Capabilities) (done bool, err error) {
	runtime.LockOSThread() // the thread that asks is sent no signal
	defer runtime.UnlockOSThread()
	if err := eachOf(drop, func(n uintptr) error { return unix.Prctl(unix.PR_CAPBSET_DROP, n, 0, 0, 0) }); err != nil {
		return false, err
	}
	var own sigaction
	if err := exchange(nil, &own); err != nil {
		return false, err
	}
	if own.handler <= ignored {
		return false, nil // another signal is meant
	}
	first := own
	first.handler = uint64(armDropper(uint64(drop), uintptr(own.handler)))
	if err := exchange(&first, nil); err != nil {
		return false, err
	}
	err = prctlAll(unix.PR_CAPBSET_DROP, uintptr(bits.TrailingZeros64(uint64(drop))), 0)
	if back := exchange(&own, nil); err == nil {
		err = back
	}
	return droppers() > 0, err // at least on the runtime's monitor, which is a thread of its own
}

// exchange sets the handler of perThreadSignal, and returns the one before.
func exchange(set, before *sigaction) error {
	const maskSize = 8
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, perThreadSignal, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(before)), maskSize, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
