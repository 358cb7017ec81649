package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// drift is something that others do to the host of twoHosts with the backend vxlan, and
// what puts it right.
type drift struct {
	name  string
	drift [][]string // of ip on the host; "bridge" and "inside" come first for others
	want  []string
}

var drifts = []drift{
	{"bridge deleted", [][]string{{"link", "delete", "br245"}}, []string{
		"create link br245", "create address 172.245.0.1/24 on br245", "update link veth-ns245 master",
	}},
	{"bridge down", [][]string{{"link", "set", "br245", "down"}}, []string{"update link br245 up"}},
	{"bridge MTU", [][]string{{"link", "set", "br245", "mtu", "1400"}}, []string{"update link br245 mtu"}},
	{"bridge MAC", [][]string{{"link", "set", "br245", "address", "02:00:00:00:00:01"}}, []string{"update link br245 mac"}},
	{"bridge address deleted", [][]string{{"address", "delete", "172.245.0.1/24", "dev", "br245"}}, []string{"create address 172.245.0.1/24 on br245"}},
	{"veth deleted", [][]string{{"link", "delete", "veth-ns245"}}, []string{
		"create link veth-ns245", "create link eth0 in ns245", "create address 172.245.0.2/24 on eth0 in ns245", "create route default in ns245",
	}},
	{"veth off its bridge", [][]string{{"link", "set", "veth-ns245", "nomaster"}}, []string{"update link veth-ns245 master"}},
	{"veth down", [][]string{{"link", "set", "veth-ns245", "down"}}, []string{"update link veth-ns245 up"}},
	{"veth MTU", [][]string{{"link", "set", "veth-ns245", "mtu", "1300"}}, []string{"update link veth-ns245 mtu"}},
	{"eth0 down", [][]string{{"inside", "link", "set", "eth0", "down"}}, []string{
		"update link eth0 in ns245 up", "create route default in ns245",
	}},
	{"eth0 MTU", [][]string{{"inside", "link", "set", "eth0", "mtu", "1300"}}, []string{"update link eth0 in ns245 mtu"}},
	{"eth0 address deleted", [][]string{{"inside", "address", "delete", "172.245.0.2/24", "dev", "eth0"}}, []string{
		"create address 172.245.0.2/24 on eth0 in ns245", "create route default in ns245",
	}},
	{"default route deleted", [][]string{{"inside", "route", "delete", "default"}}, []string{"create route default in ns245"}},
	{"default route changed", [][]string{{"inside", "route", "change", "default", "via", "172.245.0.77", "proto", "157"}}, []string{"update route default in ns245 via"}},
	{"lo down", [][]string{{"inside", "link", "set", "lo", "down"}}, []string{"update netns ns245 lo up"}},
	{"vxlan deleted", [][]string{{"link", "delete", "vxlan1"}}, []string{
		"create link vxlan1", "create address 172.245.0.0/32 on vxlan1", "create neighbour 172.246.0.0 on vxlan1",
		"create fdb FAR on vxlan1", "create route 172.246.0.0/24",
	}},
	{"vxlan down", [][]string{{"link", "set", "vxlan1", "down"}}, []string{
		"update link vxlan1 up", "create neighbour 172.246.0.0 on vxlan1", "create route 172.246.0.0/24",
	}},
	{"vxlan MAC", [][]string{{"link", "set", "vxlan1", "address", "02:00:00:00:00:01"}}, []string{
		"update link vxlan1 mac", "create neighbour 172.246.0.0 on vxlan1",
	}},
	{"vxlan MTU", [][]string{{"link", "set", "vxlan1", "mtu", "1400"}}, []string{"update link vxlan1 mtu"}},
	{"vxlan learning", [][]string{{"link", "set", "vxlan1", "type", "vxlan", "learning"}}, []string{"update link vxlan1 learning"}},
	{"vxlan of another VNI", [][]string{
		{"link", "delete", "vxlan1"},
		{"link", "add", "vxlan1", "group", "157", "type", "vxlan", "id", "2", "dstport", "8472", "local", "192.168.32.245", "dev", "eth0"},
		{"link", "set", "vxlan1", "alias", "netplan-overlay:classic/vm1"},
	}, []string{
		"replace link vxlan1 vni learning mac up", "create address 172.245.0.0/32 on vxlan1", "create neighbour 172.246.0.0 on vxlan1",
		"create fdb FAR on vxlan1", "create route 172.246.0.0/24",
	}},
	{"neighbour deleted", [][]string{{"neighbour", "delete", "172.246.0.0", "dev", "vxlan1"}}, []string{"create neighbour 172.246.0.0 on vxlan1"}},
	{"neighbour changed", [][]string{{"neighbour", "replace", "172.246.0.0", "lladdr", "02:00:00:00:00:02", "dev", "vxlan1", "nud", "permanent", "protocol", "157"}}, []string{"update neighbour 172.246.0.0 on vxlan1 mac"}},
	{"FDB entry deleted", [][]string{{"bridge", "fdb", "delete", "FAR", "dev", "vxlan1", "dst", "192.168.32.246"}}, []string{"create fdb FAR on vxlan1"}},
	{"FDB entry changed", [][]string{{"bridge", "fdb", "replace", "FAR", "dev", "vxlan1", "dst", "192.168.32.99"}}, []string{"update fdb FAR on vxlan1 dst"}},
	{"FDB entry of nobody", [][]string{{"bridge", "fdb", "add", "02:00:00:00:00:03", "dev", "vxlan1", "dst", "192.168.32.99"}}, []string{"delete fdb 02:00:00:00:00:03 on vxlan1"}},
	{"route deleted", [][]string{{"route", "delete", "172.246.0.0/24"}}, []string{"create route 172.246.0.0/24"}},
	{"route changed", [][]string{{"route", "change", "172.246.0.0/24", "via", "192.168.32.99", "proto", "157"}}, []string{"update route 172.246.0.0/24 via dev onlink"}},
	{"another route in front", [][]string{{"route", "prepend", "172.246.0.0/24", "via", "192.168.32.99", "proto", "157"}}, []string{"update route 172.246.0.0/24 via dev onlink"}},
	{"route of ours too many", [][]string{{"route", "add", "10.77.0.0/16", "via", "192.168.32.99", "proto", "157"}}, []string{"delete route 10.77.0.0/16"}},
	{"sysctl", [][]string{{"sysctl", "net.ipv4.ip_forward", "0"}}, []string{"update sysctl net.ipv4.ip_forward value"}},
	{"namespace deleted", [][]string{{"netns"}}, []string{
		"create netns ns245", "create link veth-ns245", "create link eth0 in ns245",
		"create address 172.245.0.2/24 on eth0 in ns245", "create route default in ns245",
	}},
	{"half-made link", [][]string{{"link", "add", "debris", "group", "157", "type", "bridge"}}, []string{"delete link debris"}},
}

