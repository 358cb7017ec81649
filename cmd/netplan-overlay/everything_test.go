package main

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/observe"
)

// All of a host is observed whatever its topology, once under however many names; the
// namespaces of another node stay closed.
func TestObserveEverything(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, "192.168.32.245/24")
	h := w.hosts[0]
	h.ip("link", "add", "vtep", "address", "02:00:00:00:00:01", "type", "vxlan", "id", "9", "dstport", "8472", "local", "192.168.32.245", "dev", "eth0")
	h.ip("link", "set", "vtep", "up")
	h.ip("neighbour", "add", "10.0.0.1", "lladdr", "02:00:00:00:00:02", "dev", "vtep", "nud", "permanent")
	h.bridge("fdb", "add", "02:00:00:00:00:02", "dev", "vtep", "dst", "192.168.32.246")
	for _, n := range []string{"a", "other"} {
		w.netns(w.id + n)
	}
	w.must("ip", "-n", w.id+"other", "link", "set", "lo", "alias", "netplan-overlay:else/where")
	w.netns(w.id + "vm9")
	w.must("ip", "-n", w.id+"vm9", "link", "add", "br9", "type", "bridge")
	w.must("ip", "-n", w.id+"vm9", "link", "set", "br9", "alias", "netplan-overlay:classic/vm9")
	w.must("ip", "-n", w.id+"vm9", "route", "add", "unreachable", "10.9.0.0/16", "proto", "157")
	for name, of := range map[string]string{"vm9": w.id + "vm9", "a": w.id + "a", "b": w.id + "a", "other": w.id + "other", "root": h.netns} {
		bind(t, "/run/netns/"+of, filepath.Join(h.dir, name))
	}

	s, err := observe.Everything(context.Background(), h.door, model.Identity{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		key  model.Key
		want bool
	}{
		{model.LinkKey("", "eth0"), true},
		{model.SysctlKey("", "net.ipv4.ip_forward"), true},
		{model.SysctlKey("", observe.Forwarding6), true},
		{model.SysctlKey("", "net.ipv6.conf.eth0.accept_ra"), true}, // the underlay, perhaps
		{model.NetnsKey("a"), true},
		{model.NetnsKey("b"), true},
		{model.NetnsKey("other"), true},
		{model.NetnsKey("root"), true},
		{model.LinkKey("a", "lo"), true},
		{model.SysctlKey("a", "net.ipv4.ip_forward"), true},
		{model.LinkKey("b", "lo"), false},
		{model.LinkKey("other", "lo"), false},
		{model.LinkKey("root", "lo"), false},
		{model.LinkKey("vm9", "br9"), true},
		{model.RouteKey("vm9", model.TableMain, netip.MustParsePrefix("10.9.0.0/16"), 0), false},
		{model.FDBKey("", "vtep", model.MAC{2, 0, 0, 0, 0, 2}, netip.Addr{}), true},
		{model.NeighbourKey("", "vtep", netip.MustParseAddr("10.0.0.1")), true},
	} {
		if _, ok := s.Get(tc.key); ok != tc.want {
			t.Errorf("%s is observed: %v, want %v", tc.key, ok, tc.want)
		}
	}
}

// bind gives a namespace another name, as "ip netns attach" does; host.open takes it
// away again.
func bind(t *testing.T, namespace, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(namespace, path, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}
