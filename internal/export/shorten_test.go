package export

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// overridden is a topology in which hardly anything is as it would be derived.
const overridden = `
apiVersion: netplan-overlay/v1
name: classic
backend: {type: vxlan, vni: 100, port: 4789}
nodes:
  vm1:
    address: 192.168.32.245
    overlay: {device: vtep245, mac: "52:3a:8c:c9:08:e8", address: 172.245.0.77/32, mtu: 1400}
    bridges:
      br245: {addresses: [172.245.0.1/24, 172.245.7.1/24], mtu: 1500, mac: "02:8d:b1:91:fa:7a"}
      brx: {addresses: 172.245.9.1/24}
    namespaces:
      ns245: {interfaces: {eth0: {addresses: [172.245.0.2/24], host: veth245, mtu: 1300}}}
      two:
        interfaces: {eth0: 172.245.0.3/24, eth1: {addresses: 172.245.9.3/24, bridge: brx}}
        routes: [{to: default, via: 172.245.9.9}, {to: 10.0.0.0/8, via: 172.245.0.9, metric: 7}, {to: 10.9.0.0/16, dev: eth1}]
      none: {interfaces: {eth0: 172.245.0.4/24}, routes: []}
  vm2:
    address: 192.168.32.246
    overlay: {mac: "52:3a:8c:c9:08:e9", address: 172.246.0.99/32}
    bridges: {br246: 172.246.0.1/24}
`

// What a topology asks of a host, once it is there, comes back as a file that asks the
// same; and each of its values is needed for that.
func TestShortest(t *testing.T) {
	texts := map[string][]byte{"overridden": []byte(overridden)}
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, f := range files {
		texts[filepath.Base(f)] = nil
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			var topology *spec.Topology
			if text != nil {
				topology, _ = spec.Parse([]spec.Source{{Name: name, Data: text}})
			} else if topology, _, err = spec.Load([]string{"../../examples/" + name}, nil); err != nil {
				t.Fatal(err)
			}
			for i := range topology.Nodes {
				shortest(t, topology, &topology.Nodes[i])
			}
		})
	}
}

// So it is with any choice of what is as it would be derived and what isn't.
func TestShortestRandom(t *testing.T) {
	for seed := range uint64(100) {
		g := rand.New(rand.NewPCG(seed, 1))
		text := random(g)
		topology, problems := spec.Parse([]spec.Source{{Name: "random", Data: []byte(text)}})
		if topology == nil {
			t.Fatalf("seed %d: %v\n%s", seed, problems, text)
		}
		shortest(t, topology, &topology.Nodes[0])
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, text)
		}
	}
}

// random writes a topology of two to four nodes.
func random(g *rand.Rand) string {
	maybe := func(s string) string { return [2]string{s, ""}[g.IntN(2)] }
	one := func(l ...string) string { return l[g.IntN(len(l))] }
	backend := one("vxlan", "{type: vxlan, vni: 7}", "{type: vxlan, port: 4789, directRouting: true}", "ipip", "{type: ipip, mode: per-peer}", "host-gw")
	vxlan, tunnel := strings.Contains(backend, "vxlan"), strings.Contains(backend, "per-peer")
	b := "apiVersion: netplan-overlay/v1\nname: random\nbackend: " + backend + "\nnodes:\n"
	for i := range 2 + g.IntN(3) {
		b += fmt.Sprintf("  n%d:\n    address: 10.0.0.%d\n", i, i+1)
		if !strings.Contains(backend, "host-gw") {
			b += "    overlay:\n      x-any: {}\n"
			if !tunnel {
				b += maybe(one("      device: over0\n", "      device: vxlan1\n", "      device: vxlan7\n")) + maybe(fmt.Sprintf("      address: 10.77.0.%d/32\n", i))
			}
			if vxlan {
				b += maybe(fmt.Sprintf("      mac: \"02:07:00:00:00:%02x\"\n", i))
			}
			b += maybe("      mtu: 1400\n")
		}
		b += fmt.Sprintf("    bridges:\n      br0: {addresses: [10.1.%d.1/24%s]%s%s}\n", i, maybe(fmt.Sprintf(", 10.2.%d.1/24", i)), maybe(", mtu: 1300"), maybe(fmt.Sprintf(", mac: \"02:08:00:00:00:%02x\"", i)))
		b += fmt.Sprintf("      br1: {addresses: [10.3.%d.1/24]}\n", i)
		b += fmt.Sprintf("    namespaces:\n      a:\n        interfaces: {eth0: {addresses: [10.1.%d.10/24]%s%s%s}}\n%s", i, maybe(", host: gate"), maybe(", mtu: 1200"), maybe(", bridge: br0"),
			maybe(one("        routes: []\n", fmt.Sprintf("        routes: [{to: default, via: 10.1.%d.9}]\n", i),
				fmt.Sprintf("        routes: [{to: default, via: 10.1.%d.1}, {to: 10.99.0.0/16, dev: eth0, metric: 5}]\n", i))))
		b += fmt.Sprintf("      b: {interfaces: {lan: {addresses: 10.3.%d.10/24}, wan: 10.1.%d.11/24}}\n", i, i)
	}
	return b
}

