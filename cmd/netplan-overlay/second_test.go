package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// manyPeers is a topology of vm1 and a hundred others, of which some have moved.
func manyPeers(backend string, moved int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: many\nbackend: %s\nnodes:\n  vm1: {address: 192.168.32.1, bridges: {br1: 172.16.0.1/24}}\n", backend)
	for i := 1; i <= 100; i++ {
		address := i + 1
		if i <= moved {
			address += 120
		}
		fmt.Fprintf(&b, "  peer%d: {address: 192.168.32.%d, bridges: {br1: 172.16.%d.1/24}}\n", i, address, i)
	}
	return b.String()
}

// opened opens the host for the topology as the program does, with what is told of each step.
func (h *host) opened(text string, ahead *reconcile.Ahead, trace func(model.Step, error)) *reconcile.Reconciler {
	h.w.t.Helper()
	top, problems := spec.Parse([]spec.Source{{Name: "many.yaml", Data: []byte(text)}})
	if top == nil {
		h.w.t.Fatal(problems)
	}
	place := h.place()
	place.Ahead, place.Trace = ahead, trace
	r, err := reconcile.New(h.w.t.Context(), top, "vm1", place)
	if err != nil {
		h.w.t.Fatal(err)
	}
	h.w.t.Cleanup(func() { r.Close() })
	r.Sparing = true
	return r
}

func (h *host) place() reconcile.Place {
	return reconcile.Place{Root: "/run/netns/" + h.netns, NetnsDir: h.dir, RunDir: h.runDir()}
}

// TestSecondLook changes the host right behind the last step of an apply of few objects among
// many: what the apply was about, and all that others stand on, is looked at again, and if
// that has changed, everything.
func TestSecondLook(t *testing.T) {
	hostOnly(t)
	const (
		others = "route delete 172.16.90.0/24" // of a peer that stays where it is
		aside  = "address delete 172.16.0.1/24 dev br1"
	)
	for _, tc := range []struct {
		name    string
		backend string
		moved   int
		then    []string // ip commands behind the last step, or "forget": the FDB entry that leads to where the peer has moved
		differs []string // what the error names
		unsaid  string
	}{
		{"all is well", "vxlan", 1, nil, nil, ""},
		{"all is well, host-gw", "host-gw", 1, nil, nil, ""},
		{"of another peer", "vxlan", 1, []string{others}, nil, ""},
		{"of the peer, host-gw", "host-gw", 1, []string{"route delete 172.16.1.0/24"}, []string{"172.16.1.0/24"}, ""},
		{"of the peer, another route, host-gw", "host-gw", 1, []string{"route replace 172.16.1.0/24 via 192.168.32.200 proto bird"}, []string{"172.16.1.0/24"}, ""},
		{"of the peer, and of another, host-gw", "host-gw", 1, []string{"route delete 172.16.1.0/24", others}, []string{"172.16.1.0/24"}, "172.16.90.0/24"},
		{"of the peer", "vxlan", 1, []string{"forget"}, []string{"fdb "}, ""},
		{"of the peer, undercut", "{type: host-gw, routeMetrics: spread}", 1, []string{"route add 172.16.1.0/24 via 192.168.32.200 metric 20 proto bird"}, []string{"172.16.1.0/24"}, ""},
		{"below", "vxlan", 1, []string{aside}, []string{"172.16.0.1/24"}, ""},
		{"below, and of another peer", "vxlan", 1, []string{aside, others}, []string{"172.16.0.1/24", "172.16.90.0/24"}, ""},
		{"of another peer, with many", "vxlan", 20, []string{others}, []string{"172.16.90.0/24"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "192.168.32.1/24")
			h := w.hosts[0]
			h.apply(w.file("many.yaml", manyPeers(tc.backend, 0)))
			steps := 0
			trace := func(model.Step, error) {
				if steps++; steps != tc.moved {
					return
				}
				for _, c := range tc.then {
					if c == "forget" {
						h.forget("192.168.32.122")
						continue
					}
					h.ip(strings.Fields(c)...)
				}
			}
			r := h.opened(manyPeers(tc.backend, tc.moved), nil, trace)
			_, err := r.Apply(t.Context(), reconcile.ApplyOptions{})
			if steps != tc.moved {
				t.Fatalf("%d steps", steps)
			}
			var differs *reconcile.NotConverged
			if errors.As(err, &differs) != (tc.differs != nil) || err != nil && differs == nil {
				t.Fatalf("apply: %v", err)
			}
			for _, what := range tc.differs {
				if !strings.Contains(err.Error(), what) {
					t.Errorf("%v: nothing of %s", err, what)
				}
			}
			if err != nil && tc.unsaid != "" && strings.Contains(err.Error(), tc.unsaid) {
				t.Errorf("%v: everything was looked at", err)
			}
			h.apply(w.file("many.yaml", manyPeers(tc.backend, tc.moved)), "--adopt")
			h.converged(w.file("many.yaml", manyPeers(tc.backend, tc.moved)))
		})
	}
}

