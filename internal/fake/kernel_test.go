package fake_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

var (
	id   = model.Identity{Topology: "t", Node: "n"}
	up   = model.Some(true)
	mac  = model.Some(model.MAC{2, 0, 0, 0, 0, 9})
	mark = model.Some(model.MarkProtocol)
)

func ip(s string) model.Opt[netip.Addr] { return model.Some(netip.MustParseAddr(s)) }

func address(link, p string) model.Address {
	return model.Address{Link: link, Prefix: netip.MustParsePrefix(p)}
}

func route(dst, via, dev string) model.Route {
	p := netip.MustParsePrefix(dst)
	r := model.Route{Dst: p, Table: model.TableMain, Metric: model.Metric(p, 0), Dev: model.Some(dev), Protocol: mark}
	if via != "" {
		r.Via = ip(via)
	}
	return r
}

func vxlan(name string, vni uint32) model.Link {
	return model.Link{
		Name: name, Type: model.Some(model.TypeVXLAN), Up: up,
		VXLAN: model.VXLAN{VNI: model.Some(vni), Port: model.Some[uint16](8472), Local: ip("10.0.0.1"), Dev: model.Some("eth0")},
	}
}

func veth(name, netns, peer string) model.Link {
	return model.Link{Name: name, Type: model.Some(model.TypeVeth), Up: up, Peer: model.Some(model.EndRef{Netns: netns, Name: peer})}
}

// host has eth0, a bridge with a port in a namespace, and a vxlan device.
func host() *fake.Kernel {
	k := fake.New(id)
	inner := model.Link{Netns: "ns", Name: "eth0", Type: model.Some(model.TypeVeth), Up: up, Peer: model.Some(model.EndRef{Name: "v0"})}
	port := veth("v0", "ns", "eth0")
	port.Master = model.Some("br0")
	k.Put(
		model.Link{Name: "eth0", Up: up}, address("eth0", "10.0.0.1/24"),
		model.Link{Name: "br0", Type: model.Some(model.TypeBridge), Up: up}, address("br0", "10.1.0.1/24"),
		model.Netns{Name: "ns"}, port, inner,
		model.Link{Name: "t", Type: model.Some(model.TypeIPIP), Up: up},
		vxlan("vx", 1), address("vx", "10.1.0.0/32"), address("vx", "fd00::1/128"),
		model.Neighbour{Link: "vx", IP: netip.MustParseAddr("10.2.0.0"), MAC: mac},
		model.FDBEntry{Link: "vx", MAC: mac.Value(), Dst: ip("10.0.0.2")},
		onlink(route("10.2.0.0/24", "10.2.0.0", "vx")),
	)
	return k
}

func onlink(r model.Route) model.Route {
	r.OnLink = up
	return r
}

func scoped(r model.Route) model.Route {
	r.Scope = model.Some(model.ScopeLink)
	return r
}

func create(o model.Object) model.Step { return model.Step{Op: model.OpCreate, After: o} }
func update(o model.Object) model.Step { return model.Step{Op: model.OpUpdate, Before: o, After: o} }
func remove(o model.Object) model.Step { return model.Step{Op: model.OpDelete, Before: o} }

