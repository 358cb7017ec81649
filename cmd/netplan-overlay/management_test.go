package main

import (
	"strings"
	"testing"
	"time"
)

// cutter is a way in which the tool can touch what carries the session.
type cutter struct {
	name    string
	prepare func(h *host, o *office) // what stands there before; nil: nothing
	before  string                   // the topology that is applied before; "": none
	file    string                   // the topology to apply; "": destroy the one before
	args    []string
	want    []string // in the refusal
	cuts    bool     // the session does not survive it
	client  string   // of the session; "": officeClient
	local   string   // the host's address; "": officeHost
}

// managed is two with another bridge on vm1, and another one on vm2.
func managed(own, far string) string {
	return strings.NewReplacer(
		"{br245: 172.245.0.1/24}", "{br245: 172.245.0.1/24"+own+"}",
		"{br246: 172.246.0.1/24}", "{br246: 172.246.0.1/24"+far+"}",
	).Replace(two("vxlan"))
}

// lanBridge moves the host's end of the office into a bridge that was made by hand.
func lanBridge(h *host, _ *office) {
	h.ip("link", "add", "br9", "address", "02:00:00:00:09:05", "type", "bridge")
	h.ip("link", "set", "br9", "up")
	h.ip("link", "set", "eth1", "master", "br9")
	h.ip("address", "delete", officeHost+"/24", "dev", "eth1")
	h.ip("address", "add", officeHost+"/24", "dev", "br9")
	h.ip("route", "add", "default", "via", officeGateway)
}

const lanBridgeInFile = `, br9: {addresses: 10.9.0.5/24, mtu: 1500, mac: "02:00:00:00:09:05", overlay: false}`

func cutters() []cutter {
	return []cutter{
		{
			name: "a peer's subnet has the client", file: managed("", ", br9: 203.0.113.1/24"),
			want: []string{"creating route 203.0.113.0/24", "packets to 203.0.113.5", "the SSH connection from 203.0.113.5", "--allow-mgmt"}, cuts: true,
		},
		{
			name: "a bridge's subnet has the client", file: managed(", br9: 203.0.113.1/24", ""),
			want: []string{"creating address 203.0.113.1/24 on br9", "the SSH connection from 203.0.113.5"}, cuts: true,
		},
		{
			name: "a bridge has the client's address", file: managed(", br9: {addresses: 203.0.113.5/32, overlay: false}", ""),
			want: []string{"creating address 203.0.113.5/32 on br9", "no longer leave this host"}, cuts: true,
		},
		{
			name: "a bridge's subnet has the gateway", file: managed(", br9: {addresses: 10.9.0.2/28, overlay: false}", ""),
			want: []string{"creating address 10.9.0.2/28 on br9", "10.9.0.1", "the default route"},
		},
		{
			name: "a bridge that was made by hand is adopted", prepare: lanBridge, file: managed(lanBridgeInFile, ""), args: []string{"--adopt"},
			want: []string{"adopting link br9", "br9 carries the default route and the SSH connection from 203.0.113.5"},
		},
		{
			name: "an adopted bridge goes", prepare: lanBridge, before: managed(lanBridgeInFile, ""), file: two("vxlan"), args: []string{"--allow-harm"},
			want: []string{"deleting link br9", "br9 carries the default route"}, cuts: true,
		},
		{
			name: "what the device stands on is destroyed", before: managed(strings.Replace(lanBridgeInFile, "10.9.0.5", "10.9.0.6", 1), ""), args: []string{"--allow-harm"},
			prepare: func(h *host, o *office) {
				lanBridge(h, o)
				h.ip("link", "add", "mv9", "link", "br9", "type", "macvlan", "mode", "bridge")
				h.ip("link", "set", "mv9", "up")
				h.ip("address", "delete", officeHost+"/24", "dev", "br9")
				h.ip("address", "add", officeHost+"/24", "dev", "mv9")
				h.ip("route", "add", "default", "via", officeGateway)
			},
			want: []string{"deleting", "br9 is below mv9, which carries the default route"}, cuts: true,
		},
		{
			name: "a route that goes before the connected one", file: managed("", ", br9: {addresses: 10.9.0.2/24}"),
			client: officeGateway, local: officeHost,
			prepare: func(h *host, _ *office) {
				h.ip("address", "delete", officeHost+"/24", "dev", "eth1")
				h.ip("address", "add", officeHost+"/24", "dev", "eth1", "noprefixroute")
				h.ip("route", "add", "10.9.0.0/24", "dev", "eth1", "metric", "100")
				h.ip("route", "add", "default", "via", officeGateway)
			},
			want: []string{"creating route 10.9.0.0/24", "packets to 10.9.0.1 would no longer leave by eth1"}, cuts: true,
		},
		{
			name: "a rule that goes before", file: managed("", ", br9: 203.0.113.1/24"),
			prepare: func(h *host, _ *office) {
				h.ip("route", "add", "default", "via", officeGateway, "dev", "eth1", "table", "100")
				h.ip("rule", "add", "from", officeHost, "lookup", "100")
			},
			want: []string{"creating route 203.0.113.0/24", "the SSH connection from 203.0.113.5"},
		},
		{
			name: "an IPv6 client", file: managed("", `, br9: "2001:db8:5::1/64"`),
			client: "2001:db8:5::5", local: "2001:db8:9::5",
			prepare: func(h *host, o *office) {
				o.six()
				h.ip("address", "add", "2001:db8:9::5/64", "dev", "eth1", "nodad")
				h.ip("route", "add", "default", "via", "2001:db8:9::1")
			},
			want: []string{"creating route 2001:db8:5::/64", "the SSH connection from 2001:db8:5::5"}, cuts: true,
		},
		{
			name: "a default route from a router advertisement", file: managed(`, br9: "fd00:9::1/64"`, ""),
			client: "2001:db8:5::5", local: "2001:db8:9::5",
			prepare: func(h *host, o *office) {
				o.six()
				h.ip("address", "add", "2001:db8:9::5/64", "dev", "eth1", "nodad")
				o.advertise(h)
			},
			want: []string{"sysctl net.ipv6.conf.all.forwarding", "learnt from a router advertisement on eth1", "net.ipv6.conf.eth1.accept_ra to 2"}, cuts: true,
		},
		{
			name: "an adopted bridge is destroyed", prepare: lanBridge, before: managed(lanBridgeInFile, ""), args: []string{"--allow-harm"},
			want: []string{"deleting link br9", "br9 carries the default route"}, cuts: true,
		},
	}
}

