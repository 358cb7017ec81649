package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/lab"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
)

// asTool makes the test binary be the tool itself: it also is where no Go is, in
// the virtual machine.
const asTool = "NETPLAN_OVERLAY_TEST_AS_TOOL"

func TestMain(m *testing.M) {
	lab.Stage(reconcile.DefaultRunDir)
	if os.Getenv(asTool) != "" {
		ui := terminal()
		if !slices.Contains(os.Args, guardCommand) {
			inject(ui)
		}
		if d, err := time.ParseDuration(os.Getenv(pauseVar)); err == nil {
			ui.onStep = func() { time.Sleep(d) }
			ui.onWrite = func() error { time.Sleep(d); return nil }
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // as main does
		defer stop()
		os.Exit(run(ctx, os.Args[1:], ui))
	}
	os.Exit(m.Run())
}

// world is a few simulated hosts on one underlay bridge. Each host is a network
// namespace with an eth0, and has a directory of namespaces of its own.
type world struct {
	t     *testing.T
	dir   string
	id    string // part of the names of its namespaces
	hosts []*host
}

type host struct {
	w       *world
	name    string
	netns   string // its root network namespace, below /run/netns
	dir     string // of its own namespaces
	session string // SSH_CONNECTION of the commands on it; "": there is no such connection
	door    *kernel.Host
}

// needRoot skips a test that has no right to make namespaces; in CI that is an
// error.
func needRoot(t *testing.T) {
	t.Helper()
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs %v", missing)
		}
		t.Skipf("needs %s; run the tests as root", strings.Join(missing, " and "))
	}
}

// newWorld makes hosts with the given underlay addresses, "192.168.32.245/24" or
// several with spaces between.
func newWorld(t *testing.T, addresses ...string) *world {
	t.Helper()
	needRoot(t)
	sweep()
	w := &world{t: t, dir: t.TempDir()}
	w.id = fmt.Sprintf("no-%d-%08x-", os.Getpid(), crc32.ChecksumIEEE([]byte(w.dir)))
	fabric := w.id + "fabric"
	w.netns(fabric)
	w.must("ip", "-n", fabric, "link", "add", "underlay", "type", "bridge", "mcast_snooping", "0")
	w.must("ip", "-n", fabric, "link", "set", "underlay", "up")
	for i, a := range addresses {
		h := &host{w: w, name: fmt.Sprintf("vm%d", i+1)}
		h.netns = w.id + h.name
		h.dir = filepath.Join(w.dir, h.name, "netns")
		w.netns(h.netns)
		w.hosts = append(w.hosts, h)
		port := "port" + h.name
		w.must("ip", "-n", fabric, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", h.netns)
		w.must("ip", "-n", fabric, "link", "set", port, "master", "underlay", "up")
		h.ip("link", "set", "lo", "up")
		h.ip("link", "set", "eth0", "up")
		for _, one := range strings.Fields(a) {
			args := []string{"address", "add", one, "dev", "eth0"}
			if strings.Contains(one, ":") {
				args = append(args, "nodad")
			}
			h.ip(args...)
		}
		h.open()
	}
	return w
}

// sweep removes the namespaces of worlds whose process was killed: hosts that share
// the machine's directory would find their objects in them.
var sweep = sync.OnceFunc(func() {
	left, _ := filepath.Glob(kernel.DefaultNetnsDir + "/no-*") // the pattern is well formed
	for _, path := range left {
		var pid int
		var sum uint32
		if n, _ := fmt.Sscanf(filepath.Base(path), "no-%d-%08x-", &pid, &sum); n == 2 && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = exec.Command("ip", "netns", "delete", filepath.Base(path)).Run() // another process may do the same
		}
	}
})

// netns makes a namespace that goes away with the test, whatever happens.
func (w *world) netns(name string) {
	w.must("ip", "netns", "add", name)
	w.t.Cleanup(func() { w.must("ip", "netns", "delete", name) })
}

