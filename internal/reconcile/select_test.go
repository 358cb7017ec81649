package reconcile_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

func TestSelectNode(t *testing.T) {
	addr := netip.MustParseAddr
	top := &spec.Topology{Name: "classic", Nodes: []spec.Node{
		{Name: "vm1", Addresses: []netip.Addr{addr("192.0.2.1"), addr("2001:db8::1")}},
		{Name: "vm2", Addresses: []netip.Addr{addr("192.0.2.2")}},
	}}
	for _, tc := range []struct {
		name  string
		node  string
		host  reconcile.Host
		want  string
		wrong string // in the error
	}{
		{"named", "vm2", reconcile.Host{}, "vm2", ""},
		{"named against the address", "vm2", reconcile.Host{Addresses: []netip.Addr{addr("192.0.2.1")}}, "vm2", ""},
		{"unknown name", "vm3", reconcile.Host{}, "", `no node "vm3"; it has vm1 (192.0.2.1, 2001:db8::1), vm2 (192.0.2.2)`},
		{"by address", "", reconcile.Host{Name: "vm2", Addresses: []netip.Addr{addr("192.0.2.1")}}, "vm1", ""},
		{"by its IPv6 address", "", reconcile.Host{Addresses: []netip.Addr{addr("2001:db8::1")}}, "vm1", ""},
		{"by hostname", "", reconcile.Host{Name: "vm2", Addresses: []netip.Addr{addr("192.0.2.9")}}, "vm2", ""},
		{"nothing fits", "", reconcile.Host{Name: "other"}, "", "say which with --node"},
		{"ambiguous", "", reconcile.Host{Addresses: []netip.Addr{addr("192.0.2.1"), addr("192.0.2.2")}}, "", "several nodes of topology classic: vm1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, err := reconcile.SelectNode(top, tc.node, tc.host)
			switch {
			case tc.wrong != "":
				if err == nil || !strings.Contains(err.Error(), tc.wrong) {
					t.Errorf("the error is %v, want %q", err, tc.wrong)
				}
			case err != nil:
				t.Error(err)
			case n.Name != tc.want:
				t.Errorf("it is %s, want %s", n.Name, tc.want)
			}
		})
	}
}
