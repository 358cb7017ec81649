package kernel

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestSysctlPath(t *testing.T) {
	for name, want := range map[string]string{
		"net.ipv4.ip_forward":                 "/proc/sys/net/ipv4/ip_forward",
		"net.ipv4.conf.eth0/7.rp_filter":      "/proc/sys/net/ipv4/conf/eth0.7/rp_filter",
		"net.ipv4.conf./.rp_filter":           "", // "."
		"net.ipv4.conf.//.rp_filter":          "", // ".."
		"net.//.//.//.etc.passwd":             "",
		"net..//.x":                           "",
		"net":                                 "",
		"net.":                                "",
		".net.ipv4.ip_forward":                "",
		"":                                    "",
		"kernel.core_pattern":                 "",
		"//.sys.kernel.core_pattern":          "",
		"net.ipv4.x\x00":                      "",
		"net/ipv4/ip_forward":                 "",
		"net.ipv4.conf.///.rp_filter":         "/proc/sys/net/ipv4/conf/.../rp_filter",
		"net.ipv4.conf.a/" + "../b.rp_filter": "",
	} {
		got, err := sysctlPath(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", name, got, err, want)
		}
	}
}

// Whatever the name, a sysctl's file is below /proc/sys/net, and named as it was
// written; no two names are one file.
func FuzzSysctlPath(f *testing.F) {
	for _, s := range []string{"net.ipv4.ip_forward", "net.ipv4.conf.eth0/7.rp_filter", "net.//.x", "net..x", "net./.x", "net.\x00", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		path, err := sysctlPath(name)
		if err != nil {
			return
		}
		if !strings.HasPrefix(path, "/proc/sys/net/") || filepath.Clean(path) != path || strings.Contains(path, "\x00") {
			t.Errorf("%q is the file %q", name, path)
		}
		if back := strings.NewReplacer(".", "/", "/", ".").Replace(strings.TrimPrefix(path, "/proc/sys/")); back != name {
			t.Errorf("%q is the file of %q", path, back)
		}
	})
}

// Whatever the name, it is refused or that of one file in the directory.
func FuzzComponent(f *testing.F) {
	for _, s := range []string{"blue", ".", "..", "a/b", "", "\x00", "...", " "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		refused := CheckComponent(name) != nil
		h := &Host{opts: Options{NetnsDir: "/run/netns"}}
		path := h.path(name)
		sound := name != "" && filepath.Dir(path) == "/run/netns" && filepath.Base(path) == name && !strings.Contains(name, "\x00")
		if refused == sound {
			t.Errorf("%q is %q; refused: %v", name, path, refused)
		}
	})
}
