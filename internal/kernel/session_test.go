package kernel

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// A process by its number, parent, command and environment.
type process struct{ pid, parent, command, environ string }

// procfs writes what of /proc is read.
func procfs(t *testing.T, processes ...process) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range processes {
		files := map[string]string{"stat": p.pid + " (" + p.command + ") S " + p.parent + " 1 1 0", "environ": p.environ}
		if err := os.Mkdir(filepath.Join(dir, p.pid), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, p.pid, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// The connections are those of all ancestors, whatever they are called and wherever the
// walk ends.
func TestAncestralSessions(t *testing.T) {
	login := "HOME=/\x00SSH_CONNECTION=203.0.113.5 51000 10.9.0.5 22\x00"
	far := model.Session{Client: netip.MustParseAddr("203.0.113.5"), Local: netip.MustParseAddr("10.9.0.5")}
	six := model.Session{Client: netip.MustParseAddr("fe80::9%eth0"), Local: netip.MustParseAddr("fe80::5%eth0")}
	for _, tc := range []struct {
		name      string
		processes []process
		want      []model.Session
	}{
		{"none", nil, nil},
		{"the parent", []process{{"9", "1", "bash", login}}, []model.Session{far}},
		{"behind sudo", []process{{"9", "8", "sudo", "HOME=/root\x00"}, {"8", "1", "bash", login}}, []model.Session{far}},
		{"a command like a riddle", []process{{"9", "8", ") S 1 (", ""}, {"8", "1", "a b", login}}, []model.Session{far}},
		{"two", []process{{"9", "8", "sh", "SSH_CONNECTION=fe80::9%eth0 51000 fe80::5%eth0 22"}, {"8", "7", "tmux: server", login}, {"7", "1", "sh", login}}, []model.Session{six, far}},
		{"mapped", []process{{"9", "1", "sh", "SSH_CONNECTION=::ffff:203.0.113.5 51000 ::ffff:10.9.0.5 22"}}, []model.Session{far}},
		{"nonsense", []process{{"9", "8", "sh", "SSH_CONNECTION=a b c d"}, {"8", "1", "sh", "SSH_CONNECTION=203.0.113.5 22"}}, nil},
		{"a circle", []process{{"9", "8", "sh", ""}, {"8", "9", "sh", ""}}, nil},
		{"behind a long environment", []process{{"9", "1", "bash", strings.Repeat("A=B\x00", 5000) + login}}, []model.Session{far}},
		{"a stat that says nothing", []process{{"9", "", "bash", login}}, []model.Session{far}},
		{"a name that only ends so", []process{{"9", "1", "sh", "MY_SSH_CONNECTION=203.0.113.5 51000 10.9.0.5 22"}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ancestralSessions(procfs(t, tc.processes...), 9)
			if d := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Errorf("sessions (-want +got):\n%s", d)
			}
		})
	}
}

// The own environment goes before, even if it says that there is none.
func TestSessions(t *testing.T) {
	t.Setenv(sessionVar, "")
	if l := Sessions(); l != nil {
		t.Errorf("with an empty %s: %v", sessionVar, l)
	}
	t.Setenv(sessionVar, "203.0.113.5 51000 10.9.0.5 22")
	if l := Sessions(); len(l) != 1 || l[0].Client != netip.MustParseAddr("203.0.113.5") {
		t.Errorf("with an own %s: %v", sessionVar, l)
	}
}
