package main

import (
	"strings"
	"testing"
)

// A link that gets another name is renamed as it stands, where the kernel can do that:
// no packet is lost, and nothing on it is made anew.
func TestRename(t *testing.T) {
	named := strings.NewReplacer("namespaces: {ns245: 172.245.0.2/24}", "namespaces: {ns245: {interfaces: {eth0: {addresses: 172.245.0.2/24, host: vethnew}}}}")
	for _, tc := range []struct {
		name string
		from string
		to   func(topology string) string
		want []string // in the plan
	}{
		{"a bridge", "vxlan", func(s string) string { return strings.Replace(s, "br245:", "lan:", 1) }, []string{"name: br245 -> lan"}},
		{"the overlay device", "vxlan", func(s string) string {
			return strings.Replace(s, "    bridges:    {br245", "    overlay: {device: vtep245}\n    bridges:    {br245", 1)
		}, []string{"name: vxlan1 -> vtep245"}},
		{"the host's end of a veth", "vxlan", named.Replace, []string{"name: veth-ns245 -> vethnew"}},
		{"all of them, with another MTU", "vxlan", func(s string) string {
			s = strings.Replace(named.Replace(s), "br245:", "lan:", 1)
			return "mtu: 1400\n" + strings.Replace(s, "    bridges:    {lan", "    overlay: {device: vtep245}\n    bridges:    {lan", 1)
		}, []string{"name: br245 -> lan", "name: vxlan1 -> vtep245", "name: veth-ns245 -> vethnew", "mtu: 1450 -> 1350"}},
		{"a bridge, with plain routes", "host-gw", func(s string) string { return strings.Replace(s, "br245:", "lan:", 1) }, []string{"name: br245 -> lan"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := twoHosts(t)
			h := w.hosts[0]
			live := h.door.Features().LiveRename
			old := w.file("old.yaml", two(tc.from))
			w.applyAll(old)
			before, indexes := h.shape(), h.indexes()
			h.ping("ns245", "172.246.0.2")
			file := w.file("topology.yaml", tc.to(two(tc.from)))
			ping := h.pinging("ns245", "172.246.0.2")
			out := h.apply(file).out
			lost := ping.lost()
			if live {
				for _, want := range tc.want {
					if !strings.Contains(out, want) {
						t.Errorf("the plan does not say %q:\n%s", want, out)
					}
				}
				if lost != "" {
					t.Errorf("packets were lost: %s", lost)
				}
				if after := h.indexes(); after != indexes {
					t.Errorf("links were made again: %s, before %s", after, indexes)
				}
			}
			h.converged(file)
			h.ping("ns245", "172.246.0.2")

			h.apply(old)
			if after := h.shape(); after != before {
				t.Errorf("back again:\n%s\nbefore:\n%s", after, before)
			}
			r := h.tool("apply", "-f", file, "--auto-approve", "--confirm", "1s")
			if r.code != exitOK {
				t.Fatalf("apply --confirm: exit code %d\n%s%s", r.code, r.out, r.err)
			}
			h.unguarded()
			if after := h.shape(); after != before {
				t.Errorf("taken back:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

// indexes lists the indexes of the host's links.
func (h *host) indexes() string {
	h.w.t.Helper()
	var l []string
	for line := range strings.Lines(h.ip("-o", "link")) {
		index, _, _ := strings.Cut(line, ":")
		l = append(l, index)
	}
	return strings.Join(l, " ")
}

// Where the new name is taken by somebody else's link, there is a conflict, and nothing
// is renamed.
func TestRenameIntoForeign(t *testing.T) {
	hostOnly(t)
	h := newWorld(t, "192.168.32.245/24").hosts[0]
	h.apply(h.w.file("old.yaml", two("vxlan")))
	h.ip("link", "add", "lan", "type", "bridge")
	before := h.snapshot()
	file := h.w.file("topology.yaml", strings.Replace(two("vxlan"), "br245:", "lan:", 1))
	if r := h.tool("apply", "-f", file, "--auto-approve"); r.code != exitError || !strings.Contains(r.out, "lan") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if after := h.snapshot(); after != before {
		t.Errorf("it was changed:\n%s\nbefore:\n%s", after, before)
	}
}
