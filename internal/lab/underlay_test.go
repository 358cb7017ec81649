package lab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// topology parses one with the given nodes, each "NAME ADDRESS [BRIDGE-ADDRESS]".
func topology(t *testing.T, nodes ...string) *spec.Topology {
	t.Helper()
	var b strings.Builder
	b.WriteString("apiVersion: netplan-overlay/v1\nname: x\nbackend: vxlan\nnodes:\n")
	for _, n := range nodes {
		name, rest, _ := strings.Cut(n, " ")
		addresses, bridge, _ := strings.Cut(rest, " ")
		fmt.Fprintf(&b, "  %s:\n    address: [%s]\n", name, addresses)
		if bridge != "" {
			fmt.Fprintf(&b, "    bridges: {br0: %s}\n", bridge)
		}
	}
	top, problems := spec.Parse([]spec.Source{{Name: "topology.yaml", Data: []byte(b.String())}})
	if top == nil {
		t.Fatalf("%v\n%s", problems, b.String())
	}
	return top
}

// brief tells what the steps make: ports of bridges, addresses, routes and sysctls.
func brief(steps []model.Step) []string {
	var l []string
	for _, s := range steps {
		switch o := s.After.(type) {
		case model.Link:
			if o.Master.Value() != "" {
				l = append(l, fmt.Sprintf("%s: %s/%s", o.Master.Value(), o.Peer.Value().Netns, o.Peer.Value().Name))
			}
		case model.Address:
			l = append(l, strings.TrimPrefix(o.Netns+" ", " ")+o.Link+" "+o.Prefix.String())
		case model.Route:
			l = append(l, fmt.Sprintf("%s %s via %s", o.Netns, o.Dst, o.Via.Value()))
		case model.Sysctl:
			if o.Netns == "" && strings.HasSuffix(o.Name, "forward") || strings.HasSuffix(o.Name, "forwarding") {
				l = append(l, o.Name)
			}
		}
	}
	return l
}

