package main

import (
	"fmt"
	"strings"
	"testing"
)

// Beside more routes of others than are all kept, the tool says just what it says without
// them: of those that its plan is about, it misses none, wherever they lead.
func TestAmongManyRoutes(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.1/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", three)
	h.apply(file)
	h.ip("link", "add", "above", "link", "br1", "type", "macvlan")
	h.ip("link", "set", "above", "up")
	h.ip("address", "add", "10.98.0.1/24", "dev", "above")
	for _, route := range []string{
		"10.97.0.0/16 via 10.98.0.2", "10.96.0.0/16 dev br1", "2001:db8:77::/48 dev br1",
		"10.95.0.0/16 via 192.168.32.254 src 172.16.1.1", "10.94.0.0/16 nexthop via 192.168.32.254 nexthop dev br1",
	} {
		h.ip(append([]string{"route", "add"}, strings.Fields(route)...)...)
	}
	theirs := []string{"10.98.0.1/24", "10.97.0.0/16", "10.96.0.0/16", "2001:db8:77::/48", "10.95.0.0/16", "10.94.0.0/16"}

	said := func() (all []string) {
		for _, args := range [][]string{{"plan"}, {"plan", "--adopt"}, {"destroy", "--auto-approve"}} {
			r := h.tool(append(args, "-f", file)...)
			all = append(all, fmt.Sprintf("%s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err))
		}
		return all
	}
	rest := said()
	h.ip("link", "delete", "brx")
	h.ip("route", "replace", "172.16.2.0/24", "via", "192.168.32.254", "proto", "bird")
	broken := said()
	for _, r := range append(theirs, "172.16.2.0/24") {
		if !strings.Contains(broken[2]+broken[0], r) {
			t.Errorf("without others' routes, nothing is said of %s:\n%s%s", r, broken[0], broken[2])
		}
	}

	const many = 12_000
	var b strings.Builder
	for i := range many {
		fmt.Fprintf(&b, "route add 20.%d.%d.0/24 via 192.168.32.254 proto bird\n", i/256, i%256)
	}
	h.ip("-batch", w.file("routes", b.String()))
	for i, got := range said() {
		if got != broken[i] {
			t.Errorf("beside %d routes:\n%s\nwithout:\n%s", many, got, broken[i])
		}
	}
	h.ip("route", "delete", "172.16.2.0/24")
	h.apply(file)
	h.converged(file)
	for i, got := range said() {
		if got != rest[i] {
			t.Errorf("beside %d routes, at rest:\n%s\nwithout:\n%s", many, got, rest[i])
		}
	}
	if r := h.tool("destroy", "-f", file, "--auto-approve", "--allow-harm"); r.code != exitOK {
		t.Errorf("destroy --allow-harm: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if n := strings.Count(h.ip("route", "show", "proto", "bird"), "\n"); n != many {
		t.Errorf("%d of others' %d routes are left", n, many)
	}
}