// forget deletes the FDB entry that leads to an address.
func (h *host) forget(address string) {
	h.w.t.Helper()
	for line := range strings.Lines(h.bridge("fdb", "show", "dev", "vxlan1")) {
		if mac, rest, _ := strings.Cut(line, " "); strings.Contains(rest, "dst "+address+" ") {
			h.bridge("fdb", "delete", mac, "dev", "vxlan1")
			return
		}
	}
	h.w.t.Errorf("no FDB entry leads to %s", address)
}

// TestLockAhead looks at a host before the topology is read.
func TestLockAhead(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.1/24")
	h := w.hosts[0]
	file := w.file("many.yaml", manyPeers("host-gw", 0))
	if early := reconcile.LockAhead(t.Context(), h.place()); early != nil {
		t.Error("a lock was taken that was never made")
	}
	if r := h.tool("apply", "-f", w.file("wrong.yaml", "name: wrong\n"), "--auto-approve"); r.code != exitError {
		t.Errorf("of a topology that is none: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if _, err := os.Stat(h.runDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a topology that is none has left files: %v", err)
	}
	h.apply(file)
	applied := func(ahead *reconcile.Ahead, why string) {
		t.Helper()
		res, err := h.opened(manyPeers("host-gw", 0), ahead, nil).Apply(t.Context(), reconcile.ApplyOptions{LockTimeout: time.Second})
		if err != nil || res.Plan.Summary().Changes() != 1 {
			t.Errorf("%s: %v", why, err)
		}
		h.converged(file)
	}

	ahead := reconcile.LookAhead(t.Context(), h.place())
	ahead.Settle()
	h.ip("route", "delete", "172.16.7.0/24")
	applied(ahead, "what was seen without the lock is of no use")

	if ahead = reconcile.LockAhead(t.Context(), h.place()); ahead == nil {
		t.Fatal("nothing is ahead")
	}
	if r := h.tool("apply", "-f", file, "--auto-approve", "--lock-timeout", "10ms"); r.code != exitError || !strings.Contains(r.err, "another run holds the lock") {
		t.Errorf("beside a look ahead: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if another := reconcile.LockAhead(t.Context(), h.place()); another != nil {
		t.Error("two have the lock")
	}
	ahead.Settle()
	h.ip("route", "delete", "172.16.7.0/24") // seen before
	res, err := h.opened(manyPeers("host-gw", 0), ahead, nil).Apply(t.Context(), reconcile.ApplyOptions{})
	if err != nil || res.Plan.Summary().Changes() != 0 {
		t.Errorf("what was seen with the lock is not what the plan is made of: %v", err)
	}

	unused := reconcile.LockAhead(t.Context(), h.place())
	if unused == nil {
		t.Fatal("the lock was not given back behind an apply")
	}
	if err := h.opened(manyPeers("host-gw", 0), unused, nil).Close(); err != nil {
		t.Error(err)
	}
	if ahead = reconcile.LockAhead(t.Context(), h.place()); ahead == nil {
		t.Fatal("the lock was not given back with the host")
	}
	applied(ahead, "the lock was taken ahead")

	if ahead = reconcile.LockAhead(t.Context(), h.place()); ahead == nil {
		t.Fatal("the lock was not given back behind an apply")
	}
	ahead.Close()
	h.ip("route", "delete", "172.16.7.0/24")
	if r := h.tool("apply", "-f", file, "--auto-approve", "--lock-timeout", "0s"); r.code != exitOK {
		t.Errorf("behind a look ahead: exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

// TestOwnNode leaves it to the program to find out which node the host is: it does the same.
func TestOwnNode(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.1/24", "192.168.32.2/24")
	file := w.file("topology.yaml", `apiVersion: netplan-overlay/v1
name: own
backend: vxlan
nodes:
  vm1: {address: 192.168.32.1, bridges: {br1: 172.16.1.1/24}, namespaces: {red: 172.16.1.2/24}}
  vm2: {address: 192.168.32.2, bridges: {br1: 172.16.2.1/24}, namespaces: {blue: 172.16.2.2/24}}
`)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range w.hosts {
		args := func(command string) []string {
			return []string{command, "-f", file, "--netns-dir", h.dir, "--run-dir", h.runDir()}
		}
		named, found := h.tool("plan", "-f", file), h.in("", self, args("plan")...)
		if found != named || !strings.Contains(found.out, []string{"red", "blue"}[i]) {
			t.Errorf("without --node: exit code %d\n%s%swith it: exit code %d\n%s%s", found.code, found.out, found.err, named.code, named.out, named.err)
		}
		if r := h.in("", self, append(args("apply"), "--auto-approve")...); r.code != exitOK {
			t.Errorf("apply without --node: exit code %d\n%s%s", r.code, r.out, r.err)
		}
		h.converged(file)
	}
	w.hosts[0].ping("red", "172.16.2.2")

	nobody := spec.Options{Whole: func(*spec.Node) bool { return false }} // as where the host had no address when it was asked
	top, problems, err := spec.LoadWith([]string{file}, nil, nobody)
	if err != nil {
		t.Fatal(problems)
	}
	r, err := reconcile.New(t.Context(), top, "vm1", w.hosts[0].place())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Node.Brief || len(r.Node.Namespaces) != 1 {
		t.Errorf("the host's own node lacks its namespaces: %+v", r.Node)
	}
}
