package spec

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// However many parts the nodes are read in, the topology is the same, and so are the
// problems and their order.
func TestPartsAreAsOne(t *testing.T) {
	told, sound := map[Code]int{}, 0
	for seed := range uint64(300) {
		sources := randomSources(rand.New(rand.NewPCG(seed, 1)))
		want, expected := (&decoder{parts: 1}).topologyOf(sources)
		order := unsorted(&decoder{parts: 1}, sources)
		for _, p := range expected {
			told[p.Code]++
		}
		if want != nil {
			sound++
		}
		for _, parts := range []int{2, 3, 7, 100} {
			got, problems := (&decoder{parts: parts}).topologyOf(sources)
			if !reflect.DeepEqual(problems, expected) {
				t.Fatalf("seed %d, %d parts: problems\n%v\nwant\n%v\nof\n%s", seed, parts, problems, expected, sources[0].Data)
			}
			if got := unsorted(&decoder{parts: parts}, sources); !reflect.DeepEqual(got, order) {
				t.Fatalf("seed %d, %d parts: the problems come in another order:\n%v\nwant\n%v", seed, parts, got, order)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, %d parts: topology\n%+v\nwant\n%+v\nof\n%s", seed, parts, got, want, sources[0].Data)
			}
		}
	}
	if sound < 30 || len(told) < 25 {
		t.Errorf("%d of the files are sound, and the others have %d kinds of problems: that shows little: %v", sound, len(told), told)
	}
}

// unsorted returns the problems as they were found.
func unsorted(d *decoder, sources []Source) []Problem {
	d.decode(sources)
	return d.problems
}

// randomSources writes a topology, in one file or two, in which more or less is wrong.
func randomSources(r *rand.Rand) []Source {
	g := &generator{Rand: r, wrong: []int{0, 1, 4, 20}[r.IntN(4)], six: r.IntN(2) == 0, underlay6: r.IntN(4) == 0}
	var head strings.Builder
	kind := []string{HostGW, IPIP, VXLAN, VXLAN, "{type: ipip, mode: per-peer}", "{type: vxlan, vni: 7, directRouting: true}"}[r.IntN(6)]
	fmt.Fprintf(&head, "apiVersion: netplan-overlay/v1\nname: random\nbackend: %s\n", kind)
	if r.IntN(3) == 0 {
		fmt.Fprintf(&head, "probe: {namespaces: [ns0, %s]}\n", g.either("ns1", "nonesuch"))
	}
	if r.IntN(3) == 0 {
		mtu := func() string { return g.either("1400", "900") }
		fmt.Fprintf(&head, "defaults:\n  node: {overlay: {mtu: %s}}\n  bridge: {mtu: %s}\n", mtu(), mtu())
		fmt.Fprintf(&head, "  namespace: {mtu: %s, sysctls: {net.ipv4.conf.%s.rp_filter: 0}}\n", mtu(), g.either("eth0", "eth7"))
	}
	if r.IntN(4) == 0 {
		head.WriteString("x-note: |\n  yaml.v3 has to read this\n")
	}
	n := 1 + r.IntN(40)
	cut := 0
	if r.IntN(3) == 0 {
		cut = r.IntN(n)
	}
	nodes := func(from, to int) string {
		b := "nodes:\n"
		for i := from; i < to; i++ {
			b += g.node(i)
		}
		return b
	}
	if cut == 0 {
		return []Source{{Name: "a.yaml", Data: []byte(head.String() + nodes(0, n))}}
	}
	return []Source{
		{Name: "b.yaml", Data: []byte(head.String() + nodes(cut, n))},
		{Name: "a.yaml", Data: []byte("apiVersion: netplan-overlay/v1\n" + nodes(0, cut))},
	}
}

// generator makes nodes, of which some percent of the values are wrong.
type generator struct {
	*rand.Rand
	wrong     int
	six       bool // some subnets are IPv6
	underlay6 bool
}

// either returns what is right, or sometimes what may not be.
func (g *generator) either(right string, wrong ...string) string {
	if g.IntN(100) >= g.wrong {
		return right
	}
	return wrong[g.IntN(len(wrong))]
}

func (g *generator) node(i int) string {
	subnet := func(i, host int) string {
		if g.six && i%3 == 1 {
			return fmt.Sprintf("fd00:%d::%d/64", i, host)
		}
		return fmt.Sprintf("10.1.%d.%d/24", i, host)
	}
	underlay := fmt.Sprintf("192.0.2.%d", i+1)
	if g.underlay6 {
		underlay = fmt.Sprintf("fd01::2:%d", i+1)
	}
	other := subnet(g.IntN(40), 1+g.IntN(3))
	name := g.either(fmt.Sprintf("n%02d", i), fmt.Sprintf("n%02d", g.IntN(40)), "x-n", "-n", fmt.Sprintf("long-name-of-a-node-%d", i))
	var b strings.Builder
	fmt.Fprintf(&b, "  %s:\n    %s: %s\n", name, g.either("address", "adress"),
		g.either(underlay, "fd01::1", "192.0.2.3", "10.1.3.7", "[192.0.2.77, fd01::7]", "[192.0.2.78, 192.0.2.79]", "127.0.0.1", "~", "{}"))
	b.WriteString(g.either("", "    overlay: {mac: 02:00:00:00:00:07}\n", "    overlay: {address: 10.1.4.9, mtu: 1200}\n", "    overlay: {device: vxlan0, mac: 03:00:00:00:00:07}\n", "    interface: br0\n", "    probe: no\n"))
	fmt.Fprintf(&b, "    bridges:\n      br0: %s\n", g.either(subnet(i, 1), other, "10.1.0.0/16", "10.1.2.1", "[10.1.200.1/24, 8.8.8.1/24]", "[]"))
	b.WriteString(g.either("", "      br1: {addresses: 10.1.6.1/25, overlay: false}\n", "      br1: {mac: 02:00:00:00:00:08, addresses: [10.2.0.1/24]}\n", "      br-of-a-long-name: 10.3.0.1/24\n"))
	fmt.Fprintf(&b, "    namespaces:\n      ns0: %s\n", g.either(subnet(i, 2), other, subnet(i, 1), "10.9.9.9/24", "10.1.3.0/24"))
	b.WriteString(g.either("",
		"      ns1: {interfaces: {eth0: {bridge: br9}, eth1: {mac: 02:00:00:00:00:08, bridge: br0}}}\n",
		"      ns1: {sysctls: {net.ipv6.conf.all.disable_ipv6: 1, kernel.panic: 1}}\n",
		fmt.Sprintf("      ns1: {interfaces: {eth0: %s}, routes: [{to: default, via: 10.1.0.7}, {to: 10.0.0.0/8, dev: eth0}, {to: 10.0.0.0/8, dev: eth0}]}\n", subnet(i, 3)),
		"      ns1: [1]\n", "      a/b: ~\n"))
	return b.String()
}
