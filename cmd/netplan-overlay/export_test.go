package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// exported exports the host into a file and returns its path and text. Nothing is left
// for a person to do: apply would just adopt.
func (h *host) exported(args ...string) (file, text string) {
	h.w.t.Helper()
	r := h.tool(append([]string{"export"}, args...)...)
	if r.code != exitOK {
		h.w.t.Fatalf("%s: export: exit code %d\n%s%s", h.name, r.code, r.out, r.err)
	}
	if strings.Contains(r.err, "Warning") {
		h.w.t.Errorf("%s: export:\n%s%s", h.name, r.err, r.out)
	}
	return h.w.file("exported-"+h.name+".yaml", r.out), r.out
}

// takenOver checks that adoption is all that the exported file asks for, does that with
// a ping running from inside a namespace, and checks that nothing was made again and that
// nothing is left to do.
func (h *host) takenOver(file, netns, far string) {
	h.w.t.Helper()
	adopts := 0
	for _, l := range h.planned(file, "--adopt").lines() {
		if !strings.HasPrefix(l, "adopt ") {
			h.w.t.Errorf("%s: the plan to adopt also has: %s", h.name, l)
		}
		adopts++
	}
	if adopts == 0 {
		h.w.t.Errorf("%s: there is nothing to adopt", h.name)
	}
	ping := exec.Command("ping", "-i", "0.01", "-q", far)
	errs := h.start(netns, ping)
	links := func() string { return h.linksOf("") + h.linksOf(netns) }
	before := links()
	h.apply(file, "--adopt")
	if after := links(); after != before {
		h.w.t.Errorf("%s: links were made again:\n%s\nbefore:\n%s", h.name, after, before)
	}
	_ = ping.Process.Signal(unix.SIGINT)
	if lost := h.w.finish(ping, errs); !regexp.MustCompile(`, 0% packet loss`).MatchString(lost.out) {
		h.w.t.Errorf("%s: packets were lost during the adoption:\n%s", h.name, lost.out)
	}
	h.converged(file)
	h.atRest(file)
}

// linksOf lists the links of a namespace with their indexes.
func (h *host) linksOf(netns string) string {
	var b strings.Builder
	for line := range strings.Lines(h.inside(netns, "-o", "link")) {
		f := strings.SplitN(line, ":", 3)
		fmt.Fprintln(&b, f[0], f[1])
	}
	return b.String()
}

// What was built by hand as in the article is described, and taken over.
func TestExportByHand(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	w.hosts[0].build(245, 246, "52:3a:8c:c9:08:e8", "52:3a:8c:c9:08:e9", "02:8d:b1:91:fa:7a")
	w.hosts[1].build(246, 245, "52:3a:8c:c9:08:e9", "52:3a:8c:c9:08:e8", "02:8d:b1:91:fa:7b")
	h, ns := w.hosts[0], w.id+"ns245"
	h.ping(ns, "172.246.0.2")
	file, text := h.exported("--name", "classic", "--peer", "192.168.32.246=vm2")
	want := strings.ReplaceAll(`apiVersion: netplan-overlay/v1
name: classic
backend: {type: vxlan, vni: 100, port: 4789}
nodes:
  vm1:
    address: 192.168.32.245
    overlay: {device: vtep245, mac: "52:3a:8c:c9:08:e8"}
    bridges: {br245: {addresses: 172.245.0.1/24, mtu: 1500, mac: "02:8d:b1:91:fa:7a"}}
    namespaces:
      NS: {interfaces: {eth0: {addresses: 172.245.0.2/24, host: veth245}}}
  vm2:
    address: 192.168.32.246
    overlay: {mac: "52:3a:8c:c9:08:e9"}
    bridges: {br0: 172.246.0.1/24}
`, "NS", ns)
	if got := withoutComments(text); got != want {
		t.Errorf("exported:\n%s\nwant:\n%s", text, want)
	}
	h.takenOver(file, ns, "172.246.0.2")
}

func withoutComments(s string) string {
	var b strings.Builder
	for l := range strings.Lines(s) {
		if !strings.HasPrefix(l, "#") {
			b.WriteString(l)
		}
	}
	return b.String()
}
