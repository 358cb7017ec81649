package main

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
)

// fleetOf is a topology of two hosts, and of so many nodes more that are nowhere.
func fleetOf(backend string, more int) string {
	var b strings.Builder
	b.WriteString(two(backend))
	for i := range more {
		fmt.Fprintf(&b, "  n%d: {address: 198.18.%d.%d, bridges: {br0: 10.%d.%d.1/24}}\n", i, i/250, i%250+1, i/250, i%250)
	}
	return b.String()
}

// peerMetrics returns the metrics of the routes of ours, by destination.
func (h *host) peerMetrics() map[string]uint32 {
	h.w.t.Helper()
	m := map[string]uint32{}
	for _, r := range h.jsonOf("", "ip", "route", "show", "proto", "157") {
		metric, _ := r["metric"].(float64) // without one, it isn't told
		m[fmt.Sprint(r["dst"])] = uint32(metric)
	}
	return m
}

// asDocumented is the metric of an IPv4 subnet as docs/scale.md has it.
func asDocumented(t *testing.T, subnet string) uint32 {
	t.Helper()
	p, err := netip.ParsePrefix(subnet)
	if err != nil {
		t.Fatal(err)
	}
	a := p.Addr().As4()
	whole := uint64(a[0])<<24 | uint64(a[1])<<16 | uint64(a[2])<<8 | uint64(a[3])
	return uint32(1000 + whole>>(32-p.Bits())%997)
}

// Many peers get routes with spread metrics, through which packets go; and nothing is done
// to those when the peers become so few that they would get others, nor the other way round.
func TestCrossingTheLine(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	many, few := w.file("many.yaml", fleetOf("vxlan", 2099)), w.file("few.yaml", fleetOf("vxlan", 1899))
	h := w.hosts[0]

	w.applyAll(many)
	first := h.peerMetrics()
	if len(first) != 2100 {
		t.Errorf("there are %d routes to peers", len(first))
	}
	for dst, metric := range first {
		if want := asDocumented(t, dst); metric != want {
			t.Fatalf("%s has the metric %d, want %d", dst, metric, want)
		}
	}
	h.ping("ns245", "172.246.0.2")

	onlyPeers(t, h.planned(few), "delete", 200)
	w.applyAll(few)
	left := h.peerMetrics()
	for dst, metric := range left {
		if first[dst] != metric {
			t.Fatalf("%s has the metric %d, and had %d", dst, metric, first[dst])
		}
	}
	if len(left) != 1900 {
		t.Errorf("there are %d routes to peers left", len(left))
	}
	h.ping("ns245", "172.246.0.2")

	h.apply(w.file("plain.yaml", strings.Replace(fleetOf("vxlan", 1899), "backend: vxlan", "backend: {type: vxlan, routeMetrics: plain}", 1)))
	h.converged(few)
	onlyPeers(t, h.planned(many), "create", 200)
	w.applyAll(many)
	plain := 0
	for dst, metric := range h.peerMetrics() {
		if metric == 0 {
			plain++
		} else if metric != asDocumented(t, dst) {
			t.Fatalf("%s has the metric %d", dst, metric)
		}
	}
	if plain != 1900 {
		t.Errorf("%d routes have no metric, of those that had none before", plain)
	}
	h.ping("ns245", "172.246.0.2")
	h.atRest(many)
}

// onlyPeers ends the test unless a plan makes or deletes so many peers of three objects
// each, and does nothing else.
func onlyPeers(t *testing.T, p planDocument, action string, peers int) {
	t.Helper()
	for _, c := range p.Changes {
		if c.Action != action {
			t.Fatalf("the plan wants to %s %s %s", c.Action, c.Kind, c.Name)
		}
	}
	if len(p.Changes) != 3*peers || len(p.Steps) != 3*peers {
		t.Fatalf("the plan has %d changes in %d steps, want %d", len(p.Changes), len(p.Steps), 3*peers)
	}
}

