package main

import (
	"strings"
	"testing"
)

// What is broken of IPv6 is put right by the event that it makes, or that something else
// makes: the kernel takes addresses and routes away in other cases than those of IPv4.
func TestWatchDriftIPv6(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24 2001:db8::1/64", "192.168.32.246/24 2001:db8::2/64")
	h := w.hosts[0]
	file := w.file("topology.yaml", strings.Replace(strings.Replace(probed, "BACKEND", "vxlan", 1), "probe:", "x-probe:", 1))
	w.hosts[1].apply(file)
	watch := h.watch(file, "--max-disruptive", "100")
	watch.right(file)
	for _, script := range []string{
		"ip address delete fd00:245::1/64 dev br245",
		"ip -6 address flush dev br245 scope global",
		"ip -6 route delete fd00:246::/64",
		"ip -6 route flush proto 157",
		"ip -6 route change fd00:246::/64 via 2001:db8::99 proto 157 || ip -6 route replace fd00:246::/64 via 2001:db8::99 proto 157",
		"ip -6 neighbour flush dev vxlan1 nud permanent",
		"ip link set vxlan1 down; ip link set vxlan1 up",
		"ip link set br245 down; ip link set br245 up",
		"ip link set br245 down",
		"ip -6 address flush dev vxlan1",
		"ip nexthop add id 66 via 2001:db8::2 dev eth0; ip -6 route replace fd00:246::/64 nhid 66 proto 157; ip nexthop delete id 66",
		"echo 0 >/proc/sys/net/ipv6/conf/all/forwarding",
		"echo 1 >/proc/sys/net/ipv6/conf/br245/disable_ipv6; echo 0 >/proc/sys/net/ipv6/conf/br245/disable_ipv6",
		"inside ip -6 route delete default",
		"inside ip address delete fd00:245::2/64 dev eth0",
		"inside ip link set eth0 down; inside ip link set eth0 up",
	} {
		watch.asleep(func() {
			r := h.in("", "sh", "-ec", "inside() { nsenter --net="+h.dir+"/ns245 \"$@\"; }; "+script)
			if r.code != 0 {
				t.Fatalf("%s: %s", script, r.err)
			}
			h.wrong(file, script)
		})
		watch.right(file)
		h.ping("ns245", "fd00:246::2")
		h.ping("ns245", "10.246.0.2")
	}
	if strings.Contains(watch.out.String(), "left alone") {
		t.Error("watch has given something up")
	}
}
