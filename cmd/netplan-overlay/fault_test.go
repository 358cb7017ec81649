package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// failVar names the requests to the kernel that are refused in its place, by number:
// "7", or "3,9" for several, or "7+" for that and all after it. failOfVar is the errno,
// EIO by default.
const (
	failVar   = "NETPLAN_OVERLAY_TEST_FAIL_AT"
	failOfVar = "NETPLAN_OVERLAY_TEST_FAIL_OF"
)

// inject puts the faults that the environment asks for into the tool.
func inject(u *ui) {
	die, fail := dieAt(os.Getenv(dieVar)), failAt(os.Getenv(failVar))
	if die != nil {
		u.onStep = die
	}
	if die == nil && fail == nil {
		return
	}
	u.onWrite = func() error {
		if die != nil {
			die()
		}
		if fail != nil {
			return fail()
		}
		return nil
	}
}

// failAt returns what counts the requests and refuses some.
func failAt(points string) func() error {
	if points == "" {
		return nil
	}
	errno := syscall.EIO
	if n, err := strconv.Atoi(os.Getenv(failOfVar)); err == nil {
		errno = syscall.Errno(n)
	}
	first, open := strings.CutSuffix(points, "+")
	from, _ := strconv.Atoi(first) // 0 where there are several
	list := strings.Split(points, ",")
	n := 0
	return func() error {
		if n++; open && n >= from || slices.Contains(list, strconv.Itoa(n)) {
			return errno
		}
		return nil
	}
}

// toolWith runs the tool with settings in its environment, "NAME=value".
func (h *host) toolWith(settings []string, args ...string) result {
	h.w.t.Helper()
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		if err := os.Setenv(name, value); err != nil {
			h.w.t.Fatal(err)
		}
		defer os.Unsetenv(name)
	}
	return h.tool(args...)
}