// With every backend, the file changes the metrics of routes that are there, while no packet
// is lost, and one change tells of it.
func TestMetricsChangeUnderTraffic(t *testing.T) {
	hostOnly(t)
	for _, b := range []struct{ name, backend string }{
		{"host-gw", "{type: host-gw, routeMetrics: %s}"},
		{"vxlan", "{type: vxlan, routeMetrics: %s}"},
		{"vxlan-direct", "{type: vxlan, directRouting: true, routeMetrics: %s}"},
		{"ipip", "{type: ipip, routeMetrics: %s}"},
	} {
		t.Run(b.name, func(t *testing.T) {
			if b.name == "ipip" {
				needIPIP(t)
			}
			w := twoHosts(t)
			file := func(metrics string) string { return w.file(metrics+".yaml", two(fmt.Sprintf(b.backend, metrics))) }
			w.applyAll(file("plain"))
			one := end{w.hosts[0], "ns245", netip.MustParseAddr("172.245.0.2")}
			other := end{w.hosts[1], "ns246", netip.MustParseAddr("172.246.0.2")}
			l := flows{w.startFlow(ourPace(), "out", one, other, 64), w.startFlow(ourPace(), "in", other, one, 64)}
			for _, metrics := range []string{"spread", "plain"} {
				change := w.hosts[0].planned(file(metrics)).lines()
				if len(change) != 1 || !strings.HasPrefix(change[0], "update route 172.246.0.0/24") || !strings.HasSuffix(change[0], " metric") {
					t.Errorf("%s: the plan says %q", metrics, change)
				}
				for _, lost := range l.during(t, func() { w.applyAll(file(metrics)) }) {
					if lost.Lost > 0 {
						t.Errorf("%s: %s", metrics, lost)
					}
				}
			}
			l.stop()
		})
	}
}

// A route of others' that would take the packets of ours is told of by plan, and by a watch
// that is running when it comes; with --adopt, it goes.
func TestUndercut(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("{type: vxlan, routeMetrics: spread}"))
	w.applyAll(file)
	watch := h.watch(file)
	watch.right(file)
	h.ip("route", "add", "blackhole", "172.246.0.0/24", "metric", "20", "proto", "static")
	if r := h.tool("plan", "-f", file); r.code != exitError || !strings.Contains(r.out, "route 172.246.0.0/24 metric 20") {
		t.Errorf("exit code %d:\n%s%s", r.code, r.out, r.err)
	}
	watch.says("left alone: route 172.246.0.0/24 metric ")
	h.ip("route", "delete", "172.246.0.0/24", "metric", "20")
	watch.right(file)
	watch.stop(syscall.SIGTERM)

	h.ip("route", "add", "blackhole", "172.246.0.0/24", "metric", "20", "proto", "static")
	h.apply(file, "--adopt")
	h.ping("ns245", "172.246.0.2")
	h.atRest(file)
}

// A watch leaves routes the metric that they have, and gives a lost one that which it had.
func TestWatchKeepsMetrics(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	const dst = "172.246.0.0/24"
	spread := asDocumented(t, dst)
	w.applyAll(w.file("spread.yaml", two("{type: vxlan, routeMetrics: spread}")))
	file := w.file("topology.yaml", two("vxlan"))
	watch := h.watch(file)
	watch.says("in force") // it has looked, and knows what was there
	h.ip("route", "delete", dst, "metric", fmt.Sprint(spread))
	w.until("the route is back", func() bool { return len(h.peerMetrics()) == 1 })
	if got := h.peerMetrics()[dst]; got != spread {
		t.Errorf("the route came back with the metric %d, want %d", got, spread)
	}
	watch.asleep(func() {
		h.ip("route", "add", dst, "via", "172.246.0.0", "dev", "vxlan1", "onlink", "proto", "157")
		h.ip("route", "delete", dst, "metric", fmt.Sprint(spread))
	})
	watch.right(file)
	h.ip("neighbour", "delete", "172.246.0.0", "dev", "vxlan1") // what comes before it in the queue is done when that is
	w.until("the neighbour is back", func() bool { return h.ip("neighbour", "show", "172.246.0.0", "nud", "permanent") != "" })
	if got := h.peerMetrics(); len(got) != 1 || got[dst] != 0 {
		t.Errorf("the routes to peers are %v, want one without a metric", got)
	}
	h.ping("ns245", "172.246.0.2")
	h.atRest(file)
}

// Routes that somebody made by hand are adopted as they are, however many there are to be.
func TestAdoptPlainAmongMany(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", fleetOf("vxlan", 2099))
	h.apply(file)
	had := h.ip("route", "show", "172.246.0.0/24")
	h.ip("route", "delete", "172.246.0.0/24", "metric", fmt.Sprint(asDocumented(t, "172.246.0.0/24")))
	h.ip("route", "add", "172.246.0.0/24", "via", "172.246.0.0", "dev", "vxlan1", "onlink")
	if r := h.tool("plan", "-f", file); r.code != exitError || !strings.Contains(r.out, "--adopt takes over") {
		t.Errorf("exit code %d:\n%s%s", r.code, r.out, r.err)
	}
	h.apply(file, "--adopt")
	if m := h.peerMetrics(); m["172.246.0.0/24"] != 0 || len(m) != 2100 {
		t.Errorf("of %d routes, the adopted one has the metric %d; it was\n%s", len(m), m["172.246.0.0/24"], had)
	}
	h.atRest(file)
}
