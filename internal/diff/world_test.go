package diff_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

var identity = model.Identity{Topology: "classic", Node: "vm1"}

// classic is the first example of the README with a backend: vm1 is the host.
func classic(b spec.Backend) *spec.Topology {
	t := &spec.Topology{Name: identity.Topology, Backend: b}
	for i, n := range []string{"245", "246"} {
		t.Nodes = append(t.Nodes, spec.Node{
			Name:      fmt.Sprintf("vm%d", i+1),
			Addresses: []netip.Addr{netip.MustParseAddr("192.168.32." + n)},
			Overlay:   overlay(b, n),
			Bridges: []spec.Bridge{{
				Name: "br" + n, Addresses: prefixes("172." + n + ".0.1/24"), MAC: mac("02:00:00:00:00:01"), Overlay: true,
			}},
			Namespaces: []spec.Namespace{{
				Name:       "ns" + n,
				Interfaces: []spec.Interface{{Name: "eth0", Bridge: "br" + n, Host: "veth-ns" + n, Addresses: prefixes("172." + n + ".0.2/24")}},
				Routes:     []spec.Route{{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("172." + n + ".0.1"), Dev: "eth0"}},
			}},
		})
	}
	return t
}

func overlay(b spec.Backend, n string) spec.Overlay {
	switch {
	case b.Type == spec.VXLAN:
		return spec.Overlay{Device: "vxlan1", MAC: mac("02:00:00:00:01:" + n[1:]), Addresses: prefixes("172." + n + ".0.0/32")}
	case b.Type == spec.IPIP && b.Mode == spec.Multipoint:
		return spec.Overlay{Device: "ipip-overlay", Addresses: prefixes("172." + n + ".0.0/32")}
	}
	return spec.Overlay{}
}

var (
	hostGW  = spec.Backend{Type: spec.HostGW}
	vxlan   = spec.Backend{Type: spec.VXLAN, VNI: 1, Port: 8472, Family: 4}
	ipip    = spec.Backend{Type: spec.IPIP, Mode: spec.Multipoint}
	perPeer = spec.Backend{Type: spec.IPIP, Mode: spec.PerPeer}
)

func prefixes(l ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range l {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func mac(s string) model.MAC {
	m, err := model.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

func expand(t *testing.T, topology *spec.Topology) *model.State {
	t.Helper()
	x, err := desired.Expand(topology, &topology.Nodes[0], desired.Assume(topology, &topology.Nodes[0]))
	if err != nil {
		t.Fatal(err)
	}
	return x.State
}

// bare is a host with nothing but its underlay.
func bare() *fake.Kernel {
	k := fake.New(identity)
	k.Put(model.Link{Name: "eth0", Up: model.Some(true)}, model.Address{Link: "eth0", Prefix: netip.MustParsePrefix("192.168.32.245/24")})
	return k
}

// run executes a plan as it stands.
func run(t *testing.T, k *fake.Kernel, p *diff.Plan) {
	t.Helper()
	for i, err := range k.Do(context.Background(), p.Steps) {
		if err != nil {
			t.Fatalf("step %d: %v\n%s", i, err, text(p))
		}
	}
}

// applied is a host that a topology was applied to.
func applied(t *testing.T, topology *spec.Topology) *fake.Kernel {
	t.Helper()
	k := bare()
	want := expand(t, topology)
	run(t, k, diff.Compute(want, k.Observe(want), diff.Options{}))
	return k
}

// text writes a plan: the steps in their order, with what the kernel does along.
func text(p *diff.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s %s", s.Op, s.Key())
		if s.Op == model.OpUpdate {
			changes, _, _ := model.DiffAttrs(s.After, s.Before)
			for _, c := range changes {
				fmt.Fprintf(&b, ", %s %s -> %s", c.Name, orNone(c.Before), orNone(c.After))
			}
		}
		b.WriteByte('\n')
		for _, o := range s.Lost() {
			fmt.Fprintf(&b, "  takes %s\n", o.Key())
		}
		for _, o := range s.Released() {
			fmt.Fprintf(&b, "  releases %s\n", o.Key())
		}
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
