package kernel

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// nobody is the user that has no rights.
const nobody = 65534

// TestWithoutPrivileges looks at the machine as an ordinary user may, and is refused
// any change, with the name of what is missing. As root, it runs again as nobody.
func TestWithoutPrivileges(t *testing.T) {
	if len(MissingCapabilities()) == 0 {
		asNobody(t)
		return
	}
	if got, want := MissingCapabilities(), []string{"CAP_NET_ADMIN", "CAP_SYS_ADMIN"}; !slices.Equal(got, want) {
		t.Skipf("this user misses only %v", got)
	}
	dir := t.TempDir()
	h, err := Open(Options{NetnsDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	links, err := h.Links(t.Context(), "")
	if err != nil || !slices.ContainsFunc(links, func(l model.Link) bool { return l.Name == "lo" }) {
		t.Errorf("links: %v, %v", links, err)
	}
	_, errAddresses := h.Addresses(t.Context(), "")
	_, errRoutes := h.Routes(t.Context(), "")
	_, errNeighbours := h.Neighbours(t.Context(), "", "lo")
	_, errNetns := h.Netns(t.Context())
	_, errSysctls := h.Sysctls(t.Context(), "", []string{"net.ipv4.ip_forward"})
	if err := errors.Join(errAddresses, errRoutes, errNeighbours, errNetns, errSysctls); err != nil {
		t.Error(err)
	}
	for want, objects := range map[string][]model.Object{
		"(needs CAP_SYS_ADMIN)": {model.Netns{Name: "blue"}},
		"(needs CAP_NET_ADMIN)": {
			model.Link{Name: "br0", Type: some(model.TypeBridge)}, model.Address{Link: "lo", Prefix: prefix("127.0.0.7/32")},
			model.Route{Dst: prefix("10.0.0.0/8"), Type: some("blackhole")}, model.Neighbour{Link: "lo", IP: addr("127.0.0.9")},
			model.FDBEntry{Link: "lo", MAC: mac("02:00:00:00:00:01"), Dst: someAddr("127.0.0.9")},
			model.Sysctl{Name: "net.ipv4.ip_forward", Value: some("1")},
		},
	} {
		for _, o := range objects {
			err := h.Do(t.Context(), []model.Step{{Op: model.OpCreate, After: o}})[0]
			var op *OpError
			if !errors.As(err, &op) || op.Key != o.Key() || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: got error %v, want one that ends with %s", o.Key(), err, want)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// asNobody runs this test of a copy of the test binary, which anybody may read.
func asNobody(t *testing.T) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	program := filepath.Join(dir, "kernel.test")
	if err := errors.Join(os.Chmod(dir, 0o777|os.ModeSticky), os.WriteFile(program, self, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestWithoutPrivileges$", "-test.v")
	cmd.Dir, cmd.Env = dir, []string{"TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if b, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(b), "--- PASS: TestWithoutPrivileges") {
		t.Errorf("as nobody: %v\n%s", err, b)
	}
}

// Without the right to enter it, a namespace cannot be looked into: the error says
// so, and which right that is.
func TestEnterCause(t *testing.T) {
	err := error(&OpError{Op: "enter", Key: model.NetnsKey("blue"), Err: unix.EPERM, Cause: enterCause(unix.EPERM)})
	if got, want := err.Error(), "enter netns blue: operation not permitted (needs CAP_SYS_ADMIN)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !errors.Is(err, unix.EPERM) {
		t.Error("the errno is lost")
	}
}
