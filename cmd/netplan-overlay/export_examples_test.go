package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/export"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// What a host has of a topology of ours comes back as a file with which there is
// nothing to do; and all hosts together, with nothing assumed, as a file that means the
// same as the first one. Tunnels, where this kernel has none, TestExportIPIP and the
// pure TestShortest cover.
func TestExportExamples(t *testing.T) {
	hostOnly(t)
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			topology, _, err := spec.Load([]string{file}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if topology.Backend.Type == spec.IPIP {
				needIPIP(t)
			}
			w := worldOf(t, topology)
			for _, h := range w.hosts {
				h.apply(file, "--allow-mgmt")
				exported, text := h.exported()
				if r := h.tool("plan", "-f", exported, "--detailed-exitcode"); r.code != exitOK {
					t.Errorf("%s: plan with what was exported: exit code %d\n%s%s\n%s", h.name, r.code, r.out, r.err, text)
				}
			}
			w.exportedTogether(topology)
		})
	}
}

// worldOf makes the hosts of a topology: each node with its addresses on its underlay
// device, which has the topology's MTU.
func worldOf(t *testing.T, topology *spec.Topology) *world {
	t.Helper()
	var addresses []string
	for _, n := range topology.Nodes {
		var l []string
		for _, a := range n.Addresses {
			bits := "/24"
			if a.Is6() {
				bits = "/64"
			}
			l = append(l, a.String()+bits)
		}
		addresses = append(addresses, strings.Join(l, " "))
	}
	w := newWorld(t, addresses...)
	for i, h := range w.hosts {
		n := &topology.Nodes[i]
		h.name = n.Name
		if topology.MTU != 0 {
			h.ip("link", "set", "eth0", "mtu", fmt.Sprint(topology.MTU))
		}
		if n.Interface != "" {
			h.ip("link", "set", "eth0", "name", n.Interface)
		}
	}
	return w
}

// exportedTogether exports all hosts into one file, and compares what it asks of them
// with what the topology does.
func (w *world) exportedTogether(topology *spec.Topology) {
	w.t.Helper()
	var hosts []export.Host
	for _, h := range w.hosts {
		id := model.Identity{Topology: topology.Name, Node: h.name}
		door, err := reconcile.Place{Root: "/run/netns/" + h.netns, NetnsDir: h.dir, RunDir: h.runDir()}.Look(id)
		if err != nil {
			w.t.Fatal(err)
		}
		defer door.Close()
		hosts = append(hosts, export.Host{Node: h.name, State: everything(w.t, door, id)})
	}
	r, err := export.Export(hosts, export.Options{Name: topology.Name})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(r.Assumed) > 0 || len(r.Remains) > 0 {
		w.t.Errorf("of all hosts, something was assumed: %q; or is to be done: %q", r.Assumed, r.Remains)
	}
	got, problems := spec.Parse([]spec.Source{{Name: "exported", Data: r.File}})
	if got == nil {
		w.t.Fatalf("%v\n%s", problems, r.File)
	}
	if d := cmp.Diff(meaning(topology), meaning(got), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
		w.t.Errorf("the topology of all hosts (-want +got):\n%s%s", d, r.File)
	}
}

func everything(t *testing.T, door *kernel.Host, id model.Identity) *model.State {
	t.Helper()
	s, err := observe.Everything(context.Background(), door, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// meaning is a topology without what only says where something stands, or which is
// known by the host alone.
func meaning(t *spec.Topology) *spec.Topology {
	m := *t
	m.Defaults, m.Files, m.Sources, m.Digest, m.MTU, m.Backend.Pos = nil, nil, nil, "", 0, spec.Pos{}
	m.Nodes = nil
	for _, n := range t.Nodes {
		n.Pos, n.Overlay.Pos, n.Overlay.Explicit, n.Overlay.Made, n.Interface = spec.Pos{}, spec.Pos{}, false, 0, ""
		n.Bridges = append([]spec.Bridge(nil), n.Bridges...)
		for i := range n.Bridges {
			n.Bridges[i].Pos, n.Bridges[i].Made = spec.Pos{}, 0
		}
		n.Namespaces = append([]spec.Namespace(nil), n.Namespaces...)
		for i := range n.Namespaces {
			ns := &n.Namespaces[i]
			ns.Pos, ns.Sysctls = spec.Pos{}, nil
			ns.Interfaces = append([]spec.Interface(nil), ns.Interfaces...)
			for j := range ns.Interfaces {
				ns.Interfaces[j].Pos, ns.Interfaces[j].MAC, ns.Interfaces[j].Made = spec.Pos{}, model.MAC{}, 0
			}
			ns.Routes = append([]spec.Route(nil), ns.Routes...)
			for j := range ns.Routes {
				ns.Routes[j].Pos, ns.Routes[j].Made = spec.Pos{}, 0
			}
		}
		m.Nodes = append(m.Nodes, n)
	}
	return &m
}
