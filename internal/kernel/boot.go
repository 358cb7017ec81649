package kernel

import (
	"fmt"
	"os"
	"strings"
)

// BootID identifies the time since the machine was started (random(4)).
func BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("find out which boot this is: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
