package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The backends that two hosts are joined by, each as the file has it.
var backends = []struct {
	name    string
	backend string
	ipip    bool
}{
	{"host-gw", "host-gw", false},
	{"vxlan", "{type: vxlan, vni: 1, port: 8472}", false},
	{"vxlan-direct", "{type: vxlan, vni: 1, port: 8472, directRouting: true}", false},
	{"ipip", "ipip", true},
	{"ipip-direct", "{type: ipip, directRouting: true}", true},
	{"ipip-per-peer", "{type: ipip, mode: per-peer}", true},
}

// two is the classical topology with a backend of choice.
func two(backend string) string {
	return fmt.Sprintf(`apiVersion: netplan-overlay/v1
name: classic
backend: %s
nodes:
  vm1:
    address: 192.168.32.245
    bridges:    {br245: 172.245.0.1/24}
    namespaces: {ns245: 172.245.0.2/24}
  vm2:
    address: 192.168.32.246
    bridges:    {br246: 172.246.0.1/24}
    namespaces: {ns246: 172.246.0.2/24}
`, backend)
}

func twoHosts(t *testing.T) *world {
	t.Helper()
	return newWorld(t, "192.168.32.245/24", "192.168.32.246/24")
}

// Each backend joins two hosts; what plan lists is what apply does; and after that
// there is nothing left to do.
func TestOverlay(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			if b.ipip {
				needIPIP(t)
			}
			w := twoHosts(t)
			file := w.file("topology.yaml", two(b.backend))
			for _, h := range w.hosts {
				w.sameSteps(h, file)
			}
			w.hosts[0].ping("ns245", "172.246.0.2")
			w.hosts[1].ping("ns246", "172.245.0.2")
			w.hosts[0].ping("", "172.246.0.2")
			for _, h := range w.hosts {
				h.atRest(file)
			}
		})
	}
}

// sameSteps plans and applies, and compares the steps.
func (w *world) sameSteps(h *host, file string) {
	w.t.Helper()
	var planned []string
	for _, s := range h.planned(file).Steps {
		planned = append(planned, s.Op+" "+s.Object)
	}
	if len(planned) == 0 {
		w.t.Fatalf("%s: the plan is empty", h.name)
	}
	var done []string
	for line := range strings.Lines(h.apply(file).err) {
		if _, step, ok := strings.Cut(line, "msg=\"step done\" step="); ok {
			done = append(done, strings.Trim(strings.TrimSpace(step), `"`))
		}
	}
	if got, want := strings.Join(done, "\n"), strings.Join(planned, "\n"); got != want {
		w.t.Errorf("%s: apply did\n%s\nbut plan listed\n%s", h.name, got, want)
	}
}

// atRest ends the test unless plan and a second apply find nothing to do, send
// nothing to the kernel, and cause no event in it.
func (h *host) atRest(file string) {
	h.w.t.Helper()
	monitor := exec.Command("ip", "-timestamp", "monitor", "link", "address", "route", "neigh", "netconf", "nsid")
	h.start("", monitor)
	heard := monitor.Stdout.(*bytes.Buffer)
	h.converged(file)
	r := h.apply(file)
	if !strings.Contains(r.err, "writes=0") {
		h.w.t.Errorf("%s: a second apply writes:\n%s", h.name, r.err)
	}
	if !strings.HasPrefix(r.out, "No changes.") {
		h.w.t.Errorf("%s: a second apply says:\n%s", h.name, r.out)
	}
	_ = monitor.Process.Signal(unix.SIGTERM)
	_ = monitor.Wait() // ended by the signal
	for line := range strings.Lines(heard.String()) {
		// The kernel's own life goes on: neighbours age, IPv6 addresses settle.
		if strings.Contains(line, "PERMANENT") || strings.Contains(line, "proto 157") || strings.Contains(line, "Deleted") {
			h.w.t.Errorf("%s: something changed while nothing had to: %s", h.name, line)
		}
	}
}

// plan writes nothing on a host that has nothing yet either.
func TestPlanWritesNothing(t *testing.T) {
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	h.settledTruth()
	w.until("the underlay's link-local address is of age", func() bool { // the kernel tells of that, too
		address, routes := h.ip("-6", "address", "show", "dev", "eth0", "scope", "link"), h.ip("-6", "route", "show", "table", "local", "dev", "eth0")
		return strings.Contains(address, "fe80:") && !strings.Contains(address, "tentative") && strings.Contains(routes, "local fe80:")
	})
	before := h.snapshot()
	monitor := exec.Command("ip", "monitor", "link", "address", "route", "netconf", "nsid")
	h.start("", monitor)
	heard := monitor.Stdout.(*bytes.Buffer)
	for _, form := range []string{"text", "json"} {
		if r := h.tool("plan", "-f", file, "--detailed-exitcode", "--format", form); r.code != exitChanges {
			t.Errorf("plan --format %s: exit code %d, want %d\n%s", form, r.code, exitChanges, r.err)
		}
	}
	_ = monitor.Process.Signal(unix.SIGTERM)
	_ = monitor.Wait() // ended by the signal
	if heard.Len() > 0 {
		t.Errorf("plan caused events:\n%s", heard)
	}
	if after := h.snapshot(); after != before {
		t.Errorf("plan changed the host:\n%s\nbefore:\n%s", after, before)
	}
}

// dualStack is a topology whose nodes have both families inside, over the given
// underlay addresses.
func dualStack(backend, underlay1, underlay2 string) string {
	return fmt.Sprintf(`apiVersion: netplan-overlay/v1
name: campus
backend: %s
nodes:
  vm1:
    address: %s
    bridges:    {br0: [10.42.1.1/24, "fd42:0:0:1::1/64"]}
    namespaces: {web: [10.42.1.10/24, "fd42:0:0:1::10/64"]}
  vm2:
    address: %s
    bridges:    {br0: [10.42.2.1/24, "fd42:0:0:2::1/64"]}
    namespaces: {web: [10.42.2.10/24, "fd42:0:0:2::10/64"]}
`, backend, underlay1, underlay2)
}

func TestDualStack(t *testing.T) {
	const both1, both2 = "[10.0.0.11, 2001:db8:0:1::11]", "[10.0.0.12, 2001:db8:0:1::12]"
	const six1, six2 = "2001:db8:0:1::11", "2001:db8:0:1::12"
	for _, tc := range []struct {
		name, backend, u1, u2 string
		mtu                   string
	}{
		{"vxlan over IPv4", "vxlan", both1, both2, "1450"},
		{"vxlan over IPv6", "vxlan", six1, six2, "1430"},
		{"vxlan direct", "{type: vxlan, directRouting: true}", both1, both2, "1450"},
		{"host-gw", "host-gw", both1, both2, "1500"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "10.0.0.11/24 2001:db8:0:1::11/64", "10.0.0.12/24 2001:db8:0:1::12/64")
			w.applyAll(w.file("topology.yaml", dualStack(tc.backend, tc.u1, tc.u2)))
			for i, h := range w.hosts {
				h.ping("web", fmt.Sprintf("10.42.%d.10", 2-i))
				h.ping("web", fmt.Sprintf("fd42:0:0:%d::10", 2-i))
				if l := h.inside("web", "link", "show", "eth0"); !strings.Contains(l, "mtu "+tc.mtu+" ") {
					t.Errorf("%s: eth0 has not the MTU %s: %s", h.name, tc.mtu, l)
				}
			}
		})
	}
}