// What the kernel refuses, and with which errno.
func TestRefusals(t *testing.T) {
	sourced := route("10.9.0.0/24", "10.0.0.9", "eth0")
	sourced.Src = ip("10.7.7.7")
	moved := vxlan("vx", 1)
	moved.VXLAN.Local = ip("2001:db8::1")
	for _, tc := range []struct {
		name string
		step model.Step
		want error
	}{
		{"namespace that exists", create(model.Netns{Name: "ns"}), syscall.EEXIST},
		{"link that exists", create(model.Link{Name: "br0", Type: model.Some("dummy")}), syscall.EEXIST},
		{"VNI and port that are taken", create(vxlan("vy", 1)), syscall.EEXIST},
		{"another VNI", create(vxlan("vy", 2)), nil},
		{"veth whose second end exists", create(veth("v1", "ns", "eth0")), syscall.EEXIST},
		{"veth into no namespace", create(veth("v1", "gone", "eth0")), syscall.ENOENT},
		{"second end without the first", create(model.Link{Netns: "ns", Name: "eth9", Peer: model.Some(model.EndRef{Name: "v9"})}), syscall.ENODEV},
		{"port of no bridge", create(model.Link{Name: "d", Type: model.Some("dummy"), Master: model.Some("gone")}), syscall.ENODEV},
		{"update of no link", update(model.Link{Name: "gone", Up: up}), syscall.ENODEV},
		{"another VNI on a live device", update(vxlan("vx", 2)), syscall.EOPNOTSUPP},
		{"another family on a live device", update(moved), syscall.EOPNOTSUPP},
		{"MAC of a tunnel", update(model.Link{Name: "t", MAC: mac}), syscall.EOPNOTSUPP},
		{"address on no link", create(address("gone", "10.9.0.1/24")), syscall.ENODEV},
		{"address that exists", create(address("br0", "10.1.0.1/24")), syscall.EEXIST},
		{"route out of no link", create(route("10.9.0.0/24", "", "gone")), syscall.ENODEV},
		{"route through a gateway off the link", create(route("10.9.0.0/24", "10.8.0.1", "eth0")), syscall.ENETUNREACH},
		{"such a route, onlink", create(onlink(route("10.9.0.0/24", "10.8.0.1", "eth0"))), nil},
		{"route through a gateway on the link", create(route("10.9.0.0/24", "10.0.0.9", "eth0")), nil},
		{"route through the host itself", create(onlink(route("10.9.0.0/24", "10.0.0.1", "vx"))), syscall.EINVAL},
		{"route through a gateway, but of scope link", create(scoped(route("10.9.0.0/24", "10.0.0.9", "eth0"))), syscall.EINVAL},
		{"route from an address of nobody", create(sourced), syscall.EINVAL},
		{"route that exists", create(onlink(route("10.2.0.0/24", "10.2.0.0", "vx"))), syscall.EEXIST},
		{"route that the kernel has", create(route("10.0.0.0/24", "", "vx")), syscall.EEXIST},
		{"replacing no route", update(route("10.9.0.0/24", "10.0.0.9", "eth0")), syscall.ENOENT},
		{"FDB entry that exists", create(model.FDBEntry{Link: "vx", MAC: mac.Value(), Dst: ip("10.0.0.3")}), syscall.EEXIST},
		{"FDB entry of a bridge", create(model.FDBEntry{Link: "br0", MAC: model.MAC{2}, Dst: ip("10.0.0.3")}), syscall.EOPNOTSUPP},
		{"FDB entry of the other family", create(model.FDBEntry{Link: "vx", MAC: model.MAC{2}, Dst: ip("2001:db8::2")}), syscall.EAFNOSUPPORT},
		{"neighbour on no link", create(model.Neighbour{Link: "gone", IP: netip.MustParseAddr("10.9.0.1"), MAC: mac}), syscall.ENODEV},
		{"sysctl of no link", create(model.Sysctl{Name: "net.ipv4.conf.gone.rp_filter", Value: model.Some("1")}), syscall.ENOENT},
		{"anything in no namespace", create(model.Sysctl{Netns: "gone", Name: "net.ipv4.ip_forward", Value: model.Some("1")}), syscall.ENOENT},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := host()
			before := k.Objects()
			err := k.Do(context.Background(), []model.Step{tc.step})[0]
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if err != nil && len(k.Objects()) != len(before) {
				t.Error("the refused step left something behind")
			}
		})
	}
}