func TestUnderlay(t *testing.T) {
	for _, c := range []struct {
		name  string
		nodes []string
		want  []string
	}{
		{"one subnet", []string{"vm1 192.168.32.245", "vm2 192.168.32.246"}, []string{
			"net1: vm1/eth0", "vm1 eth0 192.168.32.245/24",
			"net1: vm2/eth0", "vm2 eth0 192.168.32.246/24",
		}},
		{"two subnets", []string{"vm1 10.0.0.1", "vm2 10.0.7.254", "vm3 10.0.0.3"}, []string{
			"net.ipv4.ip_forward",
			"net1 10.0.0.254/24",
			"net1: vm1/eth0", "vm1 eth0 10.0.0.1/24", "vm1 0.0.0.0/0 via 10.0.0.254",
			"net1: vm3/eth0", "vm3 eth0 10.0.0.3/24", "vm3 0.0.0.0/0 via 10.0.0.254",
			"net2 10.0.7.253/24",
			"net2: vm2/eth0", "vm2 eth0 10.0.7.254/24", "vm2 0.0.0.0/0 via 10.0.7.253",
		}},
		{"dual stack, one subnet of each family", []string{"vm1 10.0.0.1,2001:db8::1", "vm2 10.0.0.2", "vm3 2001:db8::3,10.0.0.3"}, []string{
			"net1: vm1/eth0", "vm1 eth0 10.0.0.1/24", "vm1 eth0 2001:db8::1/64",
			"net1: vm2/eth0", "vm2 eth0 10.0.0.2/24",
			"net1: vm3/eth0", "vm3 eth0 2001:db8::3/64", "vm3 eth0 10.0.0.3/24",
		}},
		{"one link, two subnets of the other family", []string{"vm1 10.0.0.1,2001:db8:0:1::1", "vm2 10.0.0.2,2001:db8:0:2::1"}, []string{
			"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
			"net1 10.0.0.254/24", "net1 2001:db8:0:1:ffff:ffff:ffff:fffe/64", "net1 2001:db8:0:2:ffff:ffff:ffff:fffe/64",
			"net1: vm1/eth0", "vm1 eth0 10.0.0.1/24", "vm1 0.0.0.0/0 via 10.0.0.254",
			"vm1 eth0 2001:db8:0:1::1/64", "vm1 ::/0 via 2001:db8:0:1:ffff:ffff:ffff:fffe",
			"net1: vm2/eth0", "vm2 eth0 10.0.0.2/24", "vm2 0.0.0.0/0 via 10.0.0.254",
			"vm2 eth0 2001:db8:0:2::1/64", "vm2 ::/0 via 2001:db8:0:2:ffff:ffff:ffff:fffe",
		}},
		// The third node joins what were two links.
		{"links that grow together", []string{"vm1 10.0.0.1", "vm2 10.0.1.2,2001:db8::2", "vm3 10.0.0.3,2001:db8::3"}, []string{
			"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
			"net1 10.0.0.254/24", "net1 10.0.1.254/24", "net1 2001:db8::ffff:ffff:ffff:fffe/64",
			"net1: vm1/eth0", "vm1 eth0 10.0.0.1/24", "vm1 0.0.0.0/0 via 10.0.0.254",
			"net1: vm2/eth0", "vm2 eth0 10.0.1.2/24", "vm2 0.0.0.0/0 via 10.0.1.254",
			"vm2 eth0 2001:db8::2/64", "vm2 ::/0 via 2001:db8::ffff:ffff:ffff:fffe",
			"net1: vm3/eth0", "vm3 eth0 10.0.0.3/24", "vm3 0.0.0.0/0 via 10.0.0.254",
			"vm3 eth0 2001:db8::3/64", "vm3 ::/0 via 2001:db8::ffff:ffff:ffff:fffe",
		}},
		{"an address that would be a /24's broadcast address", []string{"vm1 10.0.0.255", "vm2 10.0.1.2"}, []string{
			"net1: vm1/eth0", "vm1 eth0 10.0.0.255/23",
			"net1: vm2/eth0", "vm2 eth0 10.0.1.2/23",
		}},
		{"an address that would be a /24's own", []string{"vm1 10.0.3.0", "vm2 10.0.4.2"}, []string{
			"net.ipv4.ip_forward",
			"net1 10.0.3.254/23",
			"net1: vm1/eth0", "vm1 eth0 10.0.3.0/23", "vm1 0.0.0.0/0 via 10.0.3.254",
			"net2 10.0.5.254/23",
			"net2: vm2/eth0", "vm2 eth0 10.0.4.2/23", "vm2 0.0.0.0/0 via 10.0.5.254",
		}},
		{"an overlay subnet at the end of the underlay's", []string{"vm1 10.0.0.1 10.0.0.241/28", "vm2 10.0.1.239 10.0.1.241/28"}, []string{
			"net.ipv4.ip_forward",
			"net1 10.0.0.239/24",
			"net1: vm1/eth0", "vm1 eth0 10.0.0.1/24", "vm1 0.0.0.0/0 via 10.0.0.239",
			"net2 10.0.1.238/24",
			"net2: vm2/eth0", "vm2 eth0 10.0.1.239/24", "vm2 0.0.0.0/0 via 10.0.1.238",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps, err := underlay(topology(t, c.nodes...))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, brief(steps)); d != "" {
				t.Errorf("underlay (-want +got):\n%s", d)
			}
		})
	}
}

// The underlay device is the one that the file names, and as wide as it says, on both
// sides of the wire.
func TestUnderlayDevice(t *testing.T) {
	top := topology(t, "vm1 10.0.0.1", "vm2 10.0.0.2")
	top.MTU, top.Nodes[1].Interface = 9000, "bond0"
	steps, err := underlay(top)
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]bool{}
	for _, s := range steps {
		l, ok := s.After.(model.Link)
		if !ok {
			continue
		}
		ends[l.Netns+"/"+l.Name] = true
		if l.MTU.Value() != 9000 || !l.Up.Value() {
			t.Errorf("%s: mtu %d, up %v", l.Key(), l.MTU.Value(), l.Up.Value())
		}
	}
	want := map[string]bool{"/net1": true, "/port1": true, "vm1/eth0": true, "/port2": true, "vm2/bond0": true}
	if d := cmp.Diff(want, ends); d != "" {
		t.Errorf("links (-want +got):\n%s", d)
	}
}

// A subnet that is full of others has no place for a router.
func TestUnderlayWithoutRoom(t *testing.T) {
	_, err := underlay(topology(t, "vm1 10.0.0.1 10.0.0.129/25", "vm2 10.0.1.1 10.0.0.65/26", "vm3 10.0.2.1 10.0.0.33/27", "vm4 10.0.3.1 10.0.0.17/28",
		"vm5 10.0.4.1 10.0.0.9/29", "vm6 10.0.5.1 10.0.0.5/30", "vm7 10.0.0.2", "vm8 10.0.0.3"))
	if err == nil || err.Error() != "lab: the underlay subnet 10.0.0.0/24 has no address left for a router" {
		t.Errorf("got %v", err)
	}
}