// open opens the host's door for running commands inside it, and gives it a
// directory of namespaces that goes away with the test.
func (h *host) open() {
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		h.w.t.Fatal(err)
	}
	h.openDoor()
	dir := h.dir
	h.w.t.Cleanup(func() {
		left, err := filepath.Glob(dir + "/*")
		if err != nil {
			h.w.t.Error(err)
		}
		for _, f := range append(left, dir) {
			_ = unix.Unmount(f, unix.MNT_DETACH) // not all are mounts
		}
	})
}

func (h *host) openDoor() {
	door, err := kernel.Open(kernel.Options{Root: "/run/netns/" + h.netns, NetnsDir: h.dir})
	if err != nil {
		h.w.t.Fatal(err)
	}
	h.door = door
	h.w.t.Cleanup(func() { door.Close() })
}

// share lets the host keep its namespaces in the machine's own directory, where
// "ip netns" works, under names that no other test has.
func (h *host) share() {
	h.dir = kernel.DefaultNetnsDir
	h.openDoor()
}

func (h *host) runDir() string { return filepath.Join(h.w.dir, h.name, "run") }

// result is what a command left.
type result struct {
	out, err string
	code     int
}

// in runs a command inside one of the host's namespaces, "" being the host's own.
func (h *host) in(netns string, name string, args ...string) result {
	h.w.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), asTool+"=1", "NO_COLOR=1", "SSH_CONNECTION="+h.session)
	return h.w.finish(cmd, h.start(netns, cmd))
}

// start starts a command inside one of the host's namespaces: a child is born in
// the namespace of the thread that forks it.
func (h *host) start(netns string, cmd *exec.Cmd) *bytes.Buffer {
	h.w.t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if err := h.door.In(netns, cmd.Start); err != nil {
		h.w.t.Fatalf("%s: start %v: %v", h.name, cmd.Args, err)
	}
	return &errs
}

func (w *world) finish(cmd *exec.Cmd, errs *bytes.Buffer) result {
	w.t.Helper()
	err := cmd.Wait()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		w.t.Fatal(err)
	}
	return result{out: cmd.Stdout.(*bytes.Buffer).String(), err: errs.String(), code: cmd.ProcessState.ExitCode()}
}

// must runs a command of the machine, outside all hosts.
func (w *world) must(name string, args ...string) {
	w.t.Helper()
	if b, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		w.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, b)
	}
}

// ip runs iproute2's ip on the host and returns what it says.
func (h *host) ip(args ...string) string {
	h.w.t.Helper()
	cmd := exec.Command("ip", append([]string{"-n", h.netns}, args...)...)
	var errs bytes.Buffer // it also warns of namespaces that other tests take away just now
	cmd.Stderr = &errs
	b, err := cmd.Output()
	if err != nil {
		h.w.t.Fatalf("%s: ip %s: %v: %s%s", h.name, strings.Join(args, " "), err, b, errs.String())
	}
	return string(b)
}

// inside runs ip in one of the host's namespaces.
func (h *host) inside(netns string, args ...string) string {
	h.w.t.Helper()
	r := h.in(netns, "ip", args...)
	if r.code != 0 {
		h.w.t.Fatalf("%s/%s: ip %s: %s", h.name, netns, strings.Join(args, " "), r.err)
	}
	return r.out
}

// bridge runs iproute2's bridge on the host.
func (h *host) bridge(args ...string) string {
	h.w.t.Helper()
	r := h.in("", "bridge", args...)
	if r.code != 0 {
		h.w.t.Fatalf("%s: bridge %s: %s", h.name, strings.Join(args, " "), r.err)
	}
	return r.out
}

// tool runs netplan-overlay on the host.
func (h *host) tool(args ...string) result {
	h.w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.w.t.Fatal(err)
	}
	args = append(args, "--node", h.name, "--netns-dir", h.dir, "--run-dir", h.runDir())
	return h.in("", self, args...)
}

