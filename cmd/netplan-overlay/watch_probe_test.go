package main

import (
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// Whether peers answer is told by status and metrics, and the host is ready as the file
// says: it stays in sync, whatever the peers do.
func TestWatchProbes(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	h := w.hosts[0]
	file := w.file("topology.yaml", two("vxlan")+"probe: {interval: 100ms, timeout: 100ms, namespaces: true, ready: all}\n")
	w.hosts[1].apply(file)
	watch := h.watch(file)
	all := func(want status.Reach) func(*status.Status) bool {
		return func(s *status.Status) bool {
			for _, p := range s.Peers {
				if p.State != want {
					return false
				}
			}
			return len(s.Peers) == 2
		}
	}
	s := watch.is("the peer answers", all(status.Up))
	for _, p := range s.Peers {
		if p.Node != "vm2" || p.RTT <= 0 || p.Loss > 0 {
			t.Errorf("%+v", p)
		}
	}
	if code, text := h.ask("/readyz"); code != 200 {
		t.Errorf("ready: %d %s", code, text)
	}
	up := `netplan_overlay_peer_up{address="172.246.0.2",namespace="ns246",peer="vm2"} `
	if _, text := h.ask("/metrics"); !strings.Contains(text, up+"1\n") {
		t.Errorf("the metrics don't tell that the peer is up:\n%s", text)
	}

	w.hosts[1].ip("link", "set", "vxlan1", "down")
	s = watch.is("the peer doesn't answer", all(status.Down))
	if !inSync(s) {
		t.Errorf("the host is %s because of its peer", s.State)
	}
	if code, text := h.ask("/readyz"); code != 503 || !strings.Contains(text, "vm2") {
		t.Errorf("ready: %d %s", code, text)
	}
	if _, text := h.ask("/metrics"); !strings.Contains(text, up+"0\n") {
		t.Errorf("the metrics don't tell that the peer is down:\n%s", text)
	}
	if r := h.tool("status"); r.code != exitOK || !strings.Contains(r.out, "2 down") {
		t.Errorf("status: exit code %d\n%s", r.code, r.out)
	}
	w.hosts[1].apply(file)
	watch.is("the peer answers again", all(status.Up))

	w.file("topology.yaml", two("vxlan"))
	watch.is("nobody is probed any more", func(s *status.Status) bool { return inSync(s) && len(s.Peers) == 0 })
	if code, text := h.ask("/readyz"); code != 200 {
		t.Errorf("ready: %d %s", code, text)
	}
}
