package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Switching the backend, each to each, ends in a working overlay with nothing of
// the old one left.
func TestSwitchBackend(t *testing.T) {
	fresh := map[string][]string{} // how hosts look that only ever had the backend
	for i, from := range backends {
		for j, to := range backends {
			if from.name == to.name || slow() && (!from.ipip && !to.ipip || (i+j)%2 != 1) {
				continue // there, what needs ipip, and of that a sample
			}
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				if from.ipip || to.ipip {
					needIPIP(t)
				}
				w := twoHosts(t)
				w.applyAll(w.file("topology.yaml", two(from.backend)))
				w.applyAll(w.file("topology.yaml", two(to.backend)))
				w.hosts[0].ping("ns245", "172.246.0.2")
				w.hosts[1].ping("ns246", "172.245.0.2")

				if fresh[to.name] == nil {
					fresh[to.name] = twoHostsFresh(t, to.backend)
				}
				for i, h := range w.hosts {
					if d := cmp.Diff(fresh[to.name][i], h.shape()); d != "" {
						t.Errorf("%s after the switch (-fresh +switched):\n%s", h.name, d)
					}
				}
			})
		}
	}
}

// twoHostsFresh returns how two hosts look that only ever had the backend.
func twoHostsFresh(t *testing.T, backend string) []string {
	t.Helper()
	var shapes []string
	t.Run("fresh", func(t *testing.T) {
		w := twoHosts(t)
		w.applyAll(w.file("topology.yaml", two(backend)))
		for _, h := range w.hosts {
			shapes = append(shapes, h.shape())
		}
	})
	return shapes
}

// shape is what iproute2 says of a host, without what differs from one making to
// the next.
func (h *host) shape() string {
	h.w.t.Helper()
	var l []string
	for line := range strings.Lines(h.ip("-br", "link")) {
		f := strings.Fields(line)
		name, _, _ := strings.Cut(f[0], "@")
		l = append(l, name)
	}
	slices.Sort(l)
	l = append(l, settled(linkIndex.ReplaceAllString(h.ip("-o", "-4", "address"), "")), settled(h.ip("route")), settled(h.ip("neighbour", "show", "nud", "permanent")))
	for line := range strings.Lines(settled(h.bridge("fdb", "show"))) {
		if strings.Contains(line, " dst ") {
			l = append(l, strings.TrimSpace(line))
		}
	}
	return strings.Join(l, "\n")
}

// linkIndex is what "ip -o address" begins its lines with.
var linkIndex = regexp.MustCompile(`(?m)^\d+: `)
