package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// six gives the office IPv6: a gateway 2001:db8:9::1, and a client 2001:db8:5::5. The
// client looks for neighbours under a link-local address (ndisc_solicit, net/ipv6/ndisc.c),
// which must not wait for the detection of duplicates.
func (o *office) six() {
	o.w.t.Helper()
	o.ip("address", "add", "fe80::1/64", "dev", "lan", "nodad")
	o.ip("address", "add", "2001:db8:9::1/64", "dev", "lan", "nodad")
	o.ip("address", "add", "2001:db8:5::5/128", "dev", "lo", "nodad")
}

// advertise sends router advertisements until the host has a default route of one.
func (o *office) advertise(h *host) {
	t := o.w.t
	t.Helper()
	h.ip("address", "add", "fe80::5/64", "dev", "eth1", "nodad")
	var fd int
	err := o.door.In("", func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 255),
			unix.BindToDevice(fd, "lan"),
			unix.Bind(fd, &unix.SockaddrInet6{Addr: netip.MustParseAddr("fe80::1").As16(), ZoneId: o.index("lan")}))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	// RFC 4861, 4.2: hop limit 64, a lifetime of 1800 s; the kernel adds the checksum.
	ra := []byte{134, 0, 0, 0, 64, 0, 1800 >> 8, 1800 & 0xff, 0, 0, 0, 0, 0, 0, 0, 0}
	to := &unix.SockaddrInet6{Addr: netip.MustParseAddr("ff02::1").As16(), ZoneId: o.index("lan")}
	o.w.until("the host has heard the advertisement", func() bool {
		if err := unix.Sendto(fd, ra, 0, to); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(h.ip("-6", "route", "show", "default"), "proto ra")
	})
}

// index is that of a link of the office.
func (o *office) index(link string) (index uint32) {
	o.w.t.Helper()
	err := o.door.In("", func() error {
		i, err := net.InterfaceByName(link)
		if err == nil {
			index = uint32(i.Index)
		}
		return err
	})
	if err != nil {
		o.w.t.Fatal(err)
	}
	return index
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

// slow says whether this is the virtual machine, which is slow.
func slow() bool { return os.Getenv("VMRUN") != "" }

// leftOut says whether the virtual machine, which is slow, leaves the case out: it takes
// every fourth one.
func leftOut(i int) bool { return slow() && i%4 != 0 }

// hostOnly skips a test to which the kernel makes no difference in the virtual machine,
// which is slow.
func hostOnly(t *testing.T) {
	t.Helper()
	if slow() {
		t.Skip("covered by the run on the host: it is the same on every kernel, and the VM is slow")
	}
}
