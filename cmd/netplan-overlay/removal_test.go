package main

import (
	"strings"
	"testing"
)

const three = `apiVersion: netplan-overlay/v1
name: classic
backend: vxlan
nodes:
  vm1:
    address: 192.168.32.1
    bridges:    {br1: 172.16.1.1/24, brx: 172.16.11.1/24}
    namespaces: {web: 172.16.1.2/24, db: 172.16.1.3/24, x: 172.16.11.2/24}
  vm2:
    address: 192.168.32.2
    bridges:    {br2: 172.16.2.1/24}
    namespaces: {web: 172.16.2.2/24}
  vm3:
    address: 192.168.32.3
    bridges:    {br3: 172.16.3.1/24}
    namespaces: {web: 172.16.3.2/24}
`

// Removing something from the file removes just that.
func TestRemoval(t *testing.T) {
	for _, tc := range []struct {
		name string
		old  string
		new  string
		want []string
	}{
		{"a node", three[strings.Index(three, "  vm3:"):], "", []string{
			"delete fdb * on vxlan1", "delete neighbour 172.16.3.0 on vxlan1", "delete route 172.16.3.0/24",
		}},
		{"a namespace", ", db: 172.16.1.3/24", "", []string{
			"delete address 172.16.1.3/24 on eth0 in db", "delete link eth0 in db", "delete link veth-db",
			"delete netns db", "delete route default in db",
		}},
		{"a bridge with its namespace", ", brx: 172.16.11.1/24}\n    namespaces: {web: 172.16.1.2/24, db: 172.16.1.3/24, x: 172.16.11.2/24}",
			"}\n    namespaces: {web: 172.16.1.2/24, db: 172.16.1.3/24}", []string{
				"delete address 172.16.11.1/24 on brx", "delete address 172.16.11.2/24 on eth0 in x",
				"delete link brx", "delete link eth0 in x", "delete link veth-x", "delete netns x", "delete route default in x",
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "192.168.32.1/24")
			h := w.hosts[0]
			file := w.file("topology.yaml", three)
			h.apply(file)
			h.converged(file)
			w.file("topology.yaml", strings.Replace(three, tc.old, tc.new, 1))
			var got []string
			for _, l := range h.planned(file).lines() {
				if f := strings.Fields(l); f[1] == "fdb" {
					f[2] = "*"
					l = strings.Join(f, " ")
				}
				got = append(got, l)
			}
			sameLines(t, "the plan", got, tc.want)
			h.apply(file)
			h.converged(file)
		})
	}
}

