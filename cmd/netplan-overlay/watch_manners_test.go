package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// heldFor returns why an object is left alone, or nil.
func heldFor(s *status.Status, object string) *status.Held {
	i := slices.IndexFunc(s.Held, func(h status.Held) bool { return h.Object == object })
	if i < 0 {
		return nil
	}
	return &s.Held[i]
}

// One object that can't be had is left alone, and the others are put right; it is when
// what stood in its way has gone.
func TestWatchImpossible(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	watch.asleep(func() {
		h.ip("link", "delete", "br245")
		h.ip("link", "add", "br245", "type", "veth", "peer", "name", "br245p") // somebody else's
		h.ip("route", "delete", "172.246.0.0/24")
	})
	w.until("something else is put right", func() bool { return strings.Contains(h.ip("route"), "172.246.0.0/24") })
	s := watch.is("the bridge is left alone", func(s *status.Status) bool { return s.State == status.Drifted && heldFor(s, "link br245") != nil })
	if x := heldFor(s, "link br245"); x.Why != status.HeldConflict {
		t.Errorf("held: %+v", x)
	}
	h.ip("neighbour", "delete", "172.246.0.0", "dev", "vxlan1")
	w.until("something else is put right again", func() bool { return strings.Contains(h.ip("neighbour", "show", "dev", "vxlan1"), "172.246.0.0") })
	if n := watch.count(`"msg":"left alone: link br245"`); n != 1 {
		t.Errorf("it was told %d times", n)
	}
	// The port cannot be put on somebody else's veth: that fails, and is tried again.
	if x := heldFor(watch.status(), "link veth-ns245"); x == nil || x.Why != status.HeldFailing || x.Next.IsZero() {
		t.Errorf("held: %+v", x)
	}
	h.ip("link", "delete", "br245")
	watch.is("in sync", func(s *status.Status) bool { return inSync(s) && len(s.Held) == 0 })
	watch.right(file)
}

// A host without its underlay address is waited for, without failing, and without asking
// again and again.
func TestWatchUnderlay(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	h.ip("address", "delete", "192.168.32.245/24", "dev", "eth0")
	watch := h.watch(file)
	s := watch.is("waiting", func(s *status.Status) bool { return s.State == status.Waiting })
	if !strings.Contains(s.Reason, "192.168.32.245") {
		t.Errorf("it waits for %q", s.Reason)
	}
	passes := s.Counters.Passes[status.PassFile]
	h.ip("link", "add", "other", "type", "bridge") // news, but not that
	if n := watch.status().Counters.Passes[status.PassFile]; n > passes+2 {
		t.Errorf("tried %d times for nothing", n-passes)
	}
	h.ip("link", "delete", "eth0")
	h.w.must("ip", "-n", w.id+"fabric", "link", "add", "again", "type", "veth", "peer", "name", "eth0", "netns", h.netns)
	h.w.must("ip", "-n", w.id+"fabric", "link", "set", "again", "master", "underlay", "up")
	h.ip("link", "set", "eth0", "up")
	h.ip("address", "add", "192.168.32.245/24", "dev", "eth0")
	watch.is("in sync", inSync)
	watch.right(file)

	// The underlay goes while all is well, and comes back.
	h.ip("link", "delete", "eth0")
	watch.is("waiting again", func(s *status.Status) bool { return s.State == status.Waiting })
	h.w.must("ip", "-n", w.id+"fabric", "link", "add", "third", "type", "veth", "peer", "name", "eth0", "netns", h.netns)
	h.w.must("ip", "-n", w.id+"fabric", "link", "set", "third", "master", "underlay", "up")
	h.ip("link", "set", "eth0", "up")
	h.ip("address", "add", "192.168.32.245/24", "dev", "eth0")
	watch.is("in sync after the underlay has come back", inSync)
	w.hosts[1].apply(file)
	h.ping("ns245", "172.246.0.2")
}

// What somebody changes back again and again is left to him, by name; all else is put
// right, and a reload tries again.
func TestWatchFight(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	rival := h.rival()
	for i := range 5 {
		w.until(fmt.Sprintf("the MTU is right (%d)", i), func() bool { return strings.Contains(h.ip("link", "show", "br245"), "mtu 1450") })
		rival.do("link set br245 mtu 1300")
		rival.do("route del 172.246.0.0/24")
		if i < 4 {
			w.until("the route is there", func() bool { return strings.Contains(h.ip("route"), "172.246.0.0/24") })
		}
	}
	s := watch.is("contested", func(s *status.Status) bool {
		return heldFor(s, "link br245") != nil && heldFor(s, "route 172.246.0.0/24") != nil
	})
	who := fmt.Sprintf("ip (process %d)", rival.cmd.Process.Pid) // of links, the kernel doesn't tell
	if x := heldFor(s, "route 172.246.0.0/24"); x.Why != status.HeldContested || !strings.Contains(x.Detail, who) {
		t.Errorf("the route is held: %+v, not contested by %s", x, who)
	}
	if x := heldFor(s, "link br245"); x.Why != status.HeldContested || !strings.Contains(x.Detail, "mtu") {
		t.Errorf("the bridge is held: %+v", x)
	}
	rival.do("link set br245 mtu 1301")
	h.ip("neighbour", "delete", "172.246.0.0", "dev", "vxlan1")
	w.until("something else is put right", func() bool { return strings.Contains(h.ip("neighbour", "show", "dev", "vxlan1"), "172.246.0.0") })
	if l := h.ip("link", "show", "br245"); !strings.Contains(l, "mtu 1301") {
		t.Errorf("what is contested was changed again: %s", l)
	}
	if r := h.tool("status"); r.code != exitChanges || !strings.Contains(r.out, "br245") {
		t.Errorf("status: exit code %d\n%s", r.code, r.out)
	}
	_ = watch.cmd.Process.Signal(syscall.SIGHUP)
	watch.is("in sync after a reload", func(s *status.Status) bool { return inSync(s) && len(s.Held) == 0 })
	watch.right(file)
}

