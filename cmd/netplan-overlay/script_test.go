package main

import (
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
	if err := unix.Mount(h.dir, h.dir, "", unix.MS_BIND, ""); err != nil {
		h.w.t.Fatal(err)
	}
	if err := unix.Mount("", h.dir, "", unix.MS_SHARED, ""); err != nil {
		h.w.t.Fatal(err)
	}
	path := h.w.file("plan.sh", script)
	r := h.in("", "unshare", "--mount", "--propagation", "unchanged", "sh", "-euc",
		`mount --make-private /run/netns; mount --bind "$0" /run/netns; sh "$1"`, h.dir, path)
	if r.code != 0 {
		h.w.t.Fatalf("the script: %s%s\n%s", r.out, r.err, script)
	}
}
