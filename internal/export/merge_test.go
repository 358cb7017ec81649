package export_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/export"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// far is the other host of the fleet: vm2 as it is, with what it knows of vm1.
func far(t *testing.T) *world {
	w := &world{t: t, state: &model.State{}, links: 100}
	w.link("", "eth0", "", 1500)
	w.address("", "eth0", "192.168.32.246/24")
	w.bridge("lan", "10.1.2.1/24", "db", "eth0", "veth-db", "10.1.2.10/24")
	w.bridge("dmz", "10.1.9.1/24", "fw", "eth0", "veth-fw", "10.1.9.10/24")
	w.vxlan("vtep", 100, "10.1.2.0/32")
	e, _ := w.state.Get(model.LinkKey("", "vtep"))
	l := e.Object.(model.Link)
	l.MAC, l.VXLAN.Local = model.Some(mac(t, "52:3a:8c:c9:08:e9")), model.Some(addr("192.168.32.246"))
	w.put(l)
	w.peer("vtep", "192.168.32.245", "10.1.1.0", "52:3a:8c:c9:08:e8", "10.1.1.0/24")
	return w
}

func near(t *testing.T) *world {
	w := newWorld(t)
	w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
	w.vxlan("vtep", 100, "10.1.1.0/32")
	w.peer("vtep", "192.168.32.246", "10.1.2.0", "52:3a:8c:c9:08:e9", "10.1.2.0/24")
	return w
}

// What a host tells of itself goes before what others know; a bridge that nobody has a
// route to is local.
func TestExportOfSeveral(t *testing.T) {
	hosts := []export.Host{{Node: "vm1", State: near(t).state}, {Node: "vm2", State: far(t).state}}
	r, err := export.Export(hosts, export.Options{Name: "classic"})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Assumed) > 0 {
		t.Errorf("assumed of hosts that are all there: %q", r.Assumed)
	}
	(&world{t: t}).golden("several", r)
}

// Hosts that don't agree.
func TestExportOfDifferent(t *testing.T) {
	other := far(t)
	e, _ := other.state.Get(model.LinkKey("", "vtep"))
	l := e.Object.(model.Link)
	l.VXLAN.VNI = model.Some[uint32](7)
	other.put(l)
	_, err := export.Export([]export.Host{{Node: "vm1", State: near(t).state}, {Node: "vm2", State: other.state}}, export.Options{Name: "classic"})
	if err == nil || !strings.Contains(err.Error(), "vm2 has vxlan with VNI 7") {
		t.Errorf("of two backends: %v", err)
	}

	moved := far(t)
	l.VXLAN.VNI, l.MAC = model.Some[uint32](100), model.Some(mac(t, "52:3a:8c:c9:08:77"))
	moved.put(l)
	r, err := export.Export([]export.Host{{Node: "vm1", State: near(t).state}, {Node: "vm2", State: moved.state}}, export.Options{Name: "classic"})
	if err != nil || !strings.Contains(strings.Join(r.Left, "\n"), "vm1: the MAC 52:3a:8c:c9:08:e9 for the VTEP of vm2: that has 52:3a:8c:c9:08:77") {
		t.Errorf("of a VTEP that has moved: %v, %+v", err, r)
	}
	if !strings.Contains(strings.Join(r.Remains, "\n"), "vm1: create fdb 52:3a:8c:c9:08:77") {
		t.Errorf("of a VTEP that has moved, there is to be done: %q", r.Remains)
	}
}

func TestExportErrors(t *testing.T) {
	for _, tc := range []struct {
		name  string
		build func(*world)
		node  string
		opts  export.Options
		want  string
	}{
		{"topology's name", nil, "vm1", export.Options{Name: "a b"}, `"a b" cannot be the name of a topology`},
		{"node's name", nil, "x-1", export.Options{Name: "a"}, `"x-1" cannot be the name of a node`},
		{"peer's name", nil, "vm1", export.Options{Name: "a", Peers: map[netip.Addr]string{addr("10.0.0.1"): "-"}}, `"-" cannot be the name of a node (the peer 10.0.0.1)`},
		{"a name twice", nil, "vm1", export.Options{Name: "a", Peers: map[netip.Addr]string{addr("10.0.0.1"): "vm1"}}, `"vm1" is the name of two nodes`},
		{"no such bridge", nil, "vm1", export.Options{Name: "a", Bridges: []string{"br9"}}, `vm1 has no bridge "br9"`},
		{"no underlay", func(w *world) { w.state = &model.State{} }, "vm1", export.Options{Name: "a"}, "no address of the host's"},
		{"an overlay device that can't be said", func(w *world) {
			w.vxlan("ev\nil", 1, "10.1.1.0/32")
		}, "vm1", export.Options{Name: "a"}, `no topology describes what is there:`},
		{"another topology's", func(w *world) {
			w.state.Put(model.Entry{Object: w.link("", "br0", model.TypeBridge, 1500), Owner: model.OwnerOther, Maker: "netplan-overlay topology a/b"})
		}, "vm1", export.Options{Name: "a"}, "describe vm1: it carries the mark of netplan-overlay topology a/b"},
		{"a sender that is gone", func(w *world) {
			w.vxlan("vtep", 1, "10.1.1.0/32")
			w.state.Remove(model.AddressKey("", "eth0", prefix("192.168.32.245/24")))
		}, "vm1", export.Options{Name: "a"}, "no device has the address 192.168.32.245"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.route("", "0.0.0.0/0", "192.168.32.1", "eth0", false)
			if tc.build != nil {
				tc.build(w)
			}
			_, err := export.Export([]export.Host{{Node: tc.node, State: w.state}}, tc.opts)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "ev\nil") {
				t.Errorf("a name of the host's breaks the line: %q", err)
			}
		})
	}
}

// It takes a time that grows with the number of peers and objects, and no faster.
func BenchmarkExport(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := large(n)
			for b.Loop() {
				if _, err := export.Export([]export.Host{{Node: "vm1", State: w.state}}, export.Options{Name: "large"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// large is a host with n peers.
func large(n int) *world {
	t := &testing.T{}
	w := newWorld(t)
	w.bridge("br0", "10.200.1.1/24", "web", "eth0", "veth-web", "10.200.1.10/24")
	w.vxlan("vtep", 100, "10.200.1.0/32")
	for i := range n {
		subnet := fmt.Sprintf("10.%d.%d.0", i/256, i%256)
		w.peer("vtep", fmt.Sprintf("172.16.%d.%d", i/250, i%250+1), subnet, fmt.Sprintf("52:00:00:00:%02x:%02x", i/256, i%256), subnet+"/24")
	}
	return w
}