// rival is an ip that lives, and does what it is told.
type rival struct {
	cmd *exec.Cmd
	in  *os.File
}

func (h *host) rival() *rival {
	h.w.t.Helper()
	r, in, err := os.Pipe()
	if err != nil {
		h.w.t.Fatal(err)
	}
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = r
	if err := h.door.In("", cmd.Start); err != nil {
		h.w.t.Fatal(err)
	}
	r.Close()
	h.w.t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	return &rival{cmd, in}
}

func (r *rival) do(line string) { fmt.Fprintln(r.in, line) }

// A dry run tells what differs, as it comes and goes, and sends nothing to the kernel.
func TestWatchDryRun(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	h.apply(file)
	watch := h.watch(file, "--dry-run")
	watch.is("in sync", inSync)
	h.ip("route", "delete", "172.246.0.0/24")
	h.ip("link", "set", "br245", "mtu", "1300")
	s := watch.is("two objects differ", func(s *status.Status) bool { return s.State == status.Drifted && len(s.Drift) == 2 })
	if s.Counters.Steps != 0 || !strings.Contains(h.ip("link", "show", "br245"), "mtu 1300") {
		t.Errorf("a dry run has written %d times", s.Counters.Steps)
	}
	h.ip("neighbour", "delete", "172.246.0.0", "dev", "vxlan1")
	watch.is("three objects differ", func(s *status.Status) bool { return s.State == status.Drifted && len(s.Drift) == 3 })
	h.apply(file)
	watch.is("in sync again", func(s *status.Status) bool { return inSync(s) && len(s.Drift) == 0 })
	h.ip("link", "delete", "br245")
	h.ip("link", "add", "br245", "type", "veth", "peer", "name", "br245p") // somebody else's
	watch.is("a conflict", func(s *status.Status) bool { return s.State == status.Drifted && heldFor(s, "link br245") != nil })
}

// What goes without a word of the kernel is put right all the same.
func TestWatchSilentLosses(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	w.hosts[1].apply(file)
	watch := h.watch(file)
	watch.is("in sync", inSync)
	for _, loss := range []struct{ netns, batch string }{
		{"", "link set vxlan1 down\nlink set vxlan1 up\n"},
		{"ns245", "link set eth0 down\nlink set eth0 up\n"},
		{"", "address delete 172.245.0.0/32 dev vxlan1\n"},
		{"ns245", "address flush dev eth0\n"},
		{"", "address flush dev br245\n"},
		{"", "nexthop add id 77 via 192.168.32.246 dev eth0\nroute replace 172.246.0.0/24 nhid 77 proto 157\nnexthop delete id 77\n"},
		{"", "link set vxlan1 address 02:00:00:00:00:77\nlink set vxlan1 address " + h.mac("vxlan1") + "\n"},
	} {
		path := w.file("batch", loss.batch)
		watch.asleep(func() {
			h.in(loss.netns, "ip", "-force", "-batch", path)
			h.wrong(file, loss.batch)
		})
		watch.right(file)
		h.ping("ns245", "172.246.0.2")
	}
}

func (h *host) mac(link string) string {
	return fmt.Sprint(h.jsonOf("", "ip", "link", "show", link)[0]["address"])
}

// What nobody tells of is found from time to time.
func TestWatchTimer(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", strings.Replace(two("vxlan"), "{ns245: 172.245.0.2/24}",
		"{ns245: {interfaces: {eth0: {addresses: [172.245.0.2/24]}}, sysctls: {net.ipv4.conf.all.accept_redirects: 0}}}", 1))
	watch := h.watch(file, "--interval", "1s")
	watch.is("in sync", inSync)
	const path = "/proc/sys/net/ipv4/conf/all/accept_redirects"
	timed := func(n uint64) func(*status.Status) bool {
		return func(s *status.Status) bool { return s.Counters.Passes[status.PassTimer] >= n }
	}
	before := watch.is("calm", timed(4)).Counters // until IPv6 addresses have come of age
	h.in("ns245", "sh", "-c", "echo 1 >"+path)
	w.until("the sysctl is right", func() bool { return h.in("ns245", "cat", path).out == "0\n" })
	after := watch.is("looked", timed(before.Passes[status.PassTimer]+1)).Counters
	if after.Passes[status.PassEvent] != before.Passes[status.PassEvent] {
		t.Error("it was not the timer")
	}
}

