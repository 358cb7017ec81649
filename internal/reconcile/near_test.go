package reconcile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/watch"
)

// nearTopology is that of a host with two bridges, a namespace, and some peers.
const nearTopology = `apiVersion: netplan-overlay/v1
name: near
backend: %s
nodes:
  vm0:
    address: 10.0.0.1
    bridges: {br0: 172.16.0.1/24, br1: [172.17.0.1/24, 172.17.9.1/24]}
    namespaces:
      web: {interfaces: {eth0: {addresses: [172.16.0.2/24]}}, routes: [{to: 198.51.100.0/24, via: 172.16.0.9}]}
  vm1: {address: 10.0.0.2, bridges: {br0: 172.16.1.1/24}}
  vm2: {address: 10.0.0.3, bridges: {br0: 172.16.2.1/24}}
`

// nearFaults are commands of ip that break the host, in the namespace before the colon.
var nearFaults = []string{
	":link set br0 down", ":link set br0 mtu 1300", ":link set br0 address 02:00:00:00:00:01",
	":address delete 172.16.0.1/24 dev br0", ":address flush dev br1", ":address delete 172.17.0.1/24 dev br1",
	":address add 172.17.8.1/24 dev br1", ":link delete br0", ":link delete br1", ":link set br1 down",
	":link set veth-web nomaster", ":link set veth-web down", ":link set veth-web mtu 1200", ":link set veth-web master br1", ":link delete veth-web",
	":route add 203.0.113.0/24 via 172.17.0.9", ":route add 203.0.113.128/25 dev br0 proto 157", ":route delete 172.16.1.0/24",
	":link set eth0 mtu 1400", ":link add other type bridge", ":link delete other", ":link add debris group 157 type bridge",
	"web:link set eth0 down", "web:address flush dev eth0", "web:route delete default", "web:route delete 198.51.100.0/24", "web:link set eth0 mtu 1000",
	"web:link set eth0 address 02:00:00:00:00:02", "web:route add 203.0.113.0/24 via 172.16.0.1 proto 157", "web:link set eth0 name eth7",
}

// After whatever happens to a link or an address, what is looked at for the news of it is
// enough: the host is right, and known as it is.
func TestNear(t *testing.T) {
	needRights(t)
	for i, backend := range []string{"vxlan", "host-gw", "{type: vxlan, directRouting: true}"} {
		n := newNear(t, fmt.Sprintf("no-%d-near%d", os.Getpid(), i), backend)
		r := rand.New(rand.NewPCG(uint64(i), 11))
		for round := range 60 {
			var done []string
			for range 1 + r.IntN(3) {
				done = append(done, nearFaults[r.IntN(len(nearFaults))])
			}
			n.suffer(done)
			if n.repair(); t.Failed() {
				t.Fatalf("%s, round %d, after %q", backend, round, done)
			}
		}
		if n.points < 20 {
			t.Errorf("%s: only %d of 60 repairs needed no look at everything", backend, n.points)
		}
	}
}

func needRights(t *testing.T) {
	t.Helper()
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("needs %v", missing)
		}
		t.Skipf("needs %v", missing)
	}
}

// near is a host that is kept.
type near struct {
	t      *testing.T
	netns  string
	dir    string
	top    *spec.Topology
	place  reconcile.Place
	ear    *watch.Kernel
	keeper *reconcile.Keeper
	points int // repairs without a look at everything
}

func newNear(t *testing.T, netns, backend string) *near {
	n := &near{t: t, netns: netns, dir: t.TempDir()}
	n.must("netns", "add", netns)
	t.Cleanup(func() { n.must("netns", "delete", netns) })
	n.must("-n", netns, "link", "add", "eth0", "type", "bridge")
	n.must("-n", netns, "link", "set", "eth0", "up")
	n.must("-n", netns, "address", "add", "10.0.0.1/24", "dev", "eth0")
	var problems []spec.Problem
	if n.top, problems = spec.Parse([]spec.Source{{Name: "near.yaml", Data: fmt.Appendf(nil, nearTopology, backend)}}); n.top == nil {
		t.Fatal(problems)
	}
	n.place = reconcile.Place{Root: "/run/netns/" + netns, NetnsDir: filepath.Join(n.dir, "netns"), RunDir: filepath.Join(n.dir, "run")}
	rec := n.open()
	t.Cleanup(func() { // else the directory stays
		_ = exec.Command("umount", "-l", filepath.Join(n.place.NetnsDir, "web")).Run()
		_ = exec.Command("umount", "-l", n.place.NetnsDir).Run()
	})
	var err error
	if n.ear, err = watch.NewKernel(rec.Host, n.place.NetnsDir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.ear.Close() })
	n.keeper = rec.Keep(reconcile.ApplyOptions{AllowHarm: true, AllowMgmt: true}, n.ear)
	if _, err := n.keeper.Full(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

// open opens the host as its node.
func (n *near) open() *reconcile.Reconciler {
	n.t.Helper()
	r, err := reconcile.New(n.t.Context(), n.top, "vm0", n.place)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { r.Close() })
	return r
}

func (n *near) must(args ...string) {
	n.t.Helper()
	if b, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, b)
	}
}

// suffer does what breaks the host; some of it may not go, after the rest.
func (n *near) suffer(commands []string) {
	for _, c := range commands {
		netns, args, _ := strings.Cut(c, ":")
		file := "/run/netns/" + n.netns
		if netns != "" {
			file = filepath.Join(n.dir, "netns", netns)
		}
		_ = exec.Command("nsenter", append([]string{"--net=" + file, "ip"}, strings.Fields(args)...)...).Run()
	}
}

// repair puts right what the news are about, and compares what is there with what is
// wanted, and with what the keeper knows.
func (n *near) repair() {
	ctx := n.t.Context()
	c := n.keeper.Concerns(n.ear.Take())
	var res *reconcile.Result
	err := reconcile.ErrDoubt
	if !c.All {
		res, err = n.keeper.Point(ctx, c.Keys)
	}
	point := !errors.Is(err, reconcile.ErrDoubt)
	if point {
		n.points++
	} else {
		_, err = n.keeper.Full(ctx)
	}
	if err != nil {
		n.t.Errorf("%v: %v", c, err)
		return
	}
	want := n.keeper.Want().State
	now, err := observe.State(ctx, n.keeper.Host, observe.Scope{Identity: n.keeper.Identity(), Wanted: want})
	if err != nil {
		n.t.Fatal(err)
	}
	if unlike := model.Compare(want, now).Unlike; len(unlike) > 0 {
		n.t.Errorf("%v: these are not right: %v", c, unlike)
	}
	if !point {
		return
	}
	if d := cmp.Diff(ours(want, now), ours(want, res.Observed)); d != "" { // which the last look has brought up to date
		n.t.Errorf("%v: it is not as the keeper knows it (-there +known):\n%s", c, d)
	}
}

// ours is what a state has that is wanted, or ours, as text.
func ours(want, s *model.State) []string {
	var l []string
	for e := range s.All() {
		if want.Has(e.Object.Key()) || e.Owner.Mine() {
			l = append(l, fmt.Sprintf("%v %+v", e.Owner, e.Object))
		}
	}
	return l
}
