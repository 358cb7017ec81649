package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// byHand is the classical article's host, with the names and MACs that it uses.
const byHand = `apiVersion: netplan-overlay/v1
name: classic
backend: {type: vxlan, vni: 100, port: 4789}
nodes:
  vm1:
    address: 192.168.32.245
    overlay: {device: vtep245, mac: "52:3a:8c:c9:08:e8", address: 172.245.0.0/32, mtu: 1450}
    bridges: {br245: {addresses: [172.245.0.1/24], mtu: 1500, mac: "02:8d:b1:91:fa:7a"}}
    namespaces: {ns245: {interfaces: {eth0: {addresses: [172.245.0.2/24], host: veth245, mtu: 1500}}}}
  vm2:
    address: 192.168.32.246
    overlay: {device: vtep246, mac: "52:3a:8c:c9:08:e9", address: 172.246.0.0/32, mtu: 1450}
    bridges: {br246: {addresses: [172.246.0.1/24], mtu: 1500, mac: "02:8d:b1:91:fa:7b"}}
    namespaces: {ns246: {interfaces: {eth0: {addresses: [172.246.0.2/24], host: veth246, mtu: 1500}}}}
`

// build makes a host by hand, with ip and bridge commands; own and far are the last
// part of the two hosts' numbers.
func (h *host) build(own, far int, ownMAC, farMAC, bridgeMAC string) {
	h.w.t.Helper()
	h.share()
	ns := fmt.Sprintf("%sns%d", h.w.id, own)
	h.w.netns(ns)
	script := fmt.Sprintf(`set -e
ip link add br%[2]d address %[6]s type bridge
ip link set br%[2]d mtu 1500
ip address add 172.%[2]d.0.1/24 dev br%[2]d
ip link set br%[2]d up
ip link add veth%[2]d type veth peer name eth0 netns %[1]s
ip link set veth%[2]d master br%[2]d up
ip -n %[1]s link set lo up
ip -n %[1]s link set eth0 up
ip -n %[1]s address add 172.%[2]d.0.2/24 dev eth0
ip -n %[1]s route add default via 172.%[2]d.0.1
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link add vtep%[2]d address %[4]s type vxlan id 100 dstport 4789 local 192.168.32.%[2]d dev eth0 nolearning
ip address add 172.%[2]d.0.0/32 dev vtep%[2]d
ip link set vtep%[2]d up
ip route add 172.%[3]d.0.0/24 via 172.%[3]d.0.0 dev vtep%[2]d onlink
ip neighbour add 172.%[3]d.0.0 lladdr %[5]s dev vtep%[2]d nud permanent
bridge fdb add %[5]s dev vtep%[2]d dst 192.168.32.%[3]d
`, ns, own, far, ownMAC, farMAC, bridgeMAC)
	if r := h.in("", "sh", "-c", script); r.code != 0 {
		h.w.t.Fatalf("%s: build: %s%s", h.name, r.out, r.err)
	}
}

// A host that was built by hand is taken over without one lost packet, and without
// re-creating anything.
func TestAdoption(t *testing.T) {
	w := twoHosts(t)
	w.hosts[0].build(245, 246, "52:3a:8c:c9:08:e8", "52:3a:8c:c9:08:e9", "02:8d:b1:91:fa:7a")
	w.hosts[1].build(246, 245, "52:3a:8c:c9:08:e9", "52:3a:8c:c9:08:e8", "02:8d:b1:91:fa:7b")
	ns := func(n int) string { return fmt.Sprintf("%sns%d", w.id, n) }
	w.hosts[0].ping(ns(245), "172.246.0.2")
	text := strings.NewReplacer("ns245", ns(245), "ns246", ns(246)).Replace(byHand)
	file := w.file("topology.yaml", text)

	h := w.hosts[0]
	before := h.snapshot()
	r := h.tool("plan", "-f", file)
	if r.code != exitError || !strings.Contains(r.out, "vtep245") || !strings.Contains(r.out, "--adopt") {
		t.Errorf("plan of a host built by hand: exit code %d, want %d, with the conflict and the way out\n%s%s", r.code, exitError, r.out, r.err)
	}
	if r := h.tool("apply", "-f", file, "--auto-approve"); r.code != exitError {
		t.Errorf("apply without --adopt: exit code %d, want %d\n%s%s", r.code, exitError, r.out, r.err)
	}
	if after := h.snapshot(); after != before {
		t.Fatalf("a refused apply changed the host:\n%s\nbefore:\n%s", after, before)
	}
	for _, l := range h.planned(file, "--adopt").lines() {
		if !strings.HasPrefix(l, "adopt ") {
			t.Errorf("the plan to adopt also has: %s", l)
		}
	}

	ping := h.pinging(ns(245), "172.246.0.2")
	indexes := w.indexes()
	w.applyAll(file, "--adopt")
	if after := w.indexes(); after != indexes {
		t.Errorf("links were made again:\n%s\nbefore:\n%s", after, indexes)
	}
	if lost := ping.lost(); lost != "" {
		t.Errorf("packets were lost during the adoption: %s", lost)
	}
	for _, h := range w.hosts {
		h.atRest(file)
	}
}

// indexes lists every link of the world with its index, which tells one that was
// made again.
func (w *world) indexes() string {
	var b bytes.Buffer
	for i, h := range w.hosts {
		for _, s := range []string{h.ip("-o", "link"), h.inside(fmt.Sprintf("%sns%d", w.id, 245+i), "-o", "link")} {
			for line := range strings.Lines(s) {
				f := strings.SplitN(line, ":", 3)
				fmt.Fprintln(&b, h.name, f[0], f[1])
			}
		}
	}
	return b.String()
}
