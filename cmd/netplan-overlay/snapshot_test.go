package main

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// snapshot is all that iproute2 says of a host, without what changes by itself: to
// compare a host with how it was before.
func (h *host) snapshot() string {
	h.w.t.Helper()
	parts := []string{
		settled(h.ip("-d", "link", "show")), settled(h.ip("address", "show")), settled(h.ip("route", "show", "table", "all")),
		settled(h.ip("-6", "route", "show")), settled(h.ip("neighbour", "show", "nud", "permanent")),
		settled(h.bridge("fdb", "show")), h.sysctl("net.ipv4.ip_forward"), h.sysctl("net.ipv6.conf.all.forwarding"),
	}
	names, err := os.ReadDir(h.dir)
	if err != nil {
		h.w.t.Fatal(err)
	}
	for _, n := range names {
		if h.dir == kernel.DefaultNetnsDir && !strings.HasPrefix(n.Name(), h.w.id) {
			continue // another test's
		}
		parts = append(parts, "netns "+n.Name())
	}
	return strings.Join(parts, "\n")
}

// volatile is what the kernel changes by itself, as time passes or indexes are
// handed out; it tells of carriers up to a second after a device has come up.
var volatile = regexp.MustCompile(`(_timer +[0-9.]+)|( tentative)|(valid_lft \w+)|(preferred_lft \w+)|( expires \w+)|( pref medium)|( linkdown)|( dadfailed)|` +
	`(NO-CARRIER,)|(,LOWER_UP)|(,M-DOWN)|( state [A-Za-z]+)|( fdb_n_learned \d+)`)

// fdbRow is a row of the FDB, of which a bridge has learned those that are neither
// permanent nor static: from any packet that comes along.
var fdbRow = regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2} dev `)

// settled takes out what changes by itself. IPv6 link-local addresses come up a
// little later than their device, with the multicast group in which they are asked for,
// and are the kernel's own.
func settled(s string) string {
	s = volatile.ReplaceAllString(s, "")
	lines := strings.Split(s, "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool {
		return strings.Contains(l, "fe80:") || strings.HasPrefix(l, "33:33:ff:") || strings.Contains(l, "ff00::/8") || strings.TrimSpace(l) == "" ||
			fdbRow.MatchString(l) && !strings.Contains(l, " permanent") && !strings.Contains(l, " static") ||
			strings.Contains(l, "Peer netns reference is invalid") // of a namespace that somebody deletes while ip looks
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (h *host) sysctl(name string) string {
	h.w.t.Helper()
	r := h.in("", "cat", "/proc/sys/"+strings.ReplaceAll(name, ".", "/"))
	if r.code != 0 {
		h.w.t.Fatal(r.err)
	}
	return name + " = " + strings.TrimSpace(r.out)
}
