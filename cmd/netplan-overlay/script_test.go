package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// Run on a fresh host instead of apply, the script of each example makes what apply
// makes; plan finds at most the marks of addresses missing, which older iproute2 cannot
// set.
func TestScriptInsteadOfFirstApply(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			top, _, err := spec.Load([]string{file}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if top.Backend.Type == spec.IPIP {
				needIPIP(t)
			} else {
				hostOnly(t)
			}
			h := exampleHost(t, top)
			file, err = filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			h.run(h.script(file))
			if l := h.planned(file, "--adopt").lines(); slices.ContainsFunc(l, func(s string) bool { return !strings.HasPrefix(s, "adopt address ") }) {
				t.Errorf("plan after the script: %q", l)
			}
			if slow() {
				return
			}
			got := h.shapeLines()
			h.apply(file, "--adopt")
			h.converged(file)
			if r := h.tool("destroy", "-f", file, "--auto-approve"); r.code != exitOK {
				t.Fatal(r.err)
			}
			h.apply(file)
			sameLines(t, "the script's host", got, h.shapeLines())
		})
	}
}

// exampleHost is a host for the first node of a topology.
func exampleHost(t *testing.T, top *spec.Topology) *host {
	t.Helper()
	var own []string
	for _, a := range top.Nodes[0].Addresses {
		own = append(own, a.String()+map[int]string{4: "/24", 6: "/64"}[model.Family(a)])
	}
	h := newWorld(t, strings.Join(own, " ")).hosts[0]
	h.name = top.Nodes[0].Name
	h.ip("link", "set", "eth0", "mtu", "9000") // one example wants that
	return h
}

// script is the script of a plan.
func (h *host) script(file string, args ...string) string {
	h.w.t.Helper()
	r := h.tool(append([]string{"plan", "-f", file, "--format", "iproute2"}, args...)...)
	if r.code != exitOK {
		h.w.t.Fatal(r.err)
	}
	return r.out
}

// run runs a script on the host, where ip finds its namespaces in /run/netns: in a mount
// namespace whose mounts reach the host's own directory, but no other.
func (h *host) run(script string) {
	h.w.t.Helper()
	err := unix.Mount("", h.dir, "", unix.MS_SHARED, "") // the tool has made it a mount, if it has made a namespace
	if err != nil {
		err = errors.Join(unix.Mount(h.dir, h.dir, "", unix.MS_BIND, ""), unix.Mount("", h.dir, "", unix.MS_SHARED, ""))
	}
	if err != nil {
		h.w.t.Fatal(err)
	}
	path := h.w.file("plan.sh", script)
	r := h.in("", "unshare", "--mount", "--propagation", "unchanged", "sh", "-euc",
		`mount --make-private /run/netns; mount --rbind "$0" /run/netns; sh "$1"`, h.dir, path)
	if r.code != 0 {
		h.w.t.Fatalf("the script: %s%s\n%s", r.out, r.err, script)
	}
}

const secondSubnet = `apiVersion: netplan-overlay/v1
name: classic
backend: vxlan
nodes:
  vm1:
    address: 192.168.32.1
    bridges:    {br1: [172.16.1.1/24, "fd42:1::1/64"]}
    namespaces: {web: {interfaces: {eth0: {addresses: [172.16.1.2/24, "fd42:1::2/64"]}}, sysctls: {net.ipv4.ip_forward: 1}}}
`

// What the kernel's door does beside the messages of a step, the script does, too: an
// address stays that another of its subnet is taken from, a route to an IPv6 gateway is
// shown the way when the gateway seems to be elsewhere, and a sysctl gets back what it had.
func TestScriptHelps(t *testing.T) {
	hostOnly(t)
	h := newWorld(t, "192.168.32.1/24 2001:db8::1/64").hosts[0]
	h.apply(h.w.file("old.yaml", secondSubnet))
	h.ip("address", "add", "172.16.1.99/24", "dev", "br1")
	h.ip("-6", "route", "add", "fd42::/16", "via", "2001:db8::9", "dev", "eth0")
	file := h.w.file("new.yaml", strings.NewReplacer("172.16.1.1/24", "172.16.1.5/24", "sysctls: {net.ipv4.ip_forward: 1}", "").Replace(secondSubnet)+`
  vm2:
    address: 192.168.32.2
    bridges: {br2: ["fd42:2::1/64"]}
`)
	h.run(h.script(file))
	if l := h.planned(file, "--adopt").lines(); slices.ContainsFunc(l, func(s string) bool { return !strings.HasPrefix(s, "adopt address ") }) {
		t.Errorf("plan after the script: %q", l)
	}
	if got := h.ip("-4", "address", "show", "dev", "br1"); strings.Contains(got, "172.16.1.1/") || !strings.Contains(got, "172.16.1.5/") || !strings.Contains(got, "172.16.1.99/") {
		t.Errorf("the bridge has\n%s", got)
	}
	if got := h.ip("-6", "route", "show", "fd42:2::/64"); !strings.Contains(got, "via fd42:2:: dev vxlan1") {
		t.Errorf("the route is %q", got)
	}
	for _, q := range []struct{ netns, sysctl, want string }{{"", "net.ipv4.conf.br1.promote_secondaries", "0\n"}, {"web", "net.ipv4.ip_forward", "0\n"}} {
		if r := h.in(q.netns, "sysctl", "-n", q.sysctl); r.out != q.want {
			t.Errorf("%s is %q", q.sysctl, r.out)
		}
	}
}

// There is no script where apply would refuse: nothing that somebody could run.
func TestNoScriptWithConflict(t *testing.T) {
	hostOnly(t)
	h := newWorld(t, "192.168.32.1/24 2001:db8::1/64").hosts[0]
	h.ip("link", "add", "br1", "type", "bridge")
	r := h.tool("plan", "-f", h.w.file("topology.yaml", secondSubnet), "--format", "iproute2")
	if r.code != exitError || r.out != "" || !strings.Contains(r.err, "1 object is in conflict") {
		t.Errorf("exit code %d, output %q, error %q", r.code, r.out, r.err)
	}
}