// Drift in the midst of more news than fits is put right.
func TestWatchOverrun(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	h.ip("link", "add", "far", "type", "bridge")
	h.ip("link", "set", "far", "up")
	h.ip("address", "add", "10.0.0.1/8", "dev", "far")
	var add, remove strings.Builder
	for i := range 50_000 {
		route := fmt.Sprintf("10.%d.%d.%d/32 dev far\n", 1+i/62500, i/250%250, i%250)
		add.WriteString("route add " + route)
		remove.WriteString("route del " + route)
	}
	adds, removes := w.file("adds", add.String()), w.file("removes", remove.String())
	watch.asleep(func() {
		h.ip("-batch", adds)
		h.ip("route", "delete", "172.246.0.0/24")
		h.ip("-batch", removes)
		h.ip("neighbour", "delete", "172.246.0.0", "dev", "vxlan1")
	})
	watch.right(file)
	if s := watch.status(); s.Counters.Overruns == 0 {
		t.Errorf("no overrun was counted among %d events: the test shows nothing", s.Counters.Events)
	}
}

// What watch does itself is no news to it.
func TestWatchOwnChanges(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	quiet := func(while time.Duration) *status.Status { // until all that is late has come: IPv6 addresses
		var s *status.Status
		for still := time.Now(); time.Since(still) < while; time.Sleep(50 * time.Millisecond) {
			now := watch.status()
			if s == nil || now.Counters.Events != s.Counters.Events {
				s, still = now, time.Now()
			}
		}
		return s
	}
	before := quiet(3 * time.Second)
	h.ip("route", "delete", "172.246.0.0/24")
	quiet(300 * time.Millisecond)
	h.ip("neighbour", "delete", "172.246.0.0", "dev", "vxlan1")
	after := quiet(300 * time.Millisecond)
	points := after.Counters.Passes[status.PassPoint] - before.Counters.Passes[status.PassPoint]
	if points != 2 || after.Counters.Passes[status.PassEvent] != before.Counters.Passes[status.PassEvent] {
		t.Errorf("two faults led to %d looks, and to %d at everything", points, after.Counters.Passes[status.PassEvent]-before.Counters.Passes[status.PassEvent])
	}
	if steps := after.Counters.Steps - before.Counters.Steps; steps != 2 {
		t.Errorf("two faults led to %d writes", steps)
	}
}

// While somebody's change waits to be confirmed, the host is left alone. Two watches don't
// fight: the second one says who is the first.
func TestWatchAndOthers(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	if r := h.tool("watch", "-f", file, "--state-dir", h.runDir()+"-state2"); r.code != exitError || !strings.Contains(r.err, fmt.Sprint(watch.cmd.Process.Pid)) {
		t.Errorf("a second watch: exit code %d\n%s", r.code, r.err)
	}
	other := w.file("other.yaml", with("brx: 10.99.0.1/24"))
	h.apply(other, "--confirm", "60s")
	watch.is("unattended", func(s *status.Status) bool { return s.State == status.Unattended })
	h.ip("link", "show", "brx")
	if r := h.tool("confirm"); r.code != exitOK {
		t.Fatal(r.err)
	}
	watch.right(file) // the file is what counts
	if strings.Contains(h.ip("link"), "brx") {
		t.Error("the bridge of another file is still there")
	}
}

// However it ends, the network stays; and nothing but its state is left behind.
func TestWatchEnds(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	w.hosts[1].apply(file)
	for i, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT, syscall.SIGKILL} {
		watch := h.watch(file)
		if i > 0 { // killed in the midst of something
			watch.is("alive", func(*status.Status) bool { return true })
			h.ip("link", "delete", "vxlan1")
		} else {
			watch.is("in sync", inSync)
		}
		watch.stop(s)
	}
	watch := h.watch(file)
	watch.is("in sync", inSync)
	watch.right(file)
	h.ping("ns245", "172.246.0.2")
	watch.stop(syscall.SIGTERM)
	h.ping("ns245", "172.246.0.2")
	left, err := filepath.Glob(h.runDir() + "/*.sock")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// A namespace that somebody deletes is not kept alive by whoever listens in it.
func TestWatchLetsGo(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", with("bry: {addresses: [10.98.0.1/24]}"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	for range 5 {
		index := h.linkIndex("veth-ns245")
		h.door.Close()
		watch.asleep(func() {
			w.must("umount", "-l", h.dir+"/ns245")
			w.must("rm", h.dir+"/ns245")
		})
		w.until("the veth is another one", func() bool {
			now := h.linkIndex("veth-ns245")
			return now != "" && now != index
		})
		watch.right(file)
		_ = watch.cmd.Process.Signal(syscall.SIGHUP) // that is no fight
	}
}

// linkIndex returns the index of a link, "" where there is none.
func (h *host) linkIndex(link string) string {
	r := h.in("", "ip", "-o", "link", "show", link)
	index, _, _ := strings.Cut(r.out, ":")
	return index
}