// What goes along with a step.
func TestCascades(t *testing.T) {
	down := vxlan("vx", 1)
	down.Up = model.Some(false)
	other := vxlan("vx", 1)
	other.MAC = mac
	small := vxlan("vx", 1)
	small.MTU = model.Some[uint32](1200)
	for _, tc := range []struct {
		name     string
		first    []model.Object
		step     model.Step
		lost     string
		released string
	}{
		{name: "namespace", step: remove(model.Netns{Name: "ns"}), lost: "link eth0 in netns ns, link v0"},
		{name: "first end of a veth", step: remove(model.Link{Name: "v0"}), lost: "link eth0 in netns ns"},
		{name: "second end of a veth", step: remove(model.Link{Netns: "ns", Name: "eth0"}), lost: "link v0"},
		{name: "bridge", step: remove(model.Link{Name: "br0"}), lost: "address 10.1.0.1/24 on br0", released: "link v0"},
		{
			name: "vxlan", step: remove(model.Link{Name: "vx"}),
			lost: "address 10.1.0.0/32 on vx, address fd00::1/128 on vx, fdb 02:00:00:00:00:09 on vx, neighbour 10.2.0.0 on vx, route 10.2.0.0/24",
		},
		{
			name: "underlay of a vxlan", step: remove(model.Link{Name: "eth0"}),
			lost: "address 10.0.0.1/24 on eth0, address 10.1.0.0/32 on vx, address fd00::1/128 on vx, fdb 02:00:00:00:00:09 on vx, link vx, neighbour 10.2.0.0 on vx, route 10.2.0.0/24",
		},
		{name: "link down", step: update(down), lost: "address fd00::1/128 on vx, neighbour 10.2.0.0 on vx, route 10.2.0.0/24"},
		{name: "another MAC", step: update(other), lost: "neighbour 10.2.0.0 on vx"},
		{name: "too small for IPv6", step: update(small), lost: "address fd00::1/128 on vx"},
		{name: "last IPv4 address", step: remove(address("vx", "10.1.0.0/32")), lost: "neighbour 10.2.0.0 on vx, route 10.2.0.0/24"},
		{name: "not the last one", first: []model.Object{address("vx", "10.1.0.9/32")}, step: remove(address("vx", "10.1.0.0/32"))},
		{name: "IPv6 address", step: remove(address("vx", "fd00::1/128"))},
		{name: "source of a route", first: []model.Object{from(route("10.9.0.0/24", "10.0.0.9", "eth0"), "10.1.0.1")}, step: remove(address("br0", "10.1.0.1/24")), lost: "route 10.9.0.0/24"},
		{
			name:  "source that another link has, too",
			first: []model.Object{from(route("10.9.0.0/24", "10.0.0.9", "eth0"), "10.1.0.1"), address("vx", "10.1.0.1/32")}, step: remove(address("br0", "10.1.0.1/24")),
		},
		{
			name: "sysctl of a link", first: []model.Object{model.Sysctl{Name: "net.ipv4.conf.br0.rp_filter", Value: model.Some("1"), Saved: model.Some("0")}},
			step: remove(model.Link{Name: "br0"}), lost: "address 10.1.0.1/24 on br0, sysctl net.ipv4.conf.br0.rp_filter", released: "link v0",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := host()
			k.Put(tc.first...)
			if err := k.Do(context.Background(), []model.Step{tc.step})[0]; err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.lost, names(k.Log[0].Lost)); d != "" {
				t.Errorf("lost (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.released, names(k.Log[0].Released)); d != "" {
				t.Errorf("released (-want +got):\n%s", d)
			}
		})
	}
}

func from(r model.Route, src string) model.Route {
	r.Src = ip(src)
	return r
}

func names(keys []model.Key) string {
	var l []string
	for _, k := range keys {
		l = append(l, k.String())
	}
	slices.Sort(l)
	return strings.Join(l, ", ")
}