func shortest(t *testing.T, of *spec.Topology, n *spec.Node) {
	t.Helper()
	wanted, err := desired.Expand(of, n, desired.Assume(of, n))
	if err != nil {
		t.Fatal(err)
	}
	h := Host{Node: n.Name, State: there(of, n, wanted.State)}
	x := &exporter{opts: Options{Name: of.Name}, out: &topology{name: of.Name}}
	for _, step := range []func() error{func() error { return x.host(h) }, x.merge, x.validate} {
		if err := step(); err != nil {
			t.Fatalf("%s: %v", n.Name, err)
		}
	}
	short, err := x.shorten()
	if err != nil {
		t.Fatalf("%s: %v", n.Name, err)
	}
	text := x.out.write(false).String()
	if r := x.result(short); len(r.Remains) > 0 {
		t.Errorf("%s: there is to be done: %q\n%s", n.Name, r.Remains, text)
	}
	for e := range wanted.State.All() {
		// A sysctl that nobody of ours has set may be anybody's.
		if _, ok := short.states[x.seen[0]].State.Get(e.Object.Key()); !ok && (e.Object.Key().Kind != model.KindSysctl || e.Object.Key().Netns == "") {
			t.Errorf("%s: %s is not described\n%s", n.Name, e.Object.Key(), text)
		}
	}
	for _, f := range x.givenFields(short) {
		f.drop()
		r, err := x.read()
		if err == nil && same(r.states[x.seen[0]].State, short.states[x.seen[0]].State) {
			t.Errorf("%s: the file says %s, and without it means the same:\n%s", n.Name, f.given, text)
		}
		f.restore()
	}
}

// givenFields are the fields that are in the file.
func (x *exporter) givenFields(r *reading) (l []field) {
	all := slices.Concat(x.namedFields()...)
	for _, fields := range [][]field{x.backendFields(), x.overlayMTUs(), x.bridgeMTUs(), x.interfaceMTUs(), x.routes(r)} {
		all = append(all, fields...)
	}
	before := x.out.write(true).String()
	for _, f := range all {
		f.drop()
		if x.out.write(true).String() != before {
			l = append(l, f)
		}
		f.restore()
	}
	return l
}

// there is a host that has what a node should have, made by somebody else.
func there(topology *spec.Topology, n *spec.Node, wanted *model.State) *model.State {
	s := &model.State{}
	facts := desired.Assume(topology, n)
	for _, u := range facts.Underlay {
		s.Put(model.Entry{Object: model.Link{
			Name: u.Device, Type: model.Some(""), Up: model.Some(true), MTU: model.Some(u.MTU), Master: model.Some(""), Alias: model.Some(""), Group: model.Some[uint32](0),
		}})
		s.Put(model.Entry{Object: model.Address{Link: u.Device, Prefix: netip.PrefixFrom(n.Address(model.Family(u.Prefix.Addr())), u.Prefix.Bits()), Protocol: model.Some[uint8](0)}})
		s.Put(model.Entry{Owner: model.OwnerKernel, Object: model.Route{
			Dst: u.Prefix.Masked(), Table: model.TableMain, Type: model.Some("unicast"), Dev: model.Some(u.Device), Via: model.Some(netip.Addr{}),
			Scope: model.Some(model.ScopeLink), NextHops: model.Some(""), Protocol: model.Some[uint8](2),
		}})
	}
	for e := range wanted.All() {
		if !e.Ref {
			s.Put(model.Entry{Object: foreign(e.Object)})
		}
	}
	return s
}

// foreign is an object without our marks.
func foreign(o model.Object) model.Object {
	switch o := o.(type) {
	case model.Netns:
		o.Alias = model.Some("")
		return o
	case model.Link:
		o.Alias, o.Group = model.Some(""), model.Some[uint32](0)
		if !o.Master.IsSet() {
			o.Master = model.Some("")
		}
		if !o.MAC.IsSet() && o.Type.Value() != model.TypeIPIP {
			o.MAC = model.Some(model.MAC{2, 9})
		}
		return o
	case model.Address:
		o.Protocol = model.Some[uint8](0)
		return o
	case model.Neighbour:
		o.Protocol = model.Some[uint8](0)
		return o
	case model.Route:
		o.Protocol = model.Some[uint8](3)
		o.NextHops = model.Some("")
		return o
	}
	return o
}
