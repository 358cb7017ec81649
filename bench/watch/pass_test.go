package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
	"github.com/netplan-overlay/netplan-overlay/internal/watch"
)

// What a look costs, and a look with a repair: the two kinds of look, at hosts of
// several sizes.
func BenchmarkPass(b *testing.B) {
	if missing := kernel.MissingCapabilities(); len(missing) > 0 {
		b.Skipf("needs %v", missing)
	}
	runtime.LockOSThread()
	for _, size := range []struct {
		backend string
		peers   int
	}{{"vxlan", 1000}, {"vxlan", 10000}, {"host-gw", 1000}} {
		k, h := keeperOf(b, size.backend, size.peers)
		look := func(b *testing.B, f func(context.Context) (*reconcile.Result, error), change func()) {
			b.ReportAllocs()
			began := cpuTime()
			defer func() { b.ReportMetric((cpuTime()-began).Seconds()*1e3/float64(b.N), "cpu-ms/op") }()
			for b.Loop() {
				if change != nil {
					b.StopTimer()
					change()
					b.StartTimer()
				}
				_, err := f(b.Context())
				if errors.Is(err, reconcile.ErrDoubt) { // an IPv6 address has come of age
					_, err = k.Full(b.Context())
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		full := func(ctx context.Context) (*reconcile.Result, error) { return k.Full(ctx) }
		var route model.Route
		for e := range k.Want().State.All() {
			if r, ok := e.Object.(model.Route); ok && r.Netns == "" {
				route = r
			}
		}
		point := func(ctx context.Context) (*reconcile.Result, error) { return k.Point(ctx, []model.Key{route.Key()}) }
		deleteRoute := func() {
			if err := h.door.Do(b.Context(), []model.Step{{Op: model.OpDelete, Before: route}})[0]; err != nil {
				b.Fatal(err)
			}
		}
		name := fmt.Sprintf("%s/peers=%d/", size.backend, size.peers)
		b.Run(name+"full", func(b *testing.B) { look(b, full, nil) })
		b.Run(name+"full with a repair", func(b *testing.B) { look(b, full, deleteRoute) })
		b.Run(name+"point", func(b *testing.B) { look(b, point, nil) })
		b.Run(name+"point with a repair", func(b *testing.B) { look(b, point, deleteRoute) })
	}
}

// cpuTime is what this process has taken of its processors: on a machine that is busy
// otherwise, it tells more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// keeperOf makes a host that is right, and what keeps it so.
func keeperOf(b *testing.B, backend string, peers int) (*reconcile.Keeper, *host) {
	b.Helper()
	h, err := newHost(topology(backend, peers))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := h.Close(); err != nil {
			b.Error(err)
		}
	})
	t, _, err := spec.Load([]string{h.file}, nil)
	if err != nil {
		b.Fatal(err)
	}
	r, err := reconcile.New(b.Context(), t, node, reconcile.Place{Root: h.root(), NetnsDir: h.netnsDir(), RunDir: h.runDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	ear, err := watch.NewKernel(r.Host, h.netnsDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ear.Close() })
	k := r.Keep(reconcile.ApplyOptions{}, ear)
	if _, err := k.Full(b.Context()); err != nil {
		b.Fatal(err)
	}
	return k, h
}
