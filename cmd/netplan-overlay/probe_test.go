package main

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/probe"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

const probed = `apiVersion: netplan-overlay/v1
name: classic
backend: BACKEND
probe: {interval: 100ms, namespaces: true}
nodes:
  vm1:
    address: [192.168.32.245, "2001:db8::1"]
    bridges: {br245: [10.245.0.1/24, "fd00:245::1/64"]}
    namespaces: {ns245: [10.245.0.2/24, "fd00:245::2/64"]}
  vm2:
    address: [192.168.32.246, "2001:db8::2"]
    bridges: {br246: [10.246.0.1/24, "fd00:246::1/64"]}
    namespaces: {ns246: [10.246.0.2/24, "fd00:246::2/64"]}
`

// prober probes from the first host, as watch does.
type prober struct {
	w *world
	e *probe.Engine
}

func (w *world) prober(file string) *prober {
	w.t.Helper()
	top, problems, err := spec.Load([]string{file}, nil)
	if err != nil {
		w.t.Fatal(problems)
	}
	h := w.hosts[0]
	p := &prober{w: w, e: probe.New(probe.Config{Open: func(family int) (probe.Socket, error) { return h.door.OpenEcho("", family) }})}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { p.e.Run(ctx); close(done) }()
	w.t.Cleanup(func() { cancel(); <-done })
	p.e.Update(top.Probe, probe.Targets(top, &top.Nodes[0]))
	return p
}

// wait waits until the addresses are in these states, in order.
func (p *prober) wait(what, want string) []status.Peer {
	p.w.t.Helper()
	var l []status.Peer
	var got string
	deadline := time.Now().Add(10 * time.Second)
	for got != want && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		l, got = p.e.Snapshot(), ""
		for _, x := range l {
			got += x.Namespace + " " + x.Address + " " + string(x.State) + "\n"
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		p.w.t.Fatalf("%s (-want +got):\n%s%+v", what, d, l)
	}
	return l
}

func TestProbe(t *testing.T) {
	hostOnly(t)
	for _, c := range []struct{ backend, host4, host6, device string }{
		{"vxlan", "10.246.0.0", "fd00:246::", "vxlan1"},
		{"host-gw", "10.246.0.1", "fd00:246::1", "eth0"},
	} {
		t.Run(c.backend, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "192.168.32.245/24 2001:db8::1/64", "192.168.32.246/24 2001:db8::2/64")
			file := w.file("topology.yaml", strings.Replace(probed, "BACKEND", c.backend, 1))
			w.applyAll(file)
			p, h := w.prober(file), w.hosts[0]
			all := " " + c.host4 + " up\n " + c.host6 + " up\nns246 10.246.0.2 up\nns246 fd00:246::2 up\n"
			for _, x := range p.wait("all is well", all) {
				if x.RTT <= 0 || x.RTT > time.Second || x.Error != "" {
					t.Errorf("%+v", x)
				}
			}

			half := strings.ReplaceAll(strings.ReplaceAll(all, c.host4+" up", c.host4+" down"), "10.246.0.2 up", "10.246.0.2 down")
			h.ip("route", "del", "10.246.0.0/24")
			for _, x := range p.wait("no route for IPv4", half) {
				if (x.State == status.Down) != strings.Contains(x.Error, "network is unreachable") || x.State == status.Down && x.Loss == 0 {
					t.Errorf("%+v", x)
				}
			}
			h.apply(file)
			p.wait("repaired", all)

			w.hosts[1].ip("link", "set", c.device, "down")
			p.wait("the peer's device is down", strings.ReplaceAll(all, " up", " down"))
			w.hosts[1].ip("link", "set", c.device, "up")
			if c.device == "eth0" { // the kernel has taken it away
				w.hosts[1].ip("address", "add", "2001:db8::2/64", "dev", "eth0", "nodad")
			}
			w.hosts[1].apply(file)
			p.wait("repaired", all)
		})
	}
}

// What an engine has opened and started ends with it.
func TestProbeLeavesNothing(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24 2001:db8::1/64")
	door := w.hosts[0].door
	count := func() [2]int {
		l, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return [2]int{len(l), runtime.NumGoroutine()}
	}
	var before [2]int
	for i := range 5 {
		e := probe.New(probe.Config{Open: func(family int) (probe.Socket, error) { return door.OpenEcho("", family) }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		top, problems, err := spec.Load([]string{w.file("topology.yaml", strings.Replace(probed, "BACKEND", "vxlan", 1))}, nil)
		if err != nil {
			t.Fatal(problems)
		}
		e.Update(top.Probe, probe.Targets(top, &top.Nodes[0]))
		w.until("all were probed", func() bool {
			for _, p := range e.Snapshot() {
				if p.Sent == 0 {
					return false
				}
			}
			return true
		})
		cancel()
		<-done
		if i == 0 {
			before = count()
		}
	}
	if after := count(); after != before {
		t.Errorf("descriptors and goroutines: %v, after four more engines %v", before, after)
	}
}
