package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// switched is what a fleet can switch between without a lost packet: every other backend
// has a device that can stand beside this one's.
var switched = append(backends[:len(backends):len(backends)], struct {
	name    string
	backend string
	ipip    bool
}{"vxlan-vni7", "{type: vxlan, vni: 7, port: 4789}", false})

// A change of the backend in phases loses no packet, and ends as if there had never been
// another backend.
func TestPhases(t *testing.T) {
	fresh := map[string][]string{}
	for i, from := range switched {
		for j, to := range switched {
			if from.name == to.name || slow() && (!from.ipip && !to.ipip || i+j != 5) {
				continue // there, what needs ipip, and of that a sample
			}
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				if from.ipip || to.ipip {
					needIPIP(t)
				}
				w := twoHosts(t)
				w.applyAll(w.file("topology.yaml", two(from.backend)))
				w.hosts[0].ping("ns245", "172.246.0.2")
				w.hosts[1].ping("ns246", "172.245.0.2")
				pings := []*pinging{w.hosts[0].pinging("ns245", "172.246.0.2"), w.hosts[1].pinging("ns246", "172.245.0.2")}
				file := w.file("topology.yaml", two(to.backend))
				for _, phase := range []string{"prepare", "commit", ""} {
					for _, h := range w.hosts {
						h.phase(file, phase)
					}
				}
				for i, p := range pings {
					if lost := p.lost(); lost != "" {
						t.Errorf("lost from %s: %s", w.hosts[i].name, lost)
					}
				}
				if fresh[to.name] == nil {
					fresh[to.name] = twoHostsFresh(t, to.backend)
				}
				for i, h := range w.hosts {
					h.converged(file)
					if d := cmp.Diff(fresh[to.name][i], h.shape()); d != "" {
						t.Errorf("%s after the switch (-fresh +switched):\n%s", h.name, d)
					}
				}
			})
		}
	}
}

// phase applies one phase, and looks whether there is nothing left to do in it.
func (h *host) phase(file, phase string) {
	h.w.t.Helper()
	h.apply(file, "--phase", phase)
	if r := h.tool("plan", "-f", file, "--phase", phase, "--detailed-exitcode"); r.code != exitOK {
		h.w.t.Errorf("%s: phase %q is not done: exit code %d\n%s%s", h.name, phase, r.code, r.out, r.err)
	}
}

// Preparing changes nothing that packets feel: routes stay, and so does all that they
// lead through.
func TestPrepareLeadsNothing(t *testing.T) {
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	h.apply(w.file("topology.yaml", two("host-gw")))
	before := h.ip("route")
	file := w.file("topology.yaml", two("vxlan"))
	h.phase(file, "prepare")
	if after := h.ip("route"); settled(after) != settled(before) {
		t.Errorf("routes (-want +got):\n%s", cmp.Diff(before, after))
	}
	if out := h.ip("-d", "link", "show", "vxlan1"); !strings.Contains(out, "UP") || !strings.Contains(out, "vxlan id 1 ") {
		t.Errorf("the device that is to receive: %s", out)
	}
	if mtu := h.ip("link", "show", "br245"); !strings.Contains(mtu, "mtu 1450 ") {
		t.Errorf("packets are too large for the new way: %s", mtu)
	}
}

// A saved plan of a phase does that phase.
func TestSavedPhase(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	h.apply(w.file("topology.yaml", two("host-gw")))
	file, plan := w.file("topology.yaml", two("vxlan")), w.dir+"/p.plan"
	if r := h.tool("plan", "-f", file, "--phase", "prepare", "--out", plan); r.code != exitOK || !strings.Contains(r.out, "phase prepare") {
		t.Fatalf("plan: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if r := h.tool("apply", "-f", file, "--plan", plan); r.code != exitOK || !strings.Contains(r.out, "is prepared for classic") {
		t.Fatalf("apply --plan: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if out := h.ip("route"); strings.Contains(out, "vxlan1") {
		t.Errorf("it did more than prepare:\n%s", out)
	}
	if r := h.tool("apply", "-f", file, "--phase", "begin"); r.code != exitError || !strings.Contains(r.err, "is no phase") {
		t.Errorf("a phase that is none: exit code %d\n%s", r.code, fmt.Sprint(r))
	}
}

// A bridge that gets another name keeps its namespace's packets flowing where the kernel
// allows it; in the end nothing is left of the old one.
func TestPhasesRename(t *testing.T) {
	w := twoHosts(t)
	w.applyAll(w.file("topology.yaml", two("vxlan")))
	file := w.file("topology.yaml", strings.Replace(two("vxlan"), "br245:", "brnew:", 1))
	for _, phase := range []string{"prepare", "commit", ""} {
		for _, h := range w.hosts {
			h.phase(file, phase)
		}
		w.hosts[0].ping("ns245", "172.246.0.2")
	}
	if out := w.hosts[0].ip("-br", "link"); strings.Contains(out, "br245") {
		t.Errorf("left behind:\n%s", out)
	}
}
