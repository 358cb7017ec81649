// Package diff breaks the rules, for the test of the test.
package diff

import (
	"os"
	_ "os/exec"
	"syscall"

	_ "github.com/google/go-cmp/cmp"
	_ "github.com/netplan-overlay/netplan-overlay/internal/fake"
	_ "github.com/somebody/something"
)

var cache = map[string]int{}

func init() { panic("no") }

func write() {
	_ = os.WriteFile("/run/x", nil, 0)
	_ = syscall.Exec("/bin/sh", nil, nil)
}