// Whatever of the tool's doing could cut the session is refused, and the session lives
// on; with --allow-mgmt it is done, and those that are said to cut it do.
func TestManagementIsKept(t *testing.T) {
	hostOnly(t)
	for i, tc := range cutters() {
		if leftOut(i) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "192.168.32.245/24")
			h := w.hosts[0]
			o := newOffice(t, h)
			if tc.prepare != nil {
				tc.prepare(h, o)
			}
			inOffice := func(f func() error) error { return o.door.In("", f) }
			if tc.client == "" {
				tc.client, tc.local = officeClient, officeHost
			}
			s := connect(t, h, inOffice, tc.client, tc.local)
			if tc.before != "" {
				h.apply(w.file("topology.yaml", tc.before), "--adopt", "--allow-mgmt")
			}
			command := []string{"destroy"}
			if tc.file != "" {
				w.file("topology.yaml", tc.file)
				command = []string{"apply"}
			}
			command = append(command, "-f", w.dir+"/topology.yaml", "--auto-approve")
			s.survives(h, append(command, tc.args...), tc.want)
			if r := h.tool(append(append(command, tc.args...), "--allow-mgmt")...); r.code != exitOK {
				t.Fatalf("with --allow-mgmt: exit code %d\n%s%s", r.code, r.out, r.err)
			}
			patience := 10 * time.Second
			if tc.cuts {
				patience = 300 * time.Millisecond
			}
			if s.alive(patience) == tc.cuts {
				t.Errorf("with --allow-mgmt, the session lives: %v, want %v\n%s", !tc.cuts, !tc.cuts, h.ip("route"))
			}
		})
	}
}

// A bridge whose MAC nobody had set, so that it was that of its port, keeps it once it
// is adopted: a namespace more does not change it, nor needs that --allow-mgmt.
func TestAdoptedBridgeKeepsItsMAC(t *testing.T) {
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	o := newOffice(t, h)
	lanBridge(h, o)
	h.ip("link", "set", "eth1", "address", "fe:ff:ff:ff:09:05")
	h.ip("link", "delete", "br9")
	h.ip("link", "add", "br9", "type", "bridge")
	h.ip("link", "set", "br9", "up")
	h.ip("link", "set", "eth1", "master", "br9")
	h.ip("address", "add", officeHost+"/24", "dev", "br9")
	h.ip("route", "add", "default", "via", officeGateway)
	s := connect(t, h, func(f func() error) error { return o.door.In("", f) }, officeClient, officeHost)
	text := managed(strings.Replace(lanBridgeInFile, "02:00:00:00:09:05", "fe:ff:ff:ff:09:05", 1), "")
	h.apply(w.file("topology.yaml", text), "--adopt", "--allow-mgmt")
	file := w.file("topology.yaml", strings.Replace(text, "{ns245: 172.245.0.2/24}", `{ns245: 172.245.0.2/24, more: {interfaces: {eth0: {bridge: br9, mac: "02:00:00:00:00:01", addresses: 10.9.0.7/24}}}}`, 1))
	h.apply(file)
	h.converged(file)
	if !s.alive(10 * time.Second) {
		t.Error("the session was cut")
	}
}

