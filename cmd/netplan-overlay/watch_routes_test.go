package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// What a repair does to traffic is judged by all that is wanted, however little a look was
// at: a route of nobody harms none where another one leads the same way.
func TestWatchImpactOfStrays(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file, "--approve-impact", "brief")
	watch.is("in sync", inSync)
	h.ip("route", "add", "172.246.0.0/25", "via", "172.246.0.0", "dev", "vxlan1", "onlink", "proto", "157")
	w.until("the route of nobody is gone", func() bool { return !strings.Contains(h.ip("route"), "172.246.0.0/25") })
	watch.is("in sync", inSync)
	h.ip("route", "add", "172.99.0.0/24", "dev", "vxlan1", "proto", "157")
	watch.is("a route that leads elsewhere is left alone", func(s *status.Status) bool {
		x := heldFor(s, "route 172.99.0.0/24")
		return x != nil && x.Why == status.HeldImpact
	})
}

// Somebody else's route that would take the packets of one of ours is noticed when it
// comes, whatever its metric, and put before ours, too; and when it goes.
func TestWatchUndercut(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("{type: vxlan, routeMetrics: spread}"))
	watch := h.watch(file)
	watch.is("in sync", inSync)
	_, text, _ := strings.Cut(h.ip("route", "show", "172.246.0.0/24"), " metric ")
	ours, _, _ := strings.Cut(text, " ")
	for n, metric := range []string{"20", "0", ours} {
		h.ip("route", "prepend", "172.246.0.0/24", "via", "192.168.32.246", "metric", metric, "proto", "static")
		s := watch.is("in conflict with metric "+metric, func(s *status.Status) bool { return s.State == status.Drifted && len(s.Held) == 1 })
		if x := s.Held[0]; x.Why != status.HeldConflict || !strings.HasPrefix(x.Object, "route 172.246.0.0/24 metric ") || !strings.Contains(x.Detail, "administrator") {
			t.Errorf("metric %s: held: %+v", metric, x)
		}
		h.ip("neighbour", "delete", "172.246.0.0", "dev", "vxlan1")
		w.until("something else is put right", func() bool { return strings.Contains(h.ip("neighbour", "show", "dev", "vxlan1"), "172.246.0.0") })
		h.ip("link", "set", "br245", "mtu", strconv.Itoa(1300+n))
		w.until("and a link", func() bool { return strings.Contains(h.ip("link", "show", "br245"), "mtu 1450") })
		h.ip("route", "delete", "172.246.0.0/24", "via", "192.168.32.246", "metric", metric, "proto", "static")
		s = watch.is("in sync", inSync)
		if s.Counters.Passes[status.PassEvent]+s.Counters.Passes[status.PassTimer] > 20 {
			t.Errorf("looks: %v", s.Counters.Passes)
		}
	}
	h.ip("route", "add", "172.246.0.0/24", "via", "192.168.32.246", "metric", "5000", "proto", "static")
	h.ip("route", "delete", "172.246.0.0/24", "metric", ours)
	watch.right(file)
}