// apply applies the topology on the host; anything but success ends the test.
func (h *host) apply(file string, args ...string) result {
	h.w.t.Helper()
	r := h.tool(append([]string{"apply", "-f", file, "--auto-approve", "--log-level", "debug"}, args...)...)
	if r.code != exitOK {
		h.w.t.Fatalf("%s: apply: exit code %d\n%s%s", h.name, r.code, r.out, r.err)
	}
	return r
}

// converged ends the test unless the plan is empty.
func (h *host) converged(file string) {
	h.w.t.Helper()
	if r := h.tool("plan", "-f", file, "--detailed-exitcode"); r.code != exitOK {
		h.w.t.Fatalf("%s: plan after apply: exit code %d\n%s%s", h.name, r.code, r.out, r.err)
	}
}

// applyAll applies the topology on every host.
func (w *world) applyAll(file string, args ...string) {
	w.t.Helper()
	for _, h := range w.hosts {
		h.apply(file, args...)
	}
	for _, h := range w.hosts {
		h.converged(file)
	}
}

// file writes a topology and returns its path.
func (w *world) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// ping ends the test unless an address answers from inside a namespace, in time:
// IPv6 needs a while after a device has come up.
func (h *host) ping(netns, address string) {
	h.w.t.Helper()
	var r result
	for range 20 {
		if r = h.in(netns, "ping", "-c", "1", "-W", "1", address); r.code == 0 {
			return
		}
	}
	h.w.t.Fatalf("%s/%s: no answer from %s\n%s%s%s", h.name, netns, address, r.out, r.err, h.ip("route"))
}

// planned returns the JSON plan.
func (h *host) planned(file string, args ...string) planDocument {
	h.w.t.Helper()
	r := h.tool(append([]string{"plan", "-f", file, "--format", "json"}, args...)...)
	var p planDocument
	if err := json.Unmarshal([]byte(r.out), &p); err != nil {
		h.w.t.Fatalf("%s: plan: %v\n%s%s", h.name, err, r.out, r.err)
	}
	return p
}

// planDocument is what the tests read of the JSON plan.
type planDocument struct {
	FormatVersion string `json:"format_version"`
	Topology      string `json:"topology"`
	Node          string `json:"node"`
	Changes       []struct {
		Action     string `json:"action"`
		Kind       string `json:"kind"`
		Namespace  string `json:"namespace"`
		Name       string `json:"name"`
		Attributes []struct {
			Name, Before, After string
		} `json:"attributes"`
		Reason string       `json:"reason"`
		Source string       `json:"source"`
		Impact model.Impact `json:"impact"`
	} `json:"changes"`
	Steps []struct {
		Op     string `json:"op"`
		Object string `json:"object"`
	} `json:"steps"`
	Summary struct {
		Impact model.Impact `json:"impact"`
	} `json:"summary"`
}

// lines puts the changes as "update link br245 mtu up", sorted by the plan itself.
func (p planDocument) lines() []string {
	var l []string
	for _, c := range p.Changes {
		s := c.Action + " " + c.Kind + " " + c.Name
		if c.Namespace != "" {
			s += " in " + c.Namespace
		}
		for _, a := range c.Attributes {
			if c.Action == "update" || c.Action == "replace" {
				s += " " + a.Name
			}
		}
		l = append(l, s)
	}
	return l
}

// until tries again for a while; the kernel and its neighbours take their time.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("gave up waiting until %s", what)
}

// needIPIP skips a test where the kernel has no ipip; in the VM, it has.
func needIPIP(t *testing.T) {
	t.Helper()
	needRoot(t)
	const name = "no-probe0"
	probe := fmt.Sprintf("no-%d-probe", os.Getpid())
	if b, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	defer exec.Command("ip", "netns", "delete", probe).Run()
	err := exec.Command("ip", "-n", probe, "link", "add", name, "type", "ipip", "local", "192.0.2.1", "remote", "192.0.2.2").Run()
	switch {
	case err == nil:
	case slow():
		t.Fatal("this kernel has no ipip")
	default:
		t.Skip("covered by the VM run: this kernel has no ipip")
	}
}