// Every single drift is seen by plan as just that difference with its consequences,
// and apply repairs it.
func TestDrift(t *testing.T) {
	for i, tc := range drifts {
		if slow() && i%2 == 1 {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w := twoHosts(t)
			h := w.hosts[0]
			file := w.file("topology.yaml", two("vxlan"))
			w.applyAll(file)
			far := fmt.Sprint(w.hosts[1].jsonOf("", "ip", "link", "show", "vxlan1")[0]["address"])
			for _, d := range tc.drift {
				h.drift(d, far)
			}
			var want []string
			for _, l := range tc.want {
				want = append(want, strings.ReplaceAll(l, "FAR", far))
			}
			sameLines(t, "the plan", h.planned(file).lines(), want)
			h.apply(file)
			h.converged(file)
			h.ping("ns245", "172.246.0.2")
		})
	}
}

// A foreign route that the kernel takes instead of ours, which stands behind it, is a
// conflict; who adopts it has ours again.
func TestForeignRouteInFront(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	w.applyAll(file)
	h.ip("route", "prepend", "172.246.0.0/24", "via", "192.168.32.99", "proto", "bird")
	if r := h.tool("plan", "-f", file); r.code != exitError || !strings.Contains(r.out, "made by bird") {
		t.Errorf("plan: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	h.apply(file, "--adopt")
	h.converged(file)
	h.ping("ns245", "172.246.0.2")
	h.ip("route", "append", "172.246.0.0/24", "via", "192.168.32.99", "proto", "bird") // that nobody takes
	h.converged(file)
}

// drift changes the host behind the tool's back.
func (h *host) drift(d []string, far string) {
	h.w.t.Helper()
	d = slices.Clone(d)
	for i := range d {
		if d[i] == "FAR" {
			d[i] = far
		}
	}
	switch d[0] {
	case "bridge":
		h.bridge(d[1:]...)
	case "inside":
		h.inside("ns245", d[1:]...)
	case "sysctl":
		if r := h.in("", "sh", "-c", "echo "+d[2]+" > /proc/sys/"+strings.ReplaceAll(d[1], ".", "/")); r.code != 0 {
			h.w.t.Fatal(r.err)
		}
	case "netns":
		h.w.must("umount", h.dir+"/ns245")
		h.w.must("rm", h.dir+"/ns245")
		h.door.Close()
		h.w.until("the veth is gone with its namespace", func() bool {
			return !strings.Contains(h.ip("link", "show"), "veth-ns245")
		})
	default:
		h.ip(d...)
	}
}

// tunnelDrifts are those of the kinds that only ipip has.
var tunnelDrifts = []struct {
	name, backend string
	drift         []string
	want          []string
}{
	{"tunnel deleted", "ipip", []string{"link", "delete", "ipip-overlay"}, []string{
		"create link ipip-overlay", "create address 172.245.0.0/32 on ipip-overlay", "create route 172.246.0.0/24",
	}},
	{"tunnel down", "ipip", []string{"link", "set", "ipip-overlay", "down"}, []string{"update link ipip-overlay up", "create route 172.246.0.0/24"}},
	{"tunnel MTU", "ipip", []string{"link", "set", "ipip-overlay", "mtu", "1400"}, []string{"update link ipip-overlay mtu"}},
	{"remote changed", "{type: ipip, mode: per-peer}", []string{"link", "change", "ipip-vm2", "type", "ipip", "local", "192.168.32.245", "remote", "192.168.32.99"}, []string{"update link ipip-vm2 remote"}},
	{"local changed", "ipip", []string{"link", "change", "ipip-overlay", "type", "ipip", "local", "192.168.32.99"}, []string{"update link ipip-overlay local"}},
}

func TestDriftIPIP(t *testing.T) {
	needIPIP(t)
	for _, tc := range tunnelDrifts {
		t.Run(tc.name, func(t *testing.T) {
			w := twoHosts(t)
			h := w.hosts[0]
			file := w.file("topology.yaml", two(tc.backend))
			w.applyAll(file)
			h.drift(tc.drift, "")
			sameLines(t, "the plan", h.planned(file).lines(), tc.want)
			h.apply(file)
			h.converged(file)
			h.ping("ns245", "172.246.0.2")
		})
	}
}
