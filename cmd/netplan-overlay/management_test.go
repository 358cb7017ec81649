package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// office is the network from which hosts are managed: a gateway, and behind it the
// client of an SSH session.
type office struct {
	w     *world
	netns string
	door  *kernel.Host
}

// Where things are in the office.
const (
	officeGateway = "10.9.0.1"
	officeHost    = "10.9.0.5"
	officeClient  = "203.0.113.5"
)

// newOffice joins a host to an office by its eth1, over which its default route leads.
func newOffice(t *testing.T, h *host) *office {
	t.Helper()
	w := h.w
	o := &office{w: w, netns: w.id + "office"}
	w.netns(o.netns)
	o.ip("link", "set", "lo", "up")
	o.ip("link", "add", "lan", "type", "veth", "peer", "name", "eth1", "netns", h.netns)
	o.ip("link", "set", "lan", "up")
	o.ip("address", "add", officeGateway+"/24", "dev", "lan")
	o.ip("address", "add", officeClient+"/32", "dev", "lo")
	h.ip("link", "set", "eth1", "up")
	h.ip("address", "add", officeHost+"/24", "dev", "eth1")
	h.ip("route", "add", "default", "via", officeGateway)
	door, err := kernel.Open(kernel.Options{Root: "/run/netns/" + o.netns, NetnsDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	o.door = door
	t.Cleanup(func() { door.Close() })
	return o
}

func (o *office) ip(args ...string) {
	o.w.t.Helper()
	o.w.must("ip", append([]string{"-n", o.netns}, args...)...)
}

// session is an established connection from a client to a host.
type session struct {
	t            *testing.T
	client, host net.Conn
}

// connect establishes a session between two namespaces, and tells the host's tool of
// it, as sshd would.
func connect(t *testing.T, h *host, in func(func() error) error, client, local string) *session {
	t.Helper()
	var ln net.Listener
	s := &session{t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.door.In("", func() (err error) {
		ln, err = net.Listen("tcp", net.JoinHostPort(local, "0"))
		return err
	}))
	defer ln.Close()
	must(in(func() (err error) {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(client), 0)), Timeout: 5 * time.Second}
		s.client, err = d.DialContext(context.Background(), "tcp", ln.Addr().String())
		return err
	}))
	var err error
	s.host, err = ln.Accept()
	must(err)
	t.Cleanup(func() { s.client.Close(); s.host.Close() })
	h.session = client + " 51000 " + local + " 22"
	return s
}

// alive says whether the session carries a message there and back in time.
func (s *session) alive(patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for _, way := range [][2]net.Conn{{s.client, s.host}, {s.host, s.client}} {
		for _, c := range way {
			if err := c.SetDeadline(deadline); err != nil {
				s.t.Fatal(err)
			}
		}
		b := make([]byte, 1)
		if _, err := way[0].Write([]byte{1}); err != nil {
			return false
		}
		if _, err := way[1].Read(b); err != nil {
			return false
		}
	}
	return true
}

// cutter is a way in which the tool can touch what carries the session.
type cutter struct {
	name    string
	prepare func(h *host, o *office) // what stands there before; nil: nothing
	before  string                   // the topology that is applied before; "": none
	file    string                   // the topology to apply; "": destroy the one before
	args    []string
	want    []string // in the refusal
	cuts    bool     // the session does not survive it
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
			want: []string{"deleting", "br9 carries the default route"}, cuts: true,
		},
		{
			name: "an adopted bridge is destroyed", prepare: lanBridge, before: managed(lanBridgeInFile, ""), args: []string{"--allow-harm"},
			want: []string{"deleting", "br9 carries the default route"}, cuts: true,
		},
	}
}

// Whatever of the tool's doing could cut the session is refused, and the session lives
// on; with --allow-mgmt it is done, and those that are said to cut it do.
func TestManagementIsKept(t *testing.T) {
	for _, tc := range cutters() {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, "192.168.32.245/24")
			h := w.hosts[0]
			o := newOffice(t, h)
			if tc.prepare != nil {
				tc.prepare(h, o)
			}
			inOffice := func(f func() error) error { return o.door.In("", f) }
			s := connect(t, h, inOffice, officeClient, officeHost)
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
				patience = time.Second
			}
			if s.alive(patience) == tc.cuts {
				t.Errorf("with --allow-mgmt, the session lives: %v, want %v\n%s", !tc.cuts, !tc.cuts, h.ip("route"))
			}
		})
	}
}

// survives runs a command that must be refused, and change nothing.
func (s *session) survives(h *host, command, want []string) {
	s.t.Helper()
	before := h.snapshot()
	r := h.tool(command...)
	if r.code != exitError {
		s.t.Errorf("exit code %d, want %d\n%s%s", r.code, exitError, r.out, r.err)
	}
	for _, one := range want {
		if !strings.Contains(r.err, one) {
			s.t.Errorf("the refusal doesn't say %q:\n%s", one, r.err)
		}
	}
	if after := h.snapshot(); after != before {
		s.t.Errorf("the host was changed:\n%s\nbefore:\n%s", after, before)
	}
	if !s.alive(10 * time.Second) {
		s.t.Errorf("the session was cut")
	}
}