// Deleting what is absent, or a route that has become somebody else's, finds nothing.
func TestIdleDeletions(t *testing.T) {
	theirs := onlink(route("10.2.0.0/24", "10.2.0.0", "vx"))
	theirs.Protocol = model.Some[uint8](4)
	for _, o := range []model.Object{model.Netns{Name: "gone"}, model.Link{Name: "gone"}, theirs, model.Sysctl{Name: "net.ipv4.ip_forward", Saved: model.Some("0")}} {
		k := host()
		before := k.Objects()
		if err := k.Do(context.Background(), []model.Step{remove(o)})[0]; err != nil {
			t.Errorf("%s: %v", o.Key(), err)
		}
		if !k.Log[0].Idle || len(k.Objects()) != len(before) {
			t.Errorf("%s: something was deleted", o.Key())
		}
	}
}

// A vxlan device's MTU is clamped in silence when it is made.
func TestClampedMTU(t *testing.T) {
	k := host()
	l := vxlan("vy", 2)
	l.MTU = model.Some[uint32](9000)
	if err := k.Do(context.Background(), []model.Step{create(l)})[0]; err != nil {
		t.Fatal(err)
	}
	if got := k.Objects()[l.Key()].(model.Link).MTU.Value(); got != 1450 {
		t.Errorf("MTU %d, want 1450", got)
	}
}

// The steps after a failed one are not tried; a clone is not disturbed.
func TestFailAt(t *testing.T) {
	k := host()
	k.FailAt(1, syscall.EIO, false)
	c := k.Clone()
	errs := k.Do(context.Background(), []model.Step{create(model.Netns{Name: "a"}), create(model.Netns{Name: "b"}), create(model.Netns{Name: "c"})})
	if errs[0] != nil || !errors.Is(errs[1], syscall.EIO) || !errors.Is(errs[2], fake.ErrNotTried) || len(k.Log) != 2 {
		t.Errorf("errors %v, log of %d", errs, len(k.Log))
	}
	if _, ok := c.Objects()[model.NetnsKey("a")]; ok {
		t.Error("the clone changed, too")
	}
}

// Marks tell whose an object is.
func TestOwners(t *testing.T) {
	ours, other := model.Some(id.Alias()), model.Some("netplan-overlay:t/other")
	k := host()
	k.Put(
		model.Link{Name: "ours", Alias: ours}, model.Link{Name: "other", Alias: other},
		model.Link{Name: "half", Group: model.Some(model.MarkGroup)}, model.Link{Name: "lo"},
		model.Netns{Name: "mine", Alias: ours}, model.Netns{Name: "theirs", Alias: other},
		model.Link{Netns: "mine", Name: "in"}, model.Link{Netns: "theirs", Name: "in"},
	)
	s := k.Observe(&model.State{})
	for key, want := range map[model.Key]model.Owner{
		model.LinkKey("", "ours"): model.OwnerOurs, model.LinkKey("", "other"): model.OwnerOther, model.LinkKey("", "half"): model.OwnerHalf,
		model.LinkKey("", "lo"): model.OwnerKernel, model.LinkKey("", "eth0"): model.OwnerForeign, model.NetnsKey("mine"): model.OwnerOurs,
		model.NetnsKey("theirs"): model.OwnerOther, model.LinkKey("mine", "in"): model.OwnerForeign,
		route("10.2.0.0/24", "", "").Key(): model.OwnerOurs, route("10.0.0.0/24", "", "").Key(): model.OwnerKernel,
		address("eth0", "10.0.0.1/24").Key(): model.OwnerForeign,
	} {
		if e, ok := s.Get(key); !ok || e.Owner != want {
			t.Errorf("%s: %s (seen: %v), want %s", key, e.Owner, ok, want)
		}
	}
	for _, key := range []model.Key{model.LinkKey("theirs", "in"), model.LinkKey("ns", "eth0"), model.NeighbourKey("", "vx", netip.MustParseAddr("10.2.0.0"))} {
		if _, ok := s.Get(key); ok {
			t.Errorf("%s was looked at", key)
		}
	}
}
