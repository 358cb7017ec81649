package kernel

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// softnetStat has a line of hexadecimal numbers for each processor (softnet_seq_show,
// net/core/net-procfs.c). It is the same in all network namespaces.
const softnetStat = "/proc/net/softnet_stat"

// Dropped returns how many packets this machine has dropped so far since they came faster
// than it took them, modulo 2^32. Each processor has one queue for what all veths of all
// network namespaces receive, of net.core.netdev_max_backlog packets (enqueue_to_backlog,
// net/core/dev.c): where one program floods it, any other may lose a packet.
func Dropped() (uint32, error) {
	b, err := os.ReadFile(softnetStat)
	if err != nil {
		return 0, err
	}
	return droppedIn(string(b))
}

func droppedIn(text string) (uint32, error) {
	var all uint32
	for line := range strings.Lines(text) {
		columns := strings.Fields(line)
		if len(columns) < 2 {
			return 0, fmt.Errorf("read %s: %q is not a processor's line", softnetStat, line)
		}
		n, err := strconv.ParseUint(columns[1], 16, 32)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", softnetStat, err)
		}
		all += uint32(n)
	}
	return all, nil
}
