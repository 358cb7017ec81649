package kernel

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SandboxError says that this machine does not let the user make a sandbox.
type SandboxError struct{ Err error }

// Error says what to do.
func (e *SandboxError) Error() string {
	return fmt.Sprintf("this machine lets no ordinary user make network namespaces (%v); run it with sudo, or allow it: "+
		"sysctl kernel.unprivileged_userns_clone=1 (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), user.max_user_namespaces above 0", e.Err)
}

// Unwrap returns the kernel's error.
func (e *SandboxError) Unwrap() error { return e.Err }

// EnterSandbox makes the mounts of a process that was started in mount and network
// namespaces of its own fit to simulate hosts in: changes stay inside, /run is empty,
// /proc and /sys show the new namespaces as far as the kernel lets them.
func EnterSandbox() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return &SandboxError{fmt.Errorf("make the mounts private: %w", err)}
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return &SandboxError{fmt.Errorf("mount a tmpfs on /run: %w", err)}
	}
	// Where something hides parts of /proc or /sys, as in a container, the kernel
	// refuses new ones (mount_too_revealing, fs/namespace.c). The old ones do.
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	_ = unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	return nil
}

// PrepareHost makes the directory of a simulated host's namespaces a mount whose own
// mounts are shared: what one command inside the host mounts there, the next one must
// find, although each has a mount namespace of its own.
func PrepareHost(netnsDir string) error { return shareMounts(netnsDir) }

// EndedChild returns a child of this process that has ended and that nobody waited for
// yet, and leaves it so; ok is false if there is none.
func EndedChild() (pid int, ok bool) {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err != nil {
		return 0, false
	}
	// x/sys has no name for it: the process ID is the first field of the union, which is
	// aligned as a pointer is (siginfo_t, asm-generic/siginfo.h).
	const offset = 8 + unsafe.Sizeof(uintptr(0))
	pid = int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), offset)))
	return pid, pid != 0
}

// EnterHost makes a simulated host's directories be where a real one has them, and
// /sys show its devices. The process must be in mount and network namespaces of its
// own, cloned from a sandbox's.
func EnterHost(netnsDir, runDir, wantRunDir string) error {
	for from, to := range map[string]string{netnsDir: DefaultNetnsDir, runDir: wantRunDir} {
		if err := errors.Join(os.MkdirAll(from, 0o755), os.MkdirAll(to, 0o755)); err != nil {
			return err
		}
		if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", from, to, err)
		}
	}
	_ = unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "") // see EnterSandbox
	return nil
}
