package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// plentiful is a topology that has objects of every kind on its first node.
func plentiful(backend string, peers ...int) string {
	var b strings.Builder
	six := strings.Contains(backend, "over6")
	backend = strings.ReplaceAll(backend, ", over6: true", "")
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: classic\nbackend: %s\nnodes:\n", backend)
	for _, i := range append([]int{1}, peers...) {
		address := fmt.Sprintf("[192.168.32.%d, 2001:db8:32::%d]", i, i)
		if six {
			address = fmt.Sprintf("2001:db8:32::%d", i)
		}
		fmt.Fprintf(&b, "  vm%d:\n    address: %s\n    bridges: {br%d: [172.16.%d.1/24, \"fd42:0:0:%d::1/64\"]}\n", i, address, i, i, i)
	}
	text := strings.Replace(b.String(), `"fd42:0:0:1::1/64"]}`+"\n", `"fd42:0:0:1::1/64"], dmz: {addresses: 10.7.0.1/24, overlay: false, mtu: 1400}}
    namespaces:
      web: [172.16.1.10/24, "fd42:0:0:1::10/64"]
      fw:
        interfaces:
          eth0: {addresses: [172.16.1.20/24]}
          eth1: {bridge: dmz, addresses: [10.7.0.2/24], mac: "02:00:00:00:67:02"}
        routes: [{to: 10.9.0.0/16, via: 10.7.0.1}]
        sysctls: {net.ipv4.ip_forward: 1, net.ipv4.conf.eth0.rp_filter: 2}
`, 1)
	if strings.Contains(backend, "ipip") { // carries IPv4 alone
		text = regexp.MustCompile(`, "fd42[^"]*"`).ReplaceAllString(text, "")
	}
	return text
}

// underlay is the address of the node that plentiful is about.
const underlay = "192.168.32.1/24 2001:db8:32::1/64"

// wires are the backends, as plentiful takes them.
var wires = []struct {
	name, backend string
	ipip          bool
}{
	{"host-gw", "host-gw", false},
	{"vxlan", "{type: vxlan, vni: 1, port: 8472}", false},
	{"vxlan-direct", "{type: vxlan, vni: 1, port: 8472, directRouting: true}", false},
	{"vxlan-over-IPv6", "{type: vxlan, vni: 7, port: 4789, over6: true}", false},
	{"ipip", "ipip", true},
	{"ipip-per-peer", "{type: ipip, mode: per-peer}", true},
}

// deed is a change of a host, from one state to another.
type deed struct {
	name     string
	from, to string             // topologies; "": nothing there, or destroy
	meddle   func(h *host)      // what others do in between; nil: nothing
	args     []string           // of apply
	needs    func(t *testing.T) // ipip
}

// deeds are changes that use every kind, backend, switch and destroy.
func deeds() []deed {
	var l []deed
	none := func(*testing.T) {}
	for _, a := range wires {
		needs := none
		if a.ipip {
			needs = needIPIP
		}
		full := plentiful(a.backend, 2, 3)
		l = append(l, deed{name: "create " + a.name, to: full, needs: needs}, deed{name: "destroy " + a.name, from: full, needs: needs},
			deed{name: "peers of " + a.name, from: full, to: plentiful(a.backend, 2, 4, 5), needs: needs})
		for _, b := range wires {
			needs := needs
			if b.ipip {
				needs = needIPIP
			}
			if a.name != b.name {
				l = append(l, deed{name: a.name + " to " + b.name, from: full, to: plentiful(b.backend, 2, 3), needs: needs})
			}
		}
	}
	return append(l, troubled()...)
}

