package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// anotherVNI is a script of ip that makes the overlay device anew, with a VNI that is not
// the topology's. To put that right takes down what leads packets to a peer.
const anotherVNI = `link delete vxlan1
link add vxlan1 group 157 type vxlan id 2 dstport 8472 local 192.168.32.245 dev eth0
link set vxlan1 alias netplan-overlay:classic/vm1 up
route add 172.246.0.0/24 dev vxlan1 proto 157
`

// What would do more harm than is approved is left alone, and told, until somebody runs
// apply; all else is put right.
func TestWatchApproveImpact(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	batch := w.file("batch", anotherVNI)
	watch := h.watch(file, "--approve-impact", "brief")
	watch.is("in sync", inSync)
	watch.asleep(func() {
		h.ip("-batch", batch)
		h.inside("ns245", "route", "delete", "default")
	})
	watch.is("the device is left alone", func(s *status.Status) bool {
		x := heldFor(s, "link vxlan1")
		return s.State == status.Drifted && x != nil && x.Why == status.HeldImpact && strings.Contains(x.Detail, "apply does it")
	})
	w.until("the default route is there", func() bool { return strings.Contains(h.inside("ns245", "route"), "default") })
	h.inside("ns245", "link", "set", "eth0", "down")
	w.until("and again", func() bool { return strings.Contains(h.inside("ns245", "route"), "default") })
	if !strings.Contains(h.ip("-d", "link", "show", "vxlan1"), "vxlan id 2 ") {
		t.Error("the device was made anew")
	}
	if r := h.tool("status"); r.code != exitChanges || !strings.Contains(r.out, "link vxlan1   impact since") {
		t.Errorf("status: exit code %d\n%s", r.code, r.out)
	}
	h.apply(file)
	watch.is("in sync by hand", func(s *status.Status) bool { return inSync(s) && len(s.Held) == 0 })
}

// Of disruptive changes, only a few are made at a time, and when there may be one more is
// told. What is put right in place isn't one of them, however much of it there is.
func TestWatchPace(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	const peers = 20
	var wrong strings.Builder
	for i := range peers {
		fmt.Fprintf(&wrong, "neighbour replace 10.%d.1.0 lladdr 02:00:00:00:00:02 dev vxlan1 nud permanent protocol 157\n", 100+i)
	}
	file, neighbours, device := w.file("topology.yaml", two("vxlan")+manyFar(peers)), w.file("neighbours", wrong.String()), w.file("device", anotherVNI)
	watch := h.watch(file, "--max-disruptive", "1")
	watch.is("in sync", inSync)

	watch.asleep(func() { h.ip("-batch", neighbours) })
	watch.is("all neighbours are right", func(s *status.Status) bool {
		return inSync(s) && s.Counters.Drift["neighbour"] == peers && !strings.Contains(h.ip("neighbour", "show", "dev", "vxlan1"), "02:00:00:00:00:02")
	})

	watch.asleep(func() { h.ip("-batch", device) })
	watch.is("the first one is put right", func(s *status.Status) bool { return inSync(s) && s.Counters.Drift["link"] == 1 })
	watch.asleep(func() { h.ip("-batch", device) })
	s := watch.is("the second one waits", func(s *status.Status) bool { return heldFor(s, "link vxlan1") != nil })
	if x := heldFor(s, "link vxlan1"); x.Why != status.HeldPace || x.Next.Before(s.Now) || x.Next.After(s.Now.Add(time.Minute)) {
		t.Errorf("held: %+v", x)
	}
}
