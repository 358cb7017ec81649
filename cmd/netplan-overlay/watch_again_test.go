package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// What is broken once more while it is put right is not forgotten because of something
// else that is put right after it.
func TestWatchBrokenAgain(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	const peers = 40
	file := w.file("topology.yaml", two("vxlan")+manyFar(peers))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	for try := range peers { // until somebody was quick enough
		var breaks strings.Builder
		fmt.Fprintf(&breaks, "route delete %s\n", farSubnet(try, 1))
		for i := range peers {
			fmt.Fprintf(&breaks, "neighbour delete 10.%d.1.0 dev vxlan1\n", 100+i)
		}
		batch := w.file("batch", breaks.String())
		route := model.Route{Table: model.TableMain, Dst: netip.MustParsePrefix(farSubnet(try, 1)), Protocol: model.Some[uint8](model.MarkProtocol)}
		again := h.deleteAgain(route, func() {
			watch.asleep(func() { h.ip("-batch", batch) })
		})
		if err := <-again; err != nil {
			t.Fatal(err)
		}
		h.ip("neighbour", "delete", "172.246.0.0", "dev", "vxlan1")
		w.until("that is put right", func() bool { return strings.Contains(h.ip("neighbour", "show", "dev", "vxlan1"), "172.246.0.0 ") })
		watch.is("in sync", inSync)
		h.converged(file)
		if watch.count(`"state":"repairing"`) > 0 || try == 3 { // what is put right five times is left alone
			return
		}
	}
}

// deleteAgain does something, and deletes a route as soon as it was made after that.
func (h *host) deleteAgain(route model.Route, do func()) <-chan error {
	h.w.t.Helper()
	l, err := h.door.Listen("")
	if err != nil {
		h.w.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		defer l.Close()
		buf := kernel.NewsBuffer()
		for l.Wait() == nil {
			news, err := l.Take(nil, buf)
			if err != nil {
				done <- err
				return
			}
			for _, n := range news {
				if n.Key == route.Key() && n.Kind == kernel.Changed {
					done <- errors.Join(h.door.Do(context.Background(), []model.Step{{Op: model.OpDelete, Before: route}})...)
					return
				}
			}
		}
	}()
	do()
	return done
}

// manyFar are that many peers more, as far makes them.
func manyFar(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  far%d: {address: 192.168.32.%d, bridges: {br0: 10.%d.1.1/24}}\n", i, 100+i, 100+i)
	}
	return b.String()
}
