package export_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/export"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func mac(t *testing.T, s string) model.MAC {
	t.Helper()
	m, err := model.ParseMAC(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// world is an observed host in the making.
type world struct {
	t     *testing.T
	state *model.State
	links byte
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, state: &model.State{}}
	w.link("", "eth0", "", 1500)
	w.address("", "eth0", "192.168.32.245/24")
	w.connected("192.168.32.0/24")
	w.state.Put(model.Entry{Owner: model.OwnerShared, Object: model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some("1")}})
	return w
}

// connected is the kernel's route to a subnet of eth0.
func (w *world) connected(subnet string) {
	w.state.Put(model.Entry{Owner: model.OwnerKernel, Object: model.Route{
		Dst: prefix(subnet), Table: model.TableMain, Type: model.Some("unicast"), Dev: model.Some("eth0"),
		Via: model.Some(netip.Addr{}), Scope: model.Some(model.ScopeLink), NextHops: model.Some(""), Protocol: model.Some[uint8](2),
	}})
}

func (w *world) put(o model.Object) { w.state.Put(model.Entry{Object: o}) }

func (w *world) link(netns, name, kind string, mtu uint32) model.Link {
	w.links++
	l := model.Link{
		Netns: netns, Name: name, Type: model.Some(kind), Up: model.Some(true), MTU: model.Some(mtu), Master: model.Some(""),
		MAC: model.Some(model.MAC{2, 0, 0, 0, 0, w.links}), Group: model.Some[uint32](0), Alias: model.Some(""),
	}
	w.put(l)
	return l
}

func (w *world) address(netns, link, p string) {
	w.put(model.Address{Netns: netns, Link: link, Prefix: prefix(p), Protocol: model.Some[uint8](0)})
}

func (w *world) route(netns, dst, via, dev string, onlink bool) model.Route {
	p := prefix(dst)
	r := model.Route{
		Netns: netns, Dst: p, Table: model.TableMain, Metric: model.Metric(p, 0), Type: model.Some("unicast"), Dev: model.Some(dev),
		Via: model.Some(netip.Addr{}), OnLink: model.Some(onlink), NextHops: model.Some(""), Protocol: model.Some[uint8](3),
	}
	if via != "" {
		r.Via = model.Some(addr(via))
	}
	if p.Addr().Is4() {
		r.Scope = model.Some(model.ScopeGlobal)
	}
	w.put(r)
	return r
}

// spread gives a route the metric of its destination.
func (w *world) spread(dst string) {
	k := model.RouteKey("", model.TableMain, prefix(dst), 0)
	e, _ := w.state.Get(k)
	w.state.Remove(k)
	r := e.Object.(model.Route)
	r.Metric = model.SpreadMetric(r.Dst)
	w.put(r)
}

// bridge makes a bridge and, if they are named, a namespace on it with an interface.
func (w *world) bridge(name, address, netns, iface, host, inside string) {
	w.link("", name, model.TypeBridge, 1450)
	w.address("", name, address)
	if netns == "" {
		return
	}
	w.put(model.Netns{Name: netns, Alias: model.Some(""), LoUp: model.Some(true)})
	out := w.link("", host, model.TypeVeth, 1450)
	out.Master, out.Peer = model.Some(name), model.Some(model.EndRef{Netns: netns, Name: iface})
	w.put(out)
	in := w.link(netns, iface, model.TypeVeth, 1450)
	in.Peer = model.Some(model.EndRef{Name: host})
	w.put(in)
	w.address(netns, iface, inside)
	p := prefix(address)
	w.route(netns, "0.0.0.0/0", p.Addr().String(), iface, false)
}

// vxlan makes a vxlan device.
func (w *world) vxlan(name string, vni uint32, address string) {
	l := w.link("", name, model.TypeVXLAN, 1450)
	l.MAC = model.Some(mac(w.t, "52:3a:8c:c9:08:e8"))
	l.VXLAN = model.VXLAN{
		VNI: model.Some(vni), Port: model.Some[uint16](4789), Local: model.Some(addr("192.168.32.245")),
		Dev: model.Some("eth0"), Learning: model.Some(false),
	}
	w.put(l)
	w.address("", name, address)
}

// tunnel makes a point-to-point tunnel.
func (w *world) tunnel(name, remote, address string) {
	l := w.link("", name, model.TypeIPIP, 1480)
	l.MAC = model.Opt[model.MAC]{}
	l.IPIP = model.IPIP{Local: model.Some(addr("192.168.32.245")), Remote: model.Some(addr(remote)), Dev: model.Some("")}
	w.put(l)
	w.address("", name, address)
}