// A plan shows what it would do to the management connection, and can be saved; it is
// refused when it is to be executed.
func TestManagementInSavedPlan(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	o := newOffice(t, h)
	s := connect(t, h, func(f func() error) error { return o.door.In("", f) }, officeClient, officeHost)
	file, plan := w.file("topology.yaml", managed("", ", br9: 203.0.113.1/24")), w.dir+"/p.plan"
	r := h.tool("plan", "-f", file, "--out", plan)
	if r.code != exitOK || !strings.Contains(r.out, "Management: 1 change") {
		t.Fatalf("plan: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	s.survives(h, []string{"apply", "-f", file, "--plan", plan}, []string{"creating route 203.0.113.0/24", "--allow-mgmt"})
	if r := h.tool("apply", "-f", file, "--plan", plan, "--allow-mgmt"); r.code != exitOK {
		t.Errorf("with --allow-mgmt: exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

// sudo takes SSH_CONNECTION away; the shell that it was started from still has it.
func TestManagementUnderSudo(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	newOffice(t, h)
	file := w.file("topology.yaml", managed("", ", br9: 203.0.113.1/24"))
	h.session = officeClient + " 51000 " + officeHost + " 22"
	tool := []string{self(t), "apply", "-f", file, "--auto-approve", "--node", h.name, "--netns-dir", h.dir, "--run-dir", h.runDir()}
	r := h.in("", "sh", "-c", "env -u SSH_CONNECTION "+strings.Join(tool, " ")+"; exit $?")
	if r.code != exitError || !strings.Contains(r.err, "the SSH connection from 203.0.113.5") {
		t.Errorf("exit code %d, want %d and the connection\n%s%s", r.code, exitError, r.out, r.err)
	}
}

// The gateway is a namespace of the topology, such as a firewall: what leads there, and
// what is inside, is kept.
func TestManagementThroughNamespace(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	o := newOffice(t, h)
	text := strings.Replace(two("vxlan"), "{ns245: 172.245.0.2/24}", "{ns245: {interfaces: {eth0: 172.245.0.2/24}, sysctls: {net.ipv4.ip_forward: 1}}, other: {interfaces: {eth0: 172.245.0.3/24}}}", 1)
	file := w.file("topology.yaml", text)
	h.apply(file)
	h.ip("link", "set", "eth1", "netns", h.dir+"/ns245")
	h.inside("ns245", "address", "add", officeHost+"/24", "dev", "eth1")
	h.inside("ns245", "link", "set", "eth1", "up")
	h.inside("ns245", "route", "add", "203.0.113.0/24", "via", officeGateway)
	h.ip("route", "add", "default", "via", "172.245.0.2")
	o.ip("route", "add", "172.245.0.0/24", "via", officeHost)
	s := connect(t, h, func(f func() error) error { return o.door.In("", f) }, officeClient, "172.245.0.1")

	s.survives(h, []string{"destroy", "-f", file, "--auto-approve"}, []string{"may cut the connection"})
	w.file("topology.yaml", strings.Replace(text, "172.245.0.2/24", "172.245.0.9/24", 1))
	s.survives(h, []string{"apply", "-f", file, "--auto-approve"}, []string{"the namespace has 172.245.0.2, the next hop of the default route"})
	w.file("topology.yaml", strings.Replace(text, ", other: {interfaces: {eth0: 172.245.0.3/24}}", "", 1))
	h.apply(file) // another namespace on the same bridge may go
	if !s.alive(10 * time.Second) {
		t.Error("the session was cut")
	}
}

// An agent has no SSH connection; who it belongs to can be named.
func TestManagementPeer(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	newOffice(t, h)
	file := w.file("topology.yaml", managed("", ", br9: 203.0.113.1/24"))
	r := h.tool("plan", "-f", file, "--mgmt-peer", "192.168.32.1,"+officeClient)
	if r.code != exitOK || !strings.Contains(r.out, "packets to 203.0.113.5 would no longer leave by eth1, which carries the way to 203.0.113.5") {
		t.Errorf("plan: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if r := h.tool("apply", "-f", file, "--auto-approve", "--mgmt-peer", officeClient); r.code != exitError || !strings.Contains(r.err, "--allow-mgmt") {
		t.Errorf("apply: exit code %d, want %d\n%s%s", r.code, exitError, r.out, r.err)
	}
	if r := h.tool("plan", "-f", file, "--mgmt-peer", "somebody"); r.code != exitError || !strings.Contains(r.err, `"somebody" is no IP address`) {
		t.Errorf("plan: exit code %d, want %d\n%s%s", r.code, exitError, r.out, r.err)
	}
	if r := h.tool("plan", "-f", file); strings.Contains(r.out, "Management:") {
		t.Errorf("nobody is named, and this is found:\n%s", r.out)
	}
}

// A client on the link itself has an address that only makes sense with the device.
func TestManagementOnLink(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	o := newOffice(t, h)
	lanBridge(h, o)
	h.ip("route", "delete", "default")
	file := w.file("topology.yaml", managed(lanBridgeInFile, ""))
	for session, want := range map[string]string{
		"fe80::9%br9 51000 fe80::5%br9 22": "br9 carries the SSH connection from fe80::9",
		"10.9.0.1 51000 10.9.0.5 22":       "br9 carries the SSH connection from 10.9.0.1",
		"10.9.0.1 51000 10.9.0.77 22":      "", // it ends somewhere else
		"":                                 "",
	} {
		h.session = session
		r := h.tool("plan", "-f", file, "--adopt")
		if r.code != exitOK || want == "" && strings.Contains(r.out, "Management:") || !strings.Contains(r.out, want) {
			t.Errorf("SSH_CONNECTION=%q: exit code %d, want %q\n%s%s", session, r.code, want, r.out, r.err)
		}
	}
}

// Somebody who is logged in over the overlay keeps what leads there, and may have all
// the rest.
func TestManagementOverTheOverlay(t *testing.T) {
	w := twoHosts(t)
	h, far := w.hosts[0], w.hosts[1]
	text := two("vxlan")
	file := w.file("topology.yaml", text)
	w.applyAll(file)
	far.ping("ns246", "172.245.0.1")
	s := connect(t, h, func(f func() error) error { return far.door.In("ns246", f) }, "172.246.0.2", "172.245.0.1")

	s.survives(h, []string{"destroy", "-f", file, "--auto-approve"}, []string{"vxlan1 carries the SSH connection from 172.246.0.2"})
	for i, sub := range [][3]string{
		{"another VNI", "backend: vxlan", "backend: {type: vxlan, vni: 2}"},
		{"another backend", "backend: vxlan", "backend: host-gw"},
		{"the peer moves", "192.168.32.246", "192.168.32.247"},
		{"the peer's subnet is another one", "172.246", "172.247"},
		{"another peer in its place", "vm2:", "vm3:"},
		{"the MTU", "nodes:", "mtu: 1400\nnodes:"},
	} {
		if leftOut(i) {
			continue
		}
		name, changed := sub[0], strings.ReplaceAll(text, sub[1], sub[2])
		w.file("topology.yaml", changed)
		t.Run(name, func(t *testing.T) {
			s.survives(h, []string{"apply", "-f", file, "--auto-approve"}, []string{"the SSH connection from 172.246.0.2"})
		})
	}
	w.file("topology.yaml", text+"  vm3: {address: 192.168.32.247, bridges: {br247: 172.247.0.1/24}}\n")
	h.apply(file)
	if !s.alive(10 * time.Second) {
		t.Error("another peer cut the session")
	}
}

// Nothing that the tool does without --allow-mgmt costs a session over the underlay one
// packet: a topology made, changed, led over other backends, and destroyed.
func TestManagementLosesNothing(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	o := newOffice(t, h)
	// The office also is on the underlay, over which the default route leads now.
	w.must("ip", "-n", w.id+"fabric", "link", "add", "gate", "type", "veth", "peer", "name", "under", "netns", o.netns)
	w.must("ip", "-n", w.id+"fabric", "link", "set", "gate", "master", "underlay", "up")
	o.ip("address", "add", "192.168.32.1/24", "dev", "under")
	o.ip("link", "set", "under", "up")
	h.ip("route", "replace", "default", "via", "192.168.32.1")
	h.ip("link", "delete", "eth1")
	inOffice := func(f func() error) error { return o.door.In("", f) }
	s := connect(t, h, inOffice, officeClient, "192.168.32.245")

	ping := startPinging(t, inOffice, "-I", officeClient, "192.168.32.245")
	three := "  vm3: {address: 192.168.32.247, bridges: {br247: [172.247.0.1/24, \"fd00:247::1/64\"]}}\n"
	for _, text := range []string{
		two("vxlan"), two("vxlan") + three, two("host-gw") + three, two("{type: vxlan, vni: 7, directRouting: true}"),
		strings.Replace(two("host-gw"), "nodes:", "mtu: 1400\nnodes:", 1),
	} {
		h.apply(w.file("topology.yaml", text))
	}
	if r := h.tool("destroy", "-f", w.dir+"/topology.yaml", "--auto-approve"); r.code != exitOK {
		t.Errorf("destroy: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if !s.alive(10 * time.Second) {
		t.Error("the session was cut")
	}
	if lost := ping.lost(); lost != "" {
		t.Errorf("packets were lost: %s", lost)
	}
}
