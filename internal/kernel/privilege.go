package kernel

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MissingCapabilities returns the names of the capabilities that changing a host
// needs and this process does not have (capabilities(7)): CAP_NET_ADMIN for links,
// addresses and routes, CAP_SYS_ADMIN for network namespaces.
func MissingCapabilities() []string {
	have := effective()
	var l []string
	for _, c := range []struct {
		bit  int
		name string
	}{{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}} {
		if have>>c.bit&1 == 0 {
			l = append(l, c.name)
		}
	}
	return l
}

// effective reads the set from /proc; where that is not there, the kernel's own
// refusals will have to do.
func effective() uint64 {
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return ^uint64(0)
	}
	for line := range strings.Lines(string(b)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if err == nil {
				return n
			}
		}
	}
	return ^uint64(0)
}