// peer makes what leads to a peer through a vxlan device.
func (w *world) peer(dev, underlay, vtep, lladdr, subnet string) {
	w.put(model.Neighbour{Link: dev, IP: addr(vtep), MAC: model.Some(mac(w.t, lladdr)), State: model.Some(model.NeighbourPermanent), Protocol: model.Some[uint8](0)})
	w.put(model.FDBEntry{Link: dev, MAC: mac(w.t, lladdr), Dst: model.Some(addr(underlay)), State: model.Some(model.FDBPermanent)})
	w.route("", subnet, vtep, dev, true)
}

func (w *world) export(opts export.Options) *export.Result {
	w.t.Helper()
	if opts.Name == "" {
		opts.Name = "classic"
	}
	r, err := export.Export([]export.Host{{Node: "vm1", State: w.state}}, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// golden compares all that an export says with a file of testdata.
func (w *world) golden(name string, r *export.Result) {
	w.t.Helper()
	var b strings.Builder
	b.Write(r.File)
	for _, l := range []struct {
		title string
		lines []string
	}{{"left out", r.Left}, {"assumed", r.Assumed}, {"remains", r.Remains}} {
		for _, line := range l.lines {
			b.WriteString("-- " + l.title + ": " + line + "\n")
		}
	}
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatalf("%v (go test -update writes it)", err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		w.t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// What becomes of hosts, each with all that is told of it.
func TestExport(t *testing.T) {
	for _, tc := range []struct {
		name  string
		build func(*world)
		opts  export.Options
	}{
		{"bridges-alone", func(w *world) {
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.route("", "0.0.0.0/0", "192.168.32.1", "eth0", false)
		}, export.Options{}},
		{"vxlan", func(w *world) {
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.bridge("docker0", "172.17.0.1/16", "", "", "", "")
			w.vxlan("vtep", 100, "10.1.1.0/32")
			w.peer("vtep", "192.168.32.246", "10.1.2.0", "52:3a:8c:c9:08:e9", "10.1.2.0/24")
			w.peer("vtep", "192.168.32.247", "10.1.3.1", "52:3a:8c:c9:08:ea", "10.1.3.0/24")   // where its bridge would be assumed
			w.route("", "10.1.7.0/24", "10.1.3.1", "vtep", true)                               // a second subnet
			w.route("", "10.1.4.0/24", "10.1.4.0", "vtep", true)                               // a stranger
			w.peer("vtep", "192.168.32.248", "10.1.5.0", "52:3a:8c:c9:08:eb", "10.1.1.128/25") // within our own
			r := w.route("", "10.1.6.0/24", "10.1.2.0", "vtep", true)
			w.state.Remove(r.Key())
			r.Metric = 100
			w.put(r)
			w.put(model.FDBEntry{Link: "vtep", MAC: mac(t, "52:3a:8c:c9:08:ff"), Dst: model.Some(addr("192.168.32.9")), State: model.Some(model.FDBPermanent)})
		}, export.Options{Peers: map[netip.Addr]string{addr("192.168.32.246"): "vm2", addr("192.0.2.1"): "nobody"}}},
		{"metrics", func(w *world) { // of their destinations, as a topology spreads them
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.vxlan("vtep", 100, "10.1.1.0/32")
			w.peer("vtep", "192.168.32.246", "10.1.2.0", "52:3a:8c:c9:08:e9", "10.1.2.0/24")
			w.peer("vtep", "192.168.32.247", "10.1.3.0", "52:3a:8c:c9:08:ea", "10.1.3.0/24")
			w.peer("vtep", "192.168.32.248", "10.1.4.0", "52:3a:8c:c9:08:eb", "10.1.4.0/24")
			for _, p := range []string{"10.1.2.0/24", "10.1.3.0/24"} {
				w.spread(p)
			}
			w.route("", "10.1.3.0/24", "10.1.3.0", "vtep", true) // the other one carries no packet
		}, export.Options{}},
		{"learning", func(w *world) { // cannot be said: it would be changed
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.vxlan("vtep", 100, "10.1.1.0/32")
			e, _ := w.state.Get(model.LinkKey("", "vtep"))
			l := e.Object.(model.Link)
			l.VXLAN.Learning = model.Some(true)
			w.put(l)
		}, export.Options{}},
		{"two-overlays", func(w *world) {
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.vxlan("vtep", 100, "10.1.1.0/32")
			w.vxlan("other", 101, "10.9.1.0/32")
			w.peer("other", "192.168.32.246", "10.1.2.0", "52:3a:8c:c9:08:e9", "10.1.2.0/24")
		}, export.Options{Bridges: []string{"br0"}}},
		{"collision", func(w *world) { // the name that would be derived is a bridge's
			w.bridge("veth-web", "10.1.1.1/24", "web", "eth0", "gate", "10.1.1.10/24")
			w.bridge("br0", "10.1.3.1/24", "db", "eth0", "veth-db", "10.1.3.10/24")
			w.vxlan("vtep", 100, "10.1.1.0/32")
		}, export.Options{}},
		{"tunnels", func(w *world) { // named after their peers, but for one
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.tunnel("ipip-vm2", "192.168.32.246", "172.31.0.1/24")
			w.route("", "10.1.2.0/24", "172.31.0.2", "ipip-vm2", false)
			w.tunnel("ipip-vm3", "192.168.32.247", "172.31.0.1/24")
			w.route("", "10.1.3.0/24", "172.31.0.3", "ipip-vm3", false)
			w.tunnel("tun4", "192.168.32.248", "172.31.0.1/24")
			w.route("", "10.1.4.0/24", "172.31.0.4", "tun4", false)
		}, export.Options{}},
		{"direct", func(w *world) { // peers on the link by plain routes, of both families
			w.address("", "eth0", "2001:db8::245/64")
			w.connected("2001:db8::/64")
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.vxlan("vtep", 100, "10.1.1.0/32")
			w.peer("vtep", "192.168.40.9", "10.1.9.0", "52:3a:8c:c9:08:e9", "10.1.9.0/24")
			w.link("", "eth1", "", 1500)
			r := w.route("", "192.168.50.0/24", "", "eth1", false) // on a link, which is not the underlay
			r.Scope = model.Some(model.ScopeLink)
			w.put(r)
			w.peer("vtep", "192.168.50.9", "10.1.8.0", "52:3a:8c:c9:08:ea", "10.1.8.0/24")
			w.route("", "10.1.2.0/24", "192.168.32.246", "eth0", false)
			w.route("", "10.1.3.0/24", "192.168.32.247", "eth0", false)
			w.route("", "fd42:2::/64", "2001:db8::246", "eth0", false)
			w.route("", "10.0.0.0/8", "192.168.32.1", "eth0", false)
			w.route("", "0.0.0.0/0", "192.168.32.1", "eth0", false)
		}, export.Options{}},
		{"host-gw", func(w *world) { // IPv6 alone, beside something else's routes
			w.address("", "eth0", "2001:db8::245/64")
			w.connected("2001:db8::/64")
			w.bridge("br0", "fd42:1::1/64", "web", "eth0", "veth-web", "fd42:1::10/64")
			w.state.Remove(model.RouteKey("web", model.TableMain, prefix("0.0.0.0/0"), 0))
			w.route("web", "::/0", "fd42:1::1", "eth0", false)
			w.route("", "fd42:2::/64", "2001:db8::246", "eth0", false)
			r := w.route("", "10.9.0.0/16", "192.168.32.9", "eth0", false)
			r.Protocol = model.Some[uint8](186) // a routing daemon's
			w.put(r)
		}, export.Options{}},
		{"pairs", func(w *world) { // a subnet of two addresses, of which none is to spare
			w.bridge("br0", "10.1.1.0/31", "web", "eth0", "veth-web", "10.1.1.1/31")
			w.vxlan("vtep", 100, "10.9.9.9/32")
			w.peer("vtep", "192.168.32.246", "10.1.2.0", "52:3a:8c:c9:08:e9", "10.1.2.0/31")
		}, export.Options{}},
		{"odd", func(w *world) { // what is nearly a peer, a bridge, an interface
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.bridge("l2", "10.1.20.1/24", "flat", "eth0", "veth-flat", "10.1.20.10/24")
			w.state.Remove(model.AddressKey("", "l2", prefix("10.1.20.1/24")))
			w.vxlan("vtep", 100, "10.1.1.0/32")
			w.address("", "vtep", "10.9.9.9/32")
			w.peer("vtep", "192.168.32.246", "10.1.2.0", "52:3a:8c:c9:08:e9", "10.1.2.0/24")
			w.peer("vtep", "192.168.32.246", "10.1.3.0", "52:3a:8c:c9:08:ea", "10.1.3.0/24") // a second VTEP
			w.put(model.Neighbour{Link: "vtep", IP: addr("10.1.4.0"), MAC: model.Some(mac(t, "52:3a:8c:c9:08:e9")), State: model.Some(model.NeighbourPermanent)})
			w.route("", "10.1.4.0/24", "10.1.4.0", "vtep", true) // a second address of a VTEP
			w.route("", "10.1.5.0/24", "", "vtep", false)
			w.put(model.Neighbour{Link: "vtep", IP: addr("10.1.6.0"), MAC: model.Some(mac(t, "52:3a:8c:c9:08:ef")), State: model.Some(model.NeighbourPermanent)})
			w.route("", "10.1.6.0/24", "10.1.6.0", "vtep", true) // nobody knows where
			several := w.route("", "10.1.7.0/24", "", "", false)
			several.NextHops, several.Dev = model.Some("nexthop via 10.1.2.0 dev vtep weight 1 nexthop via 10.1.3.0 dev vtep weight 1"), model.Some("")
			w.put(several)
			l := w.link("", "port", model.TypeVXLAN, 1450)
			l.Master, l.VXLAN = model.Some("br0"), model.VXLAN{VNI: model.Some[uint32](9)}
			w.put(l)
			tap := w.link("", "tap0", "tun", 1450)
			tap.Master = model.Some("br0")
			w.put(tap)
			for _, name := range []string{"cni-1", "cni-2"} {
				w.put(model.Netns{Name: name, Alias: model.Some(""), LoUp: model.Some(true)})
				pod := w.link("", "veth"+name, model.TypeVeth, 1450)
				pod.Master, pod.Peer = model.Some("br0"), model.Some(model.EndRef{Netns: name, Name: "eth0"})
				w.put(pod)
			}
			w.link("web", "dummy0", "dummy", 1500)
			w.route("web", "10.8.0.0/16", "", "dummy0", false)
			w.route("web", "10.7.0.0/16", "fe80::1", "eth0", false)
		}, export.Options{}},
		{"ipip-six", func(w *world) { // a backend that carries IPv4 only
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.address("", "br0", "fd42:1::1/64")
			w.address("web", "eth0", "fd42:1::10/64")
			w.route("web", "::/0", "fd42:1::1", "eth0", false)
			l := w.link("", "tunl", model.TypeIPIP, 1480)
			l.IPIP = model.IPIP{Local: model.Some(addr("192.168.32.245")), Remote: model.Some(netip.Addr{}), Dev: model.Some("")}
			w.put(l)
			w.route("", "10.1.2.0/24", "192.168.32.246", "tunl", true)
		}, export.Options{}},
		{"vxlan6", func(w *world) { // over IPv6
			w.address("", "eth0", "2001:db8::245/64")
			w.connected("2001:db8::/64")
			w.bridge("br0", "10.1.1.1/24", "web", "eth0", "veth-web", "10.1.1.10/24")
			w.vxlan("vxlan100", 100, "10.1.1.0/32")
			e, _ := w.state.Get(model.LinkKey("", "vxlan100"))
			l := e.Object.(model.Link)
			l.VXLAN.Local, l.MTU = model.Some(addr("2001:db8::245")), model.Some[uint32](1430)
			w.put(l)
			w.peer("vxlan100", "2001:db8::246", "10.1.2.0", "52:3a:8c:c9:08:e9", "10.1.2.0/24")
		}, export.Options{}},
		{"hostile", func(w *world) {
			w.bridge("br\"0:", "10.1.1.1/24", "a b", "e\n0", "v\x1b[2J", "10.1.1.10/24")
			w.bridge("x-br", "10.1.2.1/24", "yes", "eth0", "veth-yes", "10.1.2.10/24")
			w.bridge("012", "10.1.3.1/24", "no", "1e3", "veth-# no", "10.1.3.10/24")
			w.bridge("true", "10.1.4.1/24", "'null'", "~", "- v", "10.1.4.10/24")
			w.bridge("\xff\xfe", "10.1.5.1/24", "{a: b}", "eth0", "v2", "10.1.5.10/24")
			w.route("a b", "10.0.0.0/8", "10.1.1.1", "e\n0", false)
			w.vxlan("off", 1, "10.1.1.0/32")
			w.peer("off", "192.168.32.246", "10.1.12.0", "52:3a:8c:c9:08:e9", "10.1.12.0/24")
		}, export.Options{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			tc.build(w)
			w.golden(tc.name, w.export(tc.opts))
		})
	}
}
