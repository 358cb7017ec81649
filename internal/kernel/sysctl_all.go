package kernel

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// sysctlRoot is where a namespace's own sysctls are, as the thread sees them that looks.
const sysctlRoot = "/proc/sys/net"

// maxSysctl is how long a value may be that is worth reading, in bytes: longer ones are
// lists of what happens to be there.
const maxSysctl = 256

// AllSysctls reads every sysctl of a namespace that can be set and read, in order of
// their files, without what they were before.
func (h *Host) AllSysctls(ctx context.Context, netns string) ([]model.Sysctl, error) {
	var l []model.Sysctl
	err := h.In(netns, func() error {
		return filepath.WalkDir(sysctlRoot, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return ctx.Err() // of a device that has just gone
			}
			if info, err := d.Info(); err != nil || info.Mode()&0o200 == 0 {
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil || len(b) > maxSysctl {
				return nil // some have no value until they are set (stable_secret), some can only be written
			}
			l = append(l, model.Sysctl{Netns: netns, Name: sysctlName(path), Value: model.Some(string(bytes.Join(bytes.Fields(b), []byte(" "))))})
			return nil
		})
	})
	return l, err
}

// sysctlName is the opposite of sysctlPath.
func sysctlName(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/proc/sys/"), "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(p, ".", "/")
	}
	return strings.Join(parts, ".")
}
