package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	ping := h.pinging(netns, far)
	links := func() string { return h.linksOf("") + h.linksOf(netns) }
	before := links()
	h.apply(file, "--adopt")
	if after := links(); after != before {
		h.w.t.Errorf("%s: links were made again:\n%s\nbefore:\n%s", h.name, after, before)
	}
	if lost := ping.lost(); lost != "" {
		h.w.t.Errorf("%s: packets were lost during the adoption: %s", h.name, lost)
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
	file, text := h.exported("--name", "by-hand", "--peer", "192.168.32.246=vm2")
	want := strings.ReplaceAll(`apiVersion: netplan-overlay/v1
name: by-hand
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

// The snapshots of both hosts become one file, in which nothing is assumed, and with
// which both are taken over.
func TestExportSnapshots(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	w.hosts[0].build(245, 246, "52:3a:8c:c9:08:e8", "52:3a:8c:c9:08:e9", "02:8d:b1:91:fa:7a")
	w.hosts[1].build(246, 245, "52:3a:8c:c9:08:e9", "52:3a:8c:c9:08:e8", "02:8d:b1:91:fa:7b")
	dir := filepath.Join(w.dir, "snapshots")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, h := range w.hosts {
		if r := h.tool("observe", "--out", filepath.Join(dir, h.name+".json")); r.code != exitOK {
			t.Fatalf("%s: observe: exit code %d\n%s%s", h.name, r.code, r.out, r.err)
		}
	}
	file, text := w.hosts[0].exported("--observed", dir, "--name", "by-hand", "--peer", "192.168.32.245=vm1", "--peer", "192.168.32.246=vm2")
	if strings.Contains(text, "#") {
		t.Errorf("of all hosts, something is assumed or left out:\n%s", text)
	}
	for i, h := range w.hosts {
		h.takenOver(file, fmt.Sprintf("%sns%d", w.id, 245+i), fmt.Sprintf("172.%d.0.2", 246-i))
	}
	if r := w.hosts[0].tool("export", "--observed", filepath.Join(w.dir, "none")); r.code != exitError || !strings.Contains(r.err, "read snapshots") {
		t.Errorf("export of no snapshots: exit code %d\n%s", r.code, r.err)
	}
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

// flannel makes a host as flannel 0.28 and the CNI plugins flannel and bridge do, with
// the VTEP's MAC, and the peers by their underlay address, subnet and VTEP's MAC.
func (h *host) flannel(own, mac string, peers ...[3]string) (netns string) {
	h.w.t.Helper()
	h.share()
	netns = h.w.id + h.name + "pod"
	h.w.netns(netns)
	underlay := strings.Fields(h.ip("-4", "-o", "address", "show", "dev", "eth0"))[3]
	subnet, gateway, pod := own+".0", own+".1", own+".2"
	script := fmt.Sprintf(`set -e
ip link add flannel.1 address %[1]s mtu 1450 type vxlan id 1 local %[2]s dev eth0 dstport 8472 nolearning
echo 0 > /proc/sys/net/ipv6/conf/flannel.1/accept_ra
ip address add %[3]s/32 dev flannel.1
ip link set flannel.1 up
ip link add cni0 mtu 1450 type bridge
ip link set cni0 up
ip address add %[4]s/24 brd %[7]s.255 dev cni0
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link add veth1a2b3c4d mtu 1450 type veth peer name eth0 mtu 1450 netns %[6]s
ip link set veth1a2b3c4d master cni0 up
bridge link set dev veth1a2b3c4d hairpin on
ip -n %[6]s link set lo up
ip -n %[6]s link set eth0 up
ip -n %[6]s address add %[5]s/24 brd %[7]s.255 dev eth0
ip -n %[6]s route add default via %[4]s
ip -n %[6]s route add 10.244.0.0/16 via %[4]s
`, mac, strings.Split(underlay, "/")[0], subnet, gateway, pod, netns, own)
	for _, p := range peers {
		script += fmt.Sprintf(`ip neighbour replace %[2]s.0 lladdr %[3]s dev flannel.1 nud permanent
bridge fdb replace %[3]s dev flannel.1 dst %[1]s self permanent
ip route replace %[2]s.0/24 via %[2]s.0 dev flannel.1 onlink
`, p[0], p[1], p[2])
	}
	if r := h.in("", "sh", "-c", script); r.code != 0 {
		h.w.t.Fatalf("%s: flannel: %s%s", h.name, r.out, r.err)
	}
	return netns
}

// What flannel made is described, and taken over, pods included that have named
// namespaces.
func TestExportFlannel(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24 2001:db8::245/64", "192.168.32.246/24")
	ns := w.hosts[0].flannel("10.244.1", "8e:1b:ee:5c:b2:01", [3]string{"192.168.32.246", "10.244.2", "8e:1b:ee:5c:b2:02"}, [3]string{"192.168.32.247", "10.244.3", "8e:1b:ee:5c:b2:03"})
	w.hosts[1].flannel("10.244.2", "8e:1b:ee:5c:b2:02", [3]string{"192.168.32.245", "10.244.1", "8e:1b:ee:5c:b2:01"})
	h := w.hosts[0]
	h.ping(ns, "10.244.2.2")
	h.ip("route", "add", "10.99.0.0/16", "via", "192.168.32.1") // somebody's, and no peer's
	bridge := h.jsonOf("", "ip", "link", "show", "cni0")[0]["address"]
	file, text := h.exported("--name", "pods")
	want := strings.NewReplacer("NS", ns, "BRIDGE", fmt.Sprint(bridge)).Replace(`apiVersion: netplan-overlay/v1
name: pods
backend: vxlan
nodes:
  vm1:
    address: 192.168.32.245
    overlay: {device: flannel.1, mac: "8e:1b:ee:5c:b2:01"}
    bridges: {cni0: {addresses: 10.244.1.1/24, mac: "BRIDGE"}}
    namespaces:
      NS:
        interfaces: {eth0: {addresses: 10.244.1.2/24, host: veth1a2b3c4d}}
        routes: [{to: default, via: 10.244.1.1}, {to: 10.244.0.0/16, via: 10.244.1.1}]
  peer-192-168-32-246:
    address: 192.168.32.246
    overlay: {mac: "8e:1b:ee:5c:b2:02"}
    bridges: {br0: 10.244.2.1/24}
  peer-192-168-32-247:
    address: 192.168.32.247
    overlay: {mac: "8e:1b:ee:5c:b2:03"}
    bridges: {br0: 10.244.3.1/24}
`)
	if got := withoutComments(text); got != want {
		t.Errorf("exported:\n%s\nwant:\n%s", text, want)
	}
	h.takenOver(file, ns, "10.244.2.2")
}

// Plain routes made by hand, with no device to tell the underlay: that is where the
// gateways are. Other routes and bridges stay what they are.
func TestExportHostGW(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	for i, h := range w.hosts {
		h.share()
		ns := fmt.Sprintf("%sns%d", w.id, i+1)
		w.netns(ns)
		script := fmt.Sprintf(`set -e
ip link add lan type bridge
ip link set lan up
ip address add 10.64.%[2]d.1/24 dev lan
ip link add docker0 type bridge
ip address add 172.17.0.1/16 dev docker0
ip link set docker0 up
ip link add gate type veth peer name lan0 netns %[1]s
ip link set gate master lan up
ip -n %[1]s link set lo up
ip -n %[1]s link set lan0 up
ip -n %[1]s address add 10.64.%[2]d.10/24 dev lan0
ip -n %[1]s route add 10.64.0.0/16 via 10.64.%[2]d.1
echo 1 > /proc/sys/net/ipv4/ip_forward
ip route add 10.64.%[3]d.0/24 via 192.168.32.%[4]d
ip route add default via 192.168.32.1
ip route add 10.0.0.0/8 via 192.168.32.1
ip route add 10.70.0.0/16 nexthop via 192.168.32.3 nexthop via 192.168.32.4
`, ns, i+1, 2-i, 246-i)
		if r := h.in("", "sh", "-c", script); r.code != 0 {
			t.Fatalf("%s: %s%s", h.name, r.out, r.err)
		}
	}
	h, ns := w.hosts[0], w.id+"ns1"
	h.ping(ns, "10.64.2.10")
	file, text := h.exported("--name", "office", "--peer", "192.168.32.246=vm2")
	for _, want := range []string{
		"backend: host-gw\n", "lan0: {addresses: 10.64.1.10/24, host: gate}", "routes: []",
		"# Left out: vm1: bridge docker0:", "# Left out: vm1: route 10.70.0.0/16 nexthop via", "# Left out: vm1: route 10.0.0.0/8 via 192.168.32.1",
		"# Left out: vm1: route 10.64.0.0/16 via 10.64.1.1 in netns",
		"  vm2:\n    address: 192.168.32.246\n    bridges: {br0: 10.64.2.1/24}\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("exported without %q:\n%s", want, text)
		}
	}
	h.takenOver(file, ns, "10.64.2.10")
}

// Tunnels as they are set up by hand: one for all peers, or one to each, with addresses
// in a subnet of their own.
func TestExportIPIP(t *testing.T) {
	needIPIP(t)
	for _, tc := range []struct{ name, tunnel, route, want string }{
		{
			"multipoint",
			"ip link add tunl type ipip local 192.168.32.%[1]d ttl 64\nip address add 172.245.0.0/32 dev tunl\nip link set tunl up\n",
			"ip route add 172.%[2]d.0.0/24 via 192.168.32.%[2]d dev tunl onlink\n",
			"backend: ipip\nnodes:\n  vm1:\n    address: 192.168.32.245\n    overlay: {device: tunl}\n",
		},
		{
			"per peer",
			"ip link add tun%[1]d type ipip local 192.168.32.%[1]d remote 192.168.32.%[2]d ttl 64\nip address add 172.31.0.%[1]d/24 dev tun%[1]d\nip link set tun%[1]d up\n",
			"ip route add 172.%[2]d.0.0/24 via 172.31.0.%[2]d dev tun%[1]d\n",
			"backend: {type: ipip, mode: per-peer}\nnodes:\n  vm1:\n    address: 192.168.32.245\n    overlay: {device: tun245, address: 172.31.0.245/24}\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := twoHosts(t)
			for i, h := range w.hosts {
				own, far := 245+i, 246-i
				h.share()
				ns := fmt.Sprintf("%sns%d", w.id, own)
				w.netns(ns)
				script := fmt.Sprintf(`set -e
ip link add br%[1]d address 02:8d:b1:91:fa:%[2]d type bridge
ip address add 172.%[1]d.0.1/24 dev br%[1]d
ip link set br%[1]d mtu 1480 up
ip link add veth%[1]d mtu 1480 type veth peer name eth0 mtu 1480 netns %[3]s
ip link set veth%[1]d master br%[1]d up
ip -n %[3]s link set lo up
ip -n %[3]s link set eth0 up
ip -n %[3]s address add 172.%[1]d.0.2/24 dev eth0
ip -n %[3]s route add default via 172.%[1]d.0.1
echo 1 > /proc/sys/net/ipv4/ip_forward
`, own, own-200, ns) + fmt.Sprintf(strings.ReplaceAll(tc.tunnel, "172.245", "172.%[1]d"), own, far) + fmt.Sprintf("set -e # %[1]d %[2]d\n"+tc.route, own, far)
				if r := h.in("", "sh", "-c", script); r.code != 0 {
					t.Fatalf("%s: %s%s\n%s", h.name, r.out, r.err, script)
				}
			}
			h, ns := w.hosts[0], w.id+"ns245"
			h.ping(ns, "172.246.0.2")
			file, text := h.exported("--name", "by-hand", "--peer", "192.168.32.246=vm2")
			if !strings.Contains(text, tc.want) {
				t.Errorf("exported:\n%s\nwant:\n%s", text, tc.want)
			}
			h.takenOver(file, ns, "172.246.0.2")
		})
	}
}
