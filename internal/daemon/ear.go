package daemon

import (
	"fmt"
	"os"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/watch"
)

// ear hears, and remembers who has changed what is being fought about.
type ear struct {
	*watch.Kernel
	daemon *Daemon
}

// Take implements reconcile.Ear.
func (e *ear) Take() []kernel.News {
	news := e.Kernel.Take()
	for _, n := range news {
		if f := e.daemon.fights[n.Key]; f != nil && n.Port != 0 {
			if who := writer(n.Port); who != "" {
				f.who = who
			}
		}
	}
	return news
}

// writer names the process with a netlink port, as far as it is alive and has the port
// that a process gets first: its own ID (netlink_autobind, net/netlink/af_netlink.c).
func writer(port uint32) string {
	if int(port) == os.Getpid() {
		return ""
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", port))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s (process %d)", strings.TrimSpace(string(b)), port)
}