// destroy leaves the host as it was before, foreign things untouched.
func TestDestroy(t *testing.T) {
	w := newWorld(t, "192.168.32.1/24")
	h := w.hosts[0]
	h.ip("link", "add", "theirs", "type", "bridge")
	h.ip("link", "set", "theirs", "up")
	h.ip("address", "add", "10.99.0.1/24", "dev", "theirs")
	h.ip("route", "add", "10.98.0.0/16", "via", "192.168.32.254")
	before := h.snapshot()
	file := w.file("topology.yaml", three)
	h.apply(file)
	if h.snapshot() == before {
		t.Fatal("apply changed nothing")
	}
	if r := h.tool("destroy", "-f", file, "--auto-approve"); r.code != exitOK {
		t.Fatalf("destroy: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if after := h.snapshot(); after != before {
		t.Errorf("after destroy:\n%s\nbefore apply:\n%s", after, before)
	}
	if r := h.tool("destroy", "-f", file, "--auto-approve"); r.code != exitOK || !strings.Contains(r.out, "No changes") {
		t.Errorf("a second destroy: exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

// Foreign objects in the place of wanted ones are named and never changed.
func TestForeignCollision(t *testing.T) {
	for _, tc := range []struct {
		name  string
		setup [][]string
		named []string
	}{
		{"route", [][]string{{"route", "add", "172.16.2.0/24", "via", "192.168.32.254"}}, []string{"172.16.2.0/24"}},
		{"route of a daemon", [][]string{{"route", "add", "172.16.2.0/24", "via", "192.168.32.254", "proto", "bird"}}, []string{"172.16.2.0/24", "bird"}},
		{"link", [][]string{{"link", "add", "br1", "type", "bridge"}}, []string{"br1"}},
		{"link of another type", [][]string{{"link", "add", "br1", "type", "veth", "peer", "name", "brp"}}, []string{"br1"}},
		{"vxlan with our VNI", [][]string{{"link", "add", "flannel.1", "type", "vxlan", "id", "1", "dstport", "8472", "local", "192.168.32.1", "dev", "eth0"}}, []string{"flannel.1"}},
		{"veth", [][]string{{"link", "add", "veth-web", "type", "veth", "peer", "name", "whatever"}}, []string{"veth-web"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "192.168.32.1/24")
			h := w.hosts[0]
			for _, args := range tc.setup {
				h.ip(args...)
			}
			before := h.snapshot()
			file := w.file("topology.yaml", three)
			r := h.tool("apply", "-f", file, "--auto-approve")
			if r.code != exitError {
				t.Errorf("apply: exit code %d, want %d\n%s%s", r.code, exitError, r.out, r.err)
			}
			for _, name := range tc.named {
				if !strings.Contains(r.out+r.err, name) {
					t.Errorf("the conflict doesn't name %q:\n%s%s", name, r.out, r.err)
				}
			}
			if after := h.snapshot(); after != before {
				t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

// Somebody's address on our bridge, or port of it, would go down with it: that is
// refused, unless it is allowed.
func TestHarm(t *testing.T) {
	w := newWorld(t, "192.168.32.1/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", three)
	h.apply(file)
	h.ip("address", "add", "10.99.0.1/24", "dev", "br1")
	h.ip("link", "add", "theirs", "type", "veth", "peer", "name", "theirs2")
	h.ip("link", "set", "theirs", "master", "br1")
	h.ip("link", "add", "above", "link", "br1", "type", "macvlan")
	h.ip("address", "add", "10.98.0.1/24", "dev", "above")
	h.ip("link", "set", "above", "up")
	h.ip("route", "add", "10.97.0.0/16", "via", "10.98.0.2")
	h.ip("route", "add", "10.94.0.0/16", "nexthop", "via", "192.168.32.254", "nexthop", "dev", "br1")
	h.converged(file)
	before := h.snapshot()
	r := h.tool("destroy", "-f", file, "--auto-approve")
	if r.code != exitError || !strings.Contains(r.err, "--allow-harm") {
		t.Errorf("destroy: exit code %d, want %d\n%s%s", r.code, exitError, r.out, r.err)
	}
	for _, harmed := range []string{"10.99.0.1/24", "theirs", "link above", "10.98.0.1/24", "10.97.0.0/16", "10.94.0.0/16"} {
		if !strings.Contains(r.out, harmed) {
			t.Errorf("destroy does not say that it would take %s along:\n%s", harmed, r.out)
		}
	}
	if after := h.snapshot(); after != before {
		t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
	}
	if r := h.tool("destroy", "-f", file, "--auto-approve", "--allow-harm"); r.code != exitOK {
		t.Errorf("destroy --allow-harm: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if l := h.ip("link", "show"); !strings.Contains(l, "theirs@") || strings.Contains(l, "br1") {
		t.Errorf("theirs should stay and br1 be gone:\n%s", l)
	}
}

func TestLimits(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.1/24")
	h := w.hosts[0]
	file := w.file("topology.yaml", three)
	h.apply(file)
	w.file("topology.yaml", strings.Replace(three, ", db: 172.16.1.3/24", "", 1))
	before := h.snapshot()
	if r := h.tool("apply", "-f", file, "--auto-approve", "--max-destroy", "2"); r.code != exitError || !strings.Contains(r.err, "--max-destroy") {
		t.Errorf("apply: exit code %d, want %d\n%s%s", r.code, exitError, r.out, r.err)
	}
	if r := h.tool("apply", "-f", file, "--auto-approve", "--max-impact", "brief"); r.code != exitError || !strings.Contains(r.err, "impact is disruptive") {
		t.Errorf("apply: exit code %d, want %d\n%s%s", r.code, exitError, r.out, r.err)
	}
	if after := h.snapshot(); after != before {
		t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
	}
	h.apply(file, "--max-destroy", "50%", "--max-impact", "disruptive")
}

// sameLines compares without regard to order.
func sameLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	seen := map[string]int{}
	for _, l := range got {
		seen[l]++
	}
	for _, l := range want {
		seen[l]--
	}
	for l, n := range seen {
		switch {
		case n > 0:
			t.Errorf("%s has, unexpected: %s", what, l)
		case n < 0:
			t.Errorf("%s lacks: %s", what, l)
		}
	}
}
