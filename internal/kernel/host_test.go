package kernel_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// testHost is a simulated host: a network namespace with a directory of its own for
// named ones.
type testHost struct {
	*kernel.Host
	t        *testing.T
	netns    string // below /run/netns
	options  kernel.Options
	netnsDir string
}

// newHost makes a host that goes away with the test, whatever happens.
func newHost(t *testing.T) *testHost {
	t.Helper()
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs %v", missing)
		}
		t.Skipf("needs %s; run the tests as root", strings.Join(missing, " and "))
	}
	dir := t.TempDir()
	h := &testHost{t: t, netns: fmt.Sprintf("nk-%d-%08x", os.Getpid(), crc32.ChecksumIEEE([]byte(dir))), netnsDir: filepath.Join(dir, "netns")}
	run(t, "ip", "netns", "add", h.netns)
	t.Cleanup(func() { run(t, "ip", "netns", "delete", h.netns) })
	t.Cleanup(func() {
		left, _ := filepath.Glob(h.netnsDir + "/*") // the pattern is sound
		for _, f := range append(left, h.netnsDir) {
			_ = unix.Unmount(f, unix.MNT_DETACH) // not all are mounts
		}
	})
	h.options = kernel.Options{Root: "/run/netns/" + h.netns, NetnsDir: h.netnsDir, StateDir: filepath.Join(dir, "state")}
	h.Host = open(t, h.options)
	return h
}

func open(t *testing.T, o kernel.Options) *kernel.Host {
	t.Helper()
	h, err := kernel.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	b, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, b)
	}
	return string(b)
}

// ip runs iproute2's ip on the host.
func (h *testHost) ip(args ...string) string {
	h.t.Helper()
	return run(h.t, "ip", append([]string{"-n", h.netns}, args...)...)
}

// in runs a command inside one of the host's namespaces, "" being its root.
func (h *testHost) in(netns, name string, args ...string) string {
	h.t.Helper()
	var b []byte
	cmd := exec.Command(name, args...)
	err := h.In(netns, func() (err error) {
		b, err = cmd.CombinedOutput()
		return err
	})
	if err != nil {
		h.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, b)
	}
	return string(b)
}

// do executes one step and returns its error.
func (h *testHost) do(s model.Step) error { return h.Do(h.t.Context(), []model.Step{s})[0] }

func (h *testHost) create(objects ...model.Object) {
	h.t.Helper()
	for _, o := range objects {
		if err := h.do(model.Step{Op: model.OpCreate, After: o}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// find lists the object's kind and returns the one with its key.
func (h *testHost) find(o model.Object) (model.Object, bool) {
	h.t.Helper()
	for _, x := range h.list(o) {
		if x.Key() == o.Key() {
			return x, true
		}
	}
	return nil, false
}

func (h *testHost) list(o model.Object) []model.Object {
	h.t.Helper()
	l, err := h.listKind(o.Key())
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

func (h *testHost) listKind(k model.Key) ([]model.Object, error) {
	ctx := h.t.Context()
	switch k.Kind {
	case model.KindNetns:
		return objects(h.Netns(ctx))
	case model.KindSysctl:
		return objects(h.Sysctls(ctx, k.Netns, []string{k.Name}))
	case model.KindLink:
		return objects(h.Links(ctx, k.Netns))
	case model.KindAddress:
		return objects(h.Addresses(ctx, k.Netns))
	case model.KindNeighbour:
		return objects(h.Neighbours(ctx, k.Netns, k.Name))
	case model.KindFDB:
		return objects(h.FDB(ctx, k.Netns, k.Name))
	case model.KindRoute:
		return objects(h.Routes(ctx, k.Netns))
	}
	return nil, fmt.Errorf("%s: a kind that cannot be listed", k)
}

// objects turns what a listing returns into objects.
func objects[T model.Object](l []T, err error) ([]model.Object, error) {
	var out []model.Object
	for _, o := range l {
		out = append(out, o)
	}
	return out, err
}

// jsonOf reads what "ip -j" says.
func (h *testHost) jsonOf(netns string, args ...string) []map[string]any {
	h.t.Helper()
	text := h.in(netns, "ip", append([]string{"-d", "-j"}, args...)...)
	var l []map[string]any
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		h.t.Fatalf("ip %v: %v: %s", args, err, text)
	}
	return l
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func mac(s string) model.MAC {
	m, err := model.ParseMAC(s)
	if err != nil {
		return model.MAC{}
	}
	return m
}
