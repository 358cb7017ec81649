package kernel_test

import (
	"errors"
	"net/netip"
	"os"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// sample is an object to be made, changed and removed.
type sample struct {
	name    string
	object  model.Object
	others  []model.Object   // made before it
	changes []func() changed // each is tried alone
	twice   bool             // a second create is no error: the kind has no "exclusive"
	module  string           // what the kernel may lack
}

// changed is the object with one attribute changed.
type changed struct {
	attr   string
	object model.Object
}

func some[T comparable](v T) model.Opt[T] { return model.Some(v) }

// The links that other samples are on.
func underlay() model.Link {
	return model.Link{Name: "under0", Type: some(model.TypeBridge), Up: some(true), MTU: some[uint32](1500)}
}

func vxlan() model.Link {
	return model.Link{
		Name: "vx0", Type: some(model.TypeVXLAN), Up: some(true), MTU: some[uint32](1450), MAC: some(mac("02:00:00:00:00:11")),
		Group: some(model.MarkGroup), Alias: some("netplan-overlay:t/n"),
		VXLAN: model.VXLAN{
			VNI: some[uint32](7), Port: some[uint16](4789), Local: some(addr("192.0.2.1")), Dev: some("under0"), Learning: some(false),
			TTL: some[uint8](5), Ageing: some[uint32](77), UDPCsum: some(false),
		},
	}
}

func ipip(remote netip.Addr) model.Link {
	return model.Link{
		Name: "tun0", Type: some(model.TypeIPIP), Up: some(true), MTU: some[uint32](1400), Group: some(model.MarkGroup), Alias: some("netplan-overlay:t/n"),
		IPIP: model.IPIP{Local: some(addr("192.0.2.1")), Remote: some(remote), Dev: some("under0"), TTL: some[uint8](9), PMTUDisc: some(true)},
	}
}

func veth() (out, in model.Link) {
	out = model.Link{
		Name: "veth0", Type: some(model.TypeVeth), Up: some(true), MTU: some[uint32](1400), MAC: some(mac("02:00:00:00:00:21")),
		Master: some("br0"), Group: some(model.MarkGroup), Alias: some("netplan-overlay:t/n"), Peer: some(model.EndRef{Netns: "ns", Name: "eth0"}),
	}
	in = model.Link{
		Netns: "ns", Name: "eth0", Type: some(model.TypeVeth), Up: some(true), MTU: some[uint32](1400), MAC: some(mac("02:00:00:00:00:22")),
		Group: some(model.MarkGroup), Alias: some("netplan-overlay:t/n"), Peer: some(model.EndRef{Name: "veth0"}),
	}
	return out, in
}

func bridge(name string) model.Link {
	return model.Link{Name: name, Type: some(model.TypeBridge), Up: some(true), MTU: some[uint32](1450), MAC: some(mac("02:00:00:00:00:31")), Bridge: model.Bridge{STP: some(false)}}
}

func netns() model.Netns {
	return model.Netns{Name: "ns", LoUp: some(true), Alias: some("netplan-overlay:t/n")}
}

// linkChanges change each attribute of a link that can change.
func linkChanges(l model.Link, more ...func() changed) []func() changed {
	with := func(attr string, f func(*model.Link)) func() changed {
		return func() changed {
			c := l
			f(&c)
			return changed{attr, c}
		}
	}
	all := []func() changed{
		with("up", func(l *model.Link) { l.Up = some(false) }),
		with("mtu", func(l *model.Link) { l.MTU = some[uint32](1300) }),
		with("group", func(l *model.Link) { l.Group = some[uint32](3) }),
		with("alias", func(l *model.Link) { l.Alias = some("theirs") }),
		with("no alias", func(l *model.Link) { l.Alias = some("") }),
	}
	if l.MAC.IsSet() {
		all = append(all, with("mac", func(l *model.Link) { l.MAC = some(mac("02:00:00:00:00:99")) }))
	}
	return append(all, more...)
}

func change[T model.Object](o T, attr string, f func(*T)) func() changed {
	return func() changed {
		c := o
		f(&c)
		return changed{attr, c}
	}
}

// samples returns objects of every kind, with every attribute set in some of them.
func samples(f kernel.Features) []sample {
	vx, out, br := vxlan(), model.Link{}, bridge("br0")
	out, in := veth()
	vx6 := vxlan()
	vx6.VXLAN.Local, vx6.MTU = some(addr("2001:db8::1")), some[uint32](1430)
	multi, single := ipip(netip.Addr{}), ipip(addr("192.0.2.2"))
	address := model.Address{Link: "under0", Prefix: prefix("192.0.2.1/24"), Scope: some[uint8](0)}
	address6 := model.Address{Link: "under0", Prefix: prefix("2001:db8::1/64"), Scope: some[uint8](0)}
	if f.AddressProtocol {
		address.Protocol, address6.Protocol = some(model.MarkProtocol), some(model.MarkProtocol)
	}
	var addressChanges []func() changed
	if f.AddressProtocolChange {
		addressChanges = append(addressChanges, change(address, "protocol", func(a *model.Address) { a.Protocol = some[uint8](77) }))
	}
	onlink := model.Route{
		Dst: prefix("10.9.0.0/16"), Table: model.TableMain, Type: some("unicast"), Via: some(addr("198.51.100.1")), Dev: some("under0"),
		OnLink: some(true), Scope: some(model.ScopeGlobal), Src: some(addr("192.0.2.1")), Protocol: some(model.MarkProtocol), NextHops: some(""),
	}
	device := model.Route{
		Dst: prefix("10.8.0.0/16"), Table: model.TableMain, Metric: 50, Type: some("unicast"), Via: some(netip.Addr{}), Dev: some("under0"),
		OnLink: some(false), Scope: some(model.ScopeLink), Src: some(netip.Addr{}), Protocol: some(model.MarkProtocol),
	}
	route6 := model.Route{
		Dst: prefix("fd00:9::/32"), Table: model.TableMain, Metric: model.DefaultMetric6, Type: some("unicast"), Via: some(addr("2001:db8::9")),
		Dev: some("under0"), OnLink: some(true), Protocol: some(model.MarkProtocol),
	}
	inside := model.Route{
		Netns: "ns", Dst: prefix("0.0.0.0/0"), Table: model.TableMain, Type: some("unicast"), Via: some(addr("10.1.0.1")), Dev: some("eth0"),
		OnLink: some(false), Scope: some(model.ScopeGlobal), Protocol: some(model.MarkProtocol),
	}
	blackhole := model.Route{Dst: prefix("10.7.0.0/16"), Table: model.TableMain, Type: some("blackhole"), Dev: some(""), Protocol: some(model.MarkProtocol)}
	neighbour := model.Neighbour{
		Link: "vx0", IP: addr("10.1.0.0"), MAC: some(mac("02:00:00:00:00:41")), State: some(model.NeighbourPermanent), Protocol: some(model.MarkProtocol),
	}
	neighbour6 := neighbour
	neighbour6.IP = addr("fd00::1")
	fdb := model.FDBEntry{Link: "vx0", MAC: mac("02:00:00:00:00:51"), Dst: some(addr("192.0.2.7")), State: some(model.FDBPermanent)}
	zero := model.FDBEntry{Link: "vx0", Dst: some(addr("192.0.2.8")), State: some(model.FDBPermanent)}
	zero2 := model.FDBEntry{Link: "vx0", Dst: some(addr("192.0.2.9")), State: some(model.FDBPermanent)}
	sysctl := model.Sysctl{Name: "net.ipv4.ip_forward", Value: some("1")}
	in10 := model.Address{Netns: "ns", Link: "eth0", Prefix: prefix("10.1.0.2/24")}

	vxChange := func(attr string, f func(*model.Link)) func() changed { return change(vx, attr, f) }
	tunChange := func(attr string, f func(*model.Link)) func() changed { return change(single, attr, f) }
	br2 := bridge("br2") // as large as the underlay: the kernel would cut a vxlan device down
	br2.MTU = some[uint32](1500)
	under := []model.Object{underlay(), model.Address{Link: "under0", Prefix: prefix("192.0.2.77/24")}}
	return []sample{
		{name: "netns", object: netns(), changes: []func() changed{
			change(netns(), "lo up", func(n *model.Netns) { n.LoUp = some(false) }),
			change(netns(), "alias", func(n *model.Netns) { n.Alias = some("theirs") }),
		}},
		{name: "sysctl", object: sysctl, twice: true, changes: []func() changed{change(sysctl, "value", func(s *model.Sysctl) { s.Value = some("0") })}},
		{name: "sysctl of a device", object: model.Sysctl{Name: "net.ipv4.conf.under0.rp_filter", Value: some("2")}, others: under, twice: true},
		{name: "sysctl of a device with a dot", object: model.Sysctl{Name: "net.ipv4.conf.a/b.rp_filter", Value: some("2")}, others: []model.Object{bridge("a.b")}, twice: true},
		{name: "sysctl of a namespace", object: model.Sysctl{Netns: "ns", Name: "net.ipv4.ip_local_port_range", Value: some("2000 3000")}, others: []model.Object{netns()}, twice: true},
		{name: "bridge", object: br, changes: linkChanges(br, change(br, "stp", func(l *model.Link) { l.Bridge.STP = some(true) }))},
		{name: "veth", object: out, others: []model.Object{netns(), bridge("br0"), bridge("br1")}, changes: linkChanges(out,
			change(out, "master", func(l *model.Link) { l.Master = some("br1") }),
			change(out, "no master", func(l *model.Link) { l.Master = some("") }))},
		{name: "vxlan", object: vx, others: append(under, br2), changes: linkChanges(vx,
			vxChange("local", func(l *model.Link) { l.VXLAN.Local = some(addr("192.0.2.77")) }),
			vxChange("dev", func(l *model.Link) { l.VXLAN.Dev = some("br2") }),
			vxChange("learning", func(l *model.Link) { l.VXLAN.Learning = some(true) }),
			vxChange("ttl", func(l *model.Link) { l.VXLAN.TTL = some[uint8](0) }),
			vxChange("ageing", func(l *model.Link) { l.VXLAN.Ageing = some[uint32](300) }))},
		{name: "vxlan over IPv6", object: vx6, others: []model.Object{underlay()}},
		{name: "multipoint ipip", object: multi, others: under, changes: linkChanges(multi), module: "ipip"},
		{name: "point-to-point ipip", object: single, others: append(under, br2), module: "ipip", changes: linkChanges(single,
			tunChange("remote", func(l *model.Link) { l.IPIP.Remote = some(addr("192.0.2.3")) }),
			tunChange("local", func(l *model.Link) { l.IPIP.Local = some(addr("192.0.2.77")) }),
			tunChange("dev", func(l *model.Link) { l.IPIP.Dev = some("br2") }),
			tunChange("ttl and pmtudisc", func(l *model.Link) { l.IPIP.TTL, l.IPIP.PMTUDisc = some[uint8](0), some(false) }))},
		{name: "address", object: address, others: []model.Object{underlay()}, changes: addressChanges},
		{name: "IPv6 address", object: address6, others: []model.Object{underlay()}},
		{name: "address in a namespace", object: in10, others: []model.Object{netns(), bridge("br0"), out, in}},
		{name: "onlink route", object: onlink, others: append(under, address), changes: []func() changed{
			change(onlink, "via", func(r *model.Route) { r.Via = some(addr("198.51.100.2")) }),
			change(onlink, "src", func(r *model.Route) { r.Src = some(addr("192.0.2.77")) }),
			change(onlink, "protocol", func(r *model.Route) { r.Protocol = some[uint8](4) }),
			change(onlink, "no gateway", func(r *model.Route) {
				r.Via, r.OnLink, r.Scope = some(netip.Addr{}), some(false), some(model.ScopeLink)
			}),
		}},
		{name: "device route", object: device, others: under},
		{name: "IPv6 route", object: route6, others: []model.Object{underlay(), address6}, changes: []func() changed{
			change(route6, "via", func(r *model.Route) { r.Via = some(addr("2001:db8::10")) }),
		}},
		{name: "default route in a namespace", object: inside, others: []model.Object{netns(), bridge("br0"), out, in, in10}},
		{name: "blackhole", object: blackhole},
		{name: "neighbour", object: neighbour, others: append(under, vx), twice: true, changes: []func() changed{
			change(neighbour, "mac", func(n *model.Neighbour) { n.MAC = some(mac("02:00:00:00:00:42")) }),
			change(neighbour, "protocol", func(n *model.Neighbour) { n.Protocol = some[uint8](4) }),
		}},
		{name: "IPv6 neighbour", object: neighbour6, others: append(under, vx), twice: true},
		{name: "FDB entry", object: fdb, others: append(under, vx), changes: []func() changed{
			change(fdb, "dst", func(f *model.FDBEntry) { f.Dst = some(addr("192.0.2.6")) }),
		}},
		{name: "FDB default entry", object: zero, others: append(under, vx, zero2), twice: true},
	}
}

// Every kind passes this: what is created is listed as it was wanted, in the kernel's
// own normal form; each attribute changes, and back; what is removed is gone, and
// removing it once more is no error.
func TestConformance(t *testing.T) {
	seen := map[model.Kind]bool{}
	for _, s := range samples(newHost(t).Features()) {
		seen[s.object.Key().Kind] = true
		t.Run(s.name, func(t *testing.T) { s.conforms(t, newHost(t)) })
	}
	for _, k := range model.Kinds() {
		if !seen[k] {
			t.Errorf("there is no sample of the kind %s", k)
		}
	}
}

func (s sample) conforms(t *testing.T, h *testHost) {
	h.create(s.others...)
	err := h.do(model.Step{Op: model.OpCreate, After: s.object})
	if s.module != "" && errors.Is(err, unix.EOPNOTSUPP) {
		if os.Getenv("VMRUN") == "" {
			t.Skipf("covered by the VM run: this kernel has no %s", s.module)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	got := s.is(t, h, s.object)
	if again := h.do(model.Step{Op: model.OpCreate, After: s.object}); !s.twice && !errors.Is(again, unix.EEXIST) {
		t.Errorf("a second creation says %v, want EEXIST", again)
	}
	s.is(t, h, s.object)
	for _, f := range s.changes {
		c := f()
		full := c.object.Fill(got)
		s.update(t, h, c.attr, got, full, c.object)
		s.update(t, h, c.attr+" back", full, s.object.Fill(got), s.object)
	}
	for range 2 {
		if err := h.do(model.Step{Op: model.OpDelete, Before: s.object}); err != nil {
			t.Errorf("remove: %v", err)
		}
		if x, ok := h.find(s.object); ok && s.object.Key().Kind != model.KindSysctl {
			t.Errorf("after its removal, there is %+v", x)
		}
	}
	for _, o := range s.others {
		if _, ok := h.find(o); !ok {
			t.Errorf("%s went away, too", o.Key())
		}
	}
}

// is ends the test unless the object is listed as wanted, and returns it.
func (s sample) is(t *testing.T, h *testHost, want model.Object) model.Object {
	t.Helper()
	got, ok := h.find(want)
	if !ok {
		t.Fatalf("%s is not listed: %+v", want.Key(), h.list(want))
	}
	if changes, _, _ := model.DiffAttrs(want, got); len(changes) > 0 {
		t.Errorf("%s differs: %+v", want.Key(), changes)
	}
	if reflect.TypeOf(got) != reflect.TypeOf(want) {
		t.Errorf("%s is listed as a %T", want.Key(), got)
	}
	return got
}

func (s sample) update(t *testing.T, h *testHost, what string, before, after, want model.Object) {
	t.Helper()
	if err := h.do(model.Step{Op: model.OpUpdate, Before: before, After: after}); err != nil {
		t.Errorf("change %s: %v", what, err)
		return
	}
	s.is(t, h, want)
}