// troubled are changes of a host that others have changed before.
func troubled() []deed {
	vx := plentiful("vxlan", 2, 3)
	ip := func(lines ...string) func(*host) {
		return func(h *host) {
			for _, l := range lines {
				l = strings.ReplaceAll(l, "DIR", h.dir)
				if in, rest, ok := strings.Cut(l, ": "); ok {
					h.inside(in, strings.Fields(rest)...)
					continue
				}
				h.ip(strings.Fields(l)...)
			}
		}
	}
	none := func(*testing.T) {}
	return []deed{
		{name: "repair links", from: vx, to: vx, needs: none, meddle: ip("link delete br1", "link set vxlan1 address 02:00:00:00:00:09", "link set veth-web mtu 1300")},
		{name: "repair a device that is down", from: vx, to: vx, needs: none, meddle: ip("link set vxlan1 down", "link set br1 down", "fw: link set eth1 down")},
		{name: "repair addresses and routes", from: vx, to: vx, needs: none, meddle: ip("address delete 172.16.1.1/24 dev br1",
			"fw: address delete 10.7.0.2/24 dev eth1", "route delete 172.16.2.0/24", "route add 10.77.0.0/16 via 192.168.32.99 proto 157")},
		{name: "repair a namespace", from: vx, to: vx, needs: none, meddle: ip("web: link set lo down", "web: link delete eth0")},
		{name: "another underlay MTU", from: vx, to: strings.Replace(vx, "nodes:", "mtu: 1400\nnodes:", 1), needs: none},
		{name: "another VTEP", from: vx, to: strings.Replace(vx, "    namespaces:", "    overlay: {device: vtep1, mac: \"02:00:00:00:00:07\"}\n    namespaces:", 1), needs: none},
		{name: "a renamed bridge", from: vx, to: strings.ReplaceAll(vx, "br1:", "brnew:"), needs: none},
		{name: "harm", from: vx, to: plentiful("host-gw", 2, 3), args: []string{"--allow-harm"}, needs: none, meddle: ip(
			"address add 203.0.113.5/24 dev vxlan1", "route add 198.51.100.0/24 via 203.0.113.9", "route add 198.51.101.0/24 dev vxlan1")},
		{name: "harm by destroy", from: vx, args: []string{"--allow-harm"}, needs: none, meddle: ip(
			"address add 203.0.113.5/24 dev br1", "route add 198.51.100.0/24 via 203.0.113.9", "link add theirs type veth peer name theirs2", "link set theirs master br1 up",
			"link add guest type veth peer name guest0 netns DIR/web")},
		{name: "adoption", to: vx, args: []string{"--adopt"}, needs: none, meddle: ip(
			"link add br1 type bridge", "link add theirs type veth peer name theirs2", "link set theirs master br1 up", "link set br1 up", "address add 172.16.1.1/24 dev br1", "route add 172.16.2.0/24 via 192.168.32.99")},
	}
}

// stride is how many requests apart a fault is injected: at every one where
// reliabilityVar is set, else few, so that the tests end soon.
func stride() int {
	switch {
	case os.Getenv(reliabilityVar) != "" && slow():
		return 13
	case os.Getenv(reliabilityVar) != "":
		return 1
	case slow():
		return 61
	}
	return 29
}

// coarse is stride for what takes several runs of the tool at each point.
func coarse() int {
	if os.Getenv(reliabilityVar) != "" && !slow() {
		return 7
	}
	return stride()
}

// inVM adds deeds that the virtual machine tries where reliabilityVar is set.
func inVM(names ...string) []string {
	if os.Getenv(reliabilityVar) == "" {
		return nil
	}
	return names
}

// chosen returns the deeds to try: those that are named, or all where reliabilityVar is
// set; in the virtual machine, which is slow, those that are named and need it.
func chosen(names ...string) []deed {
	there := slow()
	return slices.DeleteFunc(deeds(), func(d deed) bool {
		named := slices.Contains(names, d.name)
		if there {
			return !named || !strings.Contains(d.name, "ipip")
		}
		return !named && os.Getenv(reliabilityVar) == ""
	})
}

// reliabilityVar asks for the whole of the fault injection ("make reliability").
const reliabilityVar = "NETPLAN_OVERLAY_TEST_RELIABILITY"

// prepare brings a new host to where the deed begins, and returns the command that does
// it, with its topology.
func (d deed) prepare(t *testing.T) (*host, []string) {
	t.Helper()
	d.needs(t)
	w := newWorld(t, underlay)
	h := w.hosts[0]
	file := w.file("to.yaml", d.to)
	command := []string{"apply", "-f", file, "--auto-approve"}
	if d.from != "" {
		old := w.file("from.yaml", d.from)
		h.apply(old)
		if d.to == "" {
			command = []string{"destroy", "-f", old, "--auto-approve"}
		}
	}
	if d.meddle != nil {
		d.meddle(h)
	}
	return h, append(command, d.args...)
}

// A request that fails, whichever, leaves the host as it was: exit code 3.
func TestFailedAnywhereIsTakenBack(t *testing.T) {
	names := append(inVM("ipip to ipip-per-peer", "destroy ipip", "ipip-per-peer to host-gw"), "create vxlan-over-IPv6", "destroy vxlan",
		"host-gw to vxlan", "vxlan-direct to host-gw", "harm by destroy", "adoption", "create ipip-per-peer", "vxlan to ipip")
	for n, d := range chosen(names...) {
		t.Run(d.name, func(t *testing.T) {
			h, command := d.prepare(t)
			before := h.settledTruth()
			tried := 0
			for point := 1 + n%stride(); ; point += stride() {
				r := h.toolWith([]string{failVar + "=" + strconv.Itoa(point)}, command...)
				if r.code == exitOK {
					break
				}
				tried++
				if r.code == exitError {
					t.Fatalf("request %d: exit code %d\n%s", point, r.code, r.err)
				}
				if r.code != exitRolledBack {
					t.Errorf("request %d: exit code %d\n%s", point, r.code, r.err)
				}
				if d := h.becomes(before); len(d) > 0 {
					t.Fatalf("request %d: the host is not as it was:\n%s\n%s", point, strings.Join(d, "\n"), r.err)
				}
			}
			proved(t, "a request to the kernel is refused (EIO): each one of a change, in turn", tried, "exit code 3; all that `ip`, `bridge` and /proc/sys tell is as before")
		})
	}
}
