package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// staged tells the test binary that it is in namespaces of its own already.
const staged = "NETPLAN_OVERLAY_TEST_STAGED"

// TestMain gives the tests a mount and a network namespace of their own: whatever
// they make is gone with the process, even if that is killed, and nothing that they
// do can reach the machine's network.
func TestMain(m *testing.M) {
	if err := stage(); err != nil {
		fmt.Fprintln(os.Stderr, "make namespaces for the tests:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// stage runs the program again, in place: exec keeps the namespaces of the thread
// that calls it, and the files that the go command handed over.
func stage() error {
	if os.Getenv(staged) != "" || len(MissingCapabilities()) > 0 {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Exec(self, os.Args, append(os.Environ(), staged+"=1"))
}

// needRoot skips a test that has no right to make namespaces; in CI that is an
// error.
func needRoot(t testing.TB) {
	t.Helper()
	if missing := MissingCapabilities(); len(missing) > 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs %v", missing)
		}
		t.Skipf("needs %s; run the tests as root", strings.Join(missing, " and "))
	}
}

// sim is a simulated host: a root network namespace, and directories of its own.
type sim struct {
	testing.TB
	*Host
	opts Options
}

// newSim makes a host that goes away with the test.
func newSim(t testing.TB) *sim {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	s := &sim{TB: t, opts: Options{
		Root: filepath.Join(dir, "root"), NetnsDir: filepath.Join(dir, "netns"), StateDir: filepath.Join(dir, "state"),
	}}
	s.bindNetns(s.opts.Root)
	t.Cleanup(func() {
		for range 2 { // below the mount of the directory, there may be others
			left, err := filepath.Glob(s.opts.NetnsDir + "/*")
			if err != nil {
				t.Error(err)
			}
			for _, f := range append(left, s.opts.NetnsDir) {
				_ = unix.Unmount(f, unix.MNT_DETACH) // not all are mounts
			}
		}
	})
	s.Host = s.open(s.opts)
	s.ip("link", "set", "lo", "up")
	return s
}

// open opens another door to a host, for as long as the test runs.
func (s *sim) open(o Options) *Host {
	s.Helper()
	h, err := Open(o)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := h.Close(); err != nil {
			s.Error(err)
		}
	})
	return h
}

// bindNetns makes a network namespace as others would, with a file that is gone at
// the end.
func (s *sim) bindNetns(path string) {
	s.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		s.Fatal(err)
	}
	if b, err := exec.Command("unshare", "--net="+path, "true").CombinedOutput(); err != nil {
		s.Fatalf("make a network namespace: %v: %s", err, b)
	}
	s.Cleanup(func() {
		_ = unix.Unmount(path, unix.MNT_DETACH) // the test may have done so
	})
}

// try runs a command inside a namespace of the host, "" being the root one: a child
// is born in the namespace of the thread that forks it.
func (s *sim) try(netns string, args ...string) (string, error) {
	s.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := s.In(netns, cmd.Start); err != nil {
		return "", err
	}
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

func (s *sim) run(netns string, args ...string) string {
	s.Helper()
	out, err := s.try(netns, args...)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// ip runs iproute2's ip in the host's root namespace.
func (s *sim) ip(args ...string) string {
	s.Helper()
	return s.run("", append([]string{"ip"}, args...)...)
}

// lines runs several ip commands, one a line.
func (s *sim) lines(commands string) {
	s.Helper()
	for line := range strings.Lines(commands) {
		args := strings.Fields(line)
		if len(args) == 0 {
			continue
		}
		if args[0] == "nexthop" { // refused until the kernel has noticed the carrier, which takes a while
			for i := 0; i < 1000 && !strings.Contains(s.ip("link", "show", args[slices.Index(args, "dev")+1]), "LOWER_UP"); i++ {
				time.Sleep(time.Millisecond)
			}
		}
		s.ip(args...)
	}
}

// shows returns the objects that a command with JSON output shows.
func (s *sim) shows(netns, command string) []map[string]any {
	s.Helper()
	out := s.run(netns, strings.Fields(command)...)
	var l []map[string]any
	if err := json.Unmarshal([]byte(out), &l); err != nil && strings.TrimSpace(out) != "" {
		s.Fatalf("%s: %v: %s", command, err, out)
	}
	return l
}

// do executes one step.
func (s *sim) do(op model.Op, before, after model.Object) error {
	s.Helper()
	return s.Do(context.Background(), []model.Step{{Op: op, Before: before, After: after}})[0]
}

func (s *sim) create(objects ...model.Object) {
	s.Helper()
	for _, o := range objects {
		if err := s.do(model.OpCreate, nil, o); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *sim) remove(objects ...model.Object) {
	s.Helper()
	for _, o := range objects {
		if err := s.do(model.OpDelete, o, nil); err != nil {
			s.Fatal(err)
		}
	}
}

// needType ends the test where the kernel lacks a type of link: with a reason on
// this machine, with an error in the virtual machine, whose kernel has them all.
func (s *sim) needType(linkType string) {
	s.Helper()
	_, err := s.try("", "ip", "link", "add", "probe0", "type", linkType, "local", "192.0.2.99")
	switch {
	case err == nil:
		s.ip("link", "delete", "probe0")
	case os.Getenv("VMRUN") == "1":
		s.Fatal(err)
	default:
		s.Skipf("covered by the VM run: this kernel has no %s module", linkType)
	}
}

// opErrorOf returns the OpError that err must be.
func (s *sim) opErrorOf(err error) *OpError {
	s.Helper()
	var op *OpError
	if !errors.As(err, &op) {
		s.Fatalf("got error %v (%T), want an OpError", err, err)
	}
	return op
}

func some[T comparable](v T) model.Opt[T] { return model.Some(v) }
func addr(s string) netip.Addr            { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix        { return netip.MustParsePrefix(s) }
func someAddr(s string) model.Opt[netip.Addr] {
	if s == "" {
		return model.Some(netip.Addr{})
	}
	return model.Some(addr(s))
}

func mac(s string) model.MAC {
	m, err := model.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}
