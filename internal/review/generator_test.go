package review

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// generator makes random topologies, as files that validation accepts.
type generator struct{ *rand.Rand }

func seeded(n uint64) generator { return generator{rand.New(rand.NewPCG(n, 0))} }

func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g generator, l ...T) T { return l[g.IntN(len(l))] }

var backends = []string{
	"host-gw", "vxlan", "vxlan", "{type: vxlan, directRouting: true}", "{type: vxlan, vni: 2, port: 4789}",
	"ipip", "{type: ipip, directRouting: true}", "{type: ipip, mode: per-peer}",
	"{type: vxlan, routeMetrics: spread}", "{type: ipip, routeMetrics: spread}",
}

// draft is a topology as text, node by node.
type draft struct {
	backend, mtu string
	nodes        map[string]string
}

func (d draft) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: netplan-overlay/v1\nname: random\nbackend: %s\n%snodes:\n", d.backend, d.mtu)
	var names []string
	for name := range d.nodes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(d.nodes[name])
	}
	return b.String()
}

func (g generator) draft() draft {
	d := draft{backend: pick(g, backends...), nodes: map[string]string{}}
	for i := range 2 + g.IntN(5) {
		d.nodes[nodeName(i)] = g.node(i, d.backend)
	}
	return d
}

func nodeName(i int) string { return fmt.Sprintf("n%d", i) }

// node makes the ith node. Subnets are its own, or of a pool for which nodes compete.
func (g generator) node(i int, backend string) string {
	third := 0
	if backend != "host-gw" && g.chance(3) {
		third = 1
	}
	v6 := !strings.Contains(backend, "ipip") && g.chance(3)
	address := fmt.Sprintf("10.0.%d.%d", third, 11+i)
	if v6 {
		address = fmt.Sprintf("[%s, \"2001:db8:%d::%d\"]", address, third, 11+i)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  %s:\n    address: %s\n", nodeName(i), address)
	if g.chance(6) {
		b.WriteString("    interface: eth1\n")
	}
	switch {
	case strings.Contains(backend, "vxlan") && g.chance(4):
		fmt.Fprintf(&b, "    overlay: {mac: \"02:00:00:00:01:%02x\"}\n", 16*g.IntN(2)+i)
	case backend != "host-gw" && !strings.Contains(backend, "per-peer") && g.chance(4):
		fmt.Fprintf(&b, "    overlay: {device: %s}\n", pick(g, "over0", "over1"))
	}
	g.bridges(&b, i, v6)
	return b.String()
}

func (g generator) bridges(b *strings.Builder, i int, v6 bool) {
	subnets := []int{10 + i, 30 + g.IntN(3)}[:g.IntN(3)]
	if len(subnets) == 0 {
		b.WriteString("    bridges: {}\n")
		return
	}
	var inside []string
	b.WriteString("    bridges:\n")
	for j, s := range subnets {
		addresses := fmt.Sprintf("10.42.%d.1/24", s)
		if v6 && g.chance(2) {
			addresses += fmt.Sprintf(", \"fd42:0:0:%d::1/64\"", s)
		}
		more := pick(g, "", "", ", mtu: 1400", ", mac: \"02:00:00:00:00:01\"")
		fmt.Fprintf(b, "      %s: {addresses: [%s]%s}\n", pick(g, "br", "bridge")+fmt.Sprint(j), addresses, more)
		inside = append(inside, fmt.Sprintf("10.42.%d.%d/24", s, 2+g.IntN(3)))
	}
	if g.chance(3) {
		return
	}
	b.WriteString("    namespaces:\n")
	for j, a := range inside {
		if g.chance(2) {
			fmt.Fprintf(b, "      %s: %s\n", pick(g, "web", "ns")+fmt.Sprint(j), a)
		} else {
			fmt.Fprintf(b, "      %s: {interfaces: {eth0: {addresses: [%s], host: h%d}}, sysctls: {net.ipv4.conf.all.rp_filter: %d}}\n", pick(g, "web", "ns")+fmt.Sprint(j), a, j, 1+g.IntN(2))
		}
	}
}

// change returns a later version: some nodes are others, there or gone.
func (g generator) change(d draft) draft {
	out := draft{backend: d.backend, mtu: d.mtu, nodes: map[string]string{}}
	for i := range 7 {
		name := nodeName(i)
		text, ok := d.nodes[name]
		switch {
		case ok && g.chance(3), !ok && g.chance(6):
			text, ok = g.node(i, out.backend), true
		case g.chance(8):
			ok = false
		}
		if ok {
			out.nodes[name] = text
		}
	}
	switch {
	case g.chance(8):
		out.mtu = fmt.Sprintf("mtu: %d\n", pick(g, 1400, 9000))
	case g.chance(8):
		out.backend = pick(g, backends[1:]...)
	}
	return out
}

// changeOne returns a later version in which one node is another, or new.
func (g generator) changeOne(d draft) draft {
	out := draft{backend: d.backend, mtu: d.mtu, nodes: maps.Clone(d.nodes)}
	i := g.IntN(len(d.nodes) + 1)
	out.nodes[nodeName(i)] = g.node(i, d.backend)
	return out
}

// parse returns the topology of a draft; nil where validation refuses it.
func (d draft) parse() *spec.Topology {
	t, _ := spec.Parse([]spec.Source{{Name: "t.yaml", Data: []byte(d.String())}})
	return t
}

// pairs calls do with random pairs of versions, until as many were sound as wanted.
func pairs(t *testing.T, want int, do func(t *testing.T, seed uint64, from, to *spec.Topology)) {
	t.Helper()
	pairsBy(t, want, generator.change, do)
}

// pairsBy is pairs for versions of which change makes the later one.
func pairsBy(t *testing.T, want int, change func(generator, draft) draft, do func(t *testing.T, seed uint64, from, to *spec.Topology)) {
	t.Helper()
	done := 0
	for seed := uint64(1); done < want; seed++ {
		if seed > uint64(50*want) {
			t.Fatalf("of %d pairs, %d were sound", seed, done)
		}
		g := seeded(seed)
		old := g.draft()
		from, to := old.parse(), change(g, old).parse()
		if from == nil || to == nil {
			continue
		}
		done++
		do(t, seed, from, to)
		if t.Failed() {
			t.Fatalf("seed %d\n%s", seed, old)
		}
	}
}
