package verify_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/verify"
)

// staged tells the test binary that it is in namespaces of its own already.
const staged = "NETPLAN_OVERLAY_TEST_STAGED"

// TestMain gives the tests a mount and a network namespace of their own: whatever
// they make is gone with the process.
func TestMain(m *testing.M) {
	if err := stage(); err != nil {
		fmt.Fprintln(os.Stderr, "make namespaces for the tests:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func stage() error {
	if os.Getenv(staged) != "" || len(kernel.MissingCapabilities()) > 0 {
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

// host is the process's own network namespace with two namespaces on a bridge, of
// which the second takes packets of no more than 1400 bytes. Nothing leads to vm2.
func host(t *testing.T) *kernel.Host {
	t.Helper()
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs %v", missing)
		}
		t.Skipf("needs %s; run the tests as root", strings.Join(missing, " and "))
	}
	dir := filepath.Join(t.TempDir(), "netns")
	h, err := kernel.Open(kernel.Options{NetnsDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, link := range []string{"port-a", "port-b", "br0"} { // before the namespaces, which take a while to go
			if err := exec.Command("ip", "link", "delete", link).Run(); err != nil {
				t.Errorf("delete %s: %v", link, err)
			}
		}
		for _, name := range []string{"a", "b", ""} {
			if err := unix.Unmount(filepath.Join(dir, name), unix.MNT_DETACH); err != nil {
				t.Errorf("unmount %q: %v", name, err)
			}
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, name := range []string{"a", "b"} {
		steps := []model.Step{{Op: model.OpCreate, After: model.Netns{Name: name, LoUp: model.Some(true)}}}
		if errs := h.Do(t.Context(), steps); errs[0] != nil {
			t.Fatal(errs[0])
		}
		run(t, "ip link add port-%s mtu %d type veth peer name eth0 mtu %[2]d netns %s", name, 1500-100*i, filepath.Join(dir, name))
		run(t, "nsenter --net=%s ip link set eth0 up", filepath.Join(dir, name))
		run(t, "nsenter --net=%s ip address add 172.245.0.%d/24 dev eth0", filepath.Join(dir, name), i+2)
		run(t, "nsenter --net=%s ip route add default via 172.245.0.1", filepath.Join(dir, name))
	}
	run(t, "ip link add br0 type bridge")
	run(t, "ip link set port-a master br0 up")
	run(t, "ip link set port-b master br0 up")
	run(t, "ip link set br0 mtu 1500 up")
	run(t, "ip address add 172.245.0.1/24 dev br0")
	run(t, "sysctl -qw net.ipv4.ip_forward=1")
	for _, name := range []string{"a", "b"} { // a carrier takes a while to come
		probes := []kernel.Probe{{Dst: netip.MustParseAddr("172.245.0.1")}, {Dst: netip.MustParseAddr("172.245.0.2")}, {Dst: netip.MustParseAddr("172.245.0.3")}}
		replies, err := h.Ping(t.Context(), name, probes, 20, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range replies {
			if r.Err != nil {
				t.Fatalf("%s doesn't reach %s: %v", name, probes[i].Dst, r.Err)
			}
		}
	}
	return h
}

func run(t *testing.T, format string, args ...any) {
	t.Helper()
	command := fmt.Sprintf(format, args...)
	words := strings.Fields(command)
	if b, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, b)
	}
}

// What is reached is told with its time and packet size, and what is not, with who
// says so; a namespace that is missing does not hide the others.
func TestRun(t *testing.T) {
	h := host(t)
	top := parse(t, `apiVersion: netplan-overlay/v1
name: classic
backend: vxlan
nodes:
  vm1:
    address: 192.0.2.1
    bridges: {br0: 172.245.0.1/24}
    namespaces: {a: 172.245.0.2/24, b: 172.245.0.3/24, gone: 172.245.0.4/24}
  vm2:
    address: 192.0.2.2
    bridges: {br0: 172.246.0.1/24}
    namespaces: {a: 172.246.0.2/24}
`)
	m, err := verify.Run(t.Context(), h, top, &top.Nodes[0], verify.Options{MTU: true, Tries: 2, Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range m.Pairs {
		if p.OK != (p.RTT > 0) || p.OK != (p.Err == "") || p.OK != (p.MTU > 0) {
			t.Errorf("contradicts itself: %+v", p)
		}
		what := p.Err
		if p.MTU >= 1400 && p.MTU <= 1404 { // 4 more bytes pass a bridge, for a VLAN's tag
			what = "up to 1400 bytes"
		}
		got = append(got, fmt.Sprintf("%s -> %s %s: %s", p.From, p.To, p.Dst, what))
	}
	want := []string{
		"vm1/a -> vm1/b 172.245.0.3: up to 1400 bytes",
		"vm1/a -> vm1/gone 172.245.0.4: no answer",
		"vm1/a -> vm2/a 172.246.0.2: 172.245.0.1 says: network unreachable",
		"vm1/b -> vm1/a 172.245.0.2: up to 1400 bytes",
		"vm1/b -> vm1/gone 172.245.0.4: no answer",
		"vm1/b -> vm2/a 172.246.0.2: 172.245.0.1 says: network unreachable",
		"vm1/gone -> vm1/a 172.245.0.2: vm1 has no namespace gone: apply makes it",
		"vm1/gone -> vm1/b 172.245.0.3: vm1 has no namespace gone: apply makes it",
		"vm1/gone -> vm2/a 172.246.0.2: vm1 has no namespace gone: apply makes it",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("matrix (-want +got):\n%s", d)
	}
	if n := len(m.Failed()); n != 7 {
		t.Errorf("%d pairs failed, want 7", n)
	}
	b, err := json.Marshal(m.Pairs[6])
	if err != nil || !strings.Contains(string(b), `"from":{"node":"vm1","namespace":"gone"}`) || !strings.Contains(string(b), `"path_mtu":0`) {
		t.Errorf("as JSON: %s, %v", b, err)
	}
}

// With a link that is down, and nothing else, all pairs fail, and that is all.
func TestRunLinkDown(t *testing.T) {
	h := host(t)
	if err := h.In("a", func() error { return exec.Command("ip", "link", "set", "eth0", "down").Run() }); err != nil {
		t.Fatal(err)
	}
	top := parse(t, campus)
	node := top.Nodes[0]
	node.Name, node.Namespaces = "rack1", node.Namespaces[:1]
	node.Namespaces[0].Name = "a"
	m, err := verify.Run(t.Context(), h, top, &node, verify.Options{MTU: true, Tries: 1, Timeout: 10 * time.Millisecond})
	if err != nil || len(m.Pairs) == 0 {
		t.Fatalf("%v, %v", m, err)
	}
	for _, p := range m.Pairs {
		if p.OK || p.Err != "network is unreachable" {
			t.Errorf("%+v", p)
		}
	}
}
