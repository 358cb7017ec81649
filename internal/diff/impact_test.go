package diff_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// The impact of each change, from one version of a topology to the next. That they are
// right is measured in cmd/netplan-overlay.
func TestImpact(t *testing.T) {
	const none, brief, disruptive = model.ImpactNone, model.ImpactBrief, model.ImpactDisruptive
	direct := vxlan
	direct.DirectRouting = true
	mtu := func(bridge, port uint32) func(*spec.Topology) {
		return func(t *spec.Topology) {
			n := &t.Nodes[0]
			n.Bridges[0].MTU, n.Namespaces[0].Interfaces[0].MTU = bridge, port
		}
	}
	second := func(addresses ...string) func(*spec.Topology) {
		return func(t *spec.Topology) {
			n := &t.Nodes[0]
			n.Bridges = append(n.Bridges, spec.Bridge{Name: "second", MAC: mac("02:00:00:00:00:02"), Addresses: prefixes(addresses...)})
		}
	}
	routes := func(l ...spec.Route) func(*spec.Topology) {
		return func(t *spec.Topology) {
			n := &t.Nodes[0].Namespaces[0]
			n.Routes = append(n.Routes, l...)
		}
	}
	narrow := spec.Route{To: netip.MustParsePrefix("172.246.0.0/24"), Via: netip.MustParseAddr("172.245.0.1"), Dev: "eth0"}
	elsewhere := narrow
	elsewhere.Via = netip.MustParseAddr("172.245.0.9")
	worse := narrow
	worse.Metric = 100
	for _, tc := range []struct {
		name     string
		from, to func() *spec.Topology
		want     map[string]model.Impact
	}{
		{"overlay device replaced", of(vxlan), of(spec.Backend{Type: spec.VXLAN, VNI: 1, Port: 4789, Family: 4}), map[string]model.Impact{
			"± link vxlan1": disruptive, "± address 172.245.0.0/32 on vxlan1": disruptive, "± route 172.246.0.0/24": disruptive,
			"± fdb 02:00:00:00:01:46 on vxlan1": disruptive, "± neighbour 172.246.0.0 on vxlan1": disruptive,
		}},
		{"overlay device that nothing uses replaced", of(direct), of(spec.Backend{Type: spec.VXLAN, VNI: 1, Port: 4789, Family: 4, DirectRouting: true}), map[string]model.Impact{
			"± link vxlan1": none, "± address 172.245.0.0/32 on vxlan1": none,
		}},
		{"overlay device that nothing uses deleted", of(direct), of(hostGW), map[string]model.Impact{
			"- link vxlan1": none, "- address 172.245.0.0/32 on vxlan1": brief,
			"~ link br245": brief, "~ link veth-ns245": brief, "~ link eth0 in netns ns245": brief,
		}},
		{"overlay device deleted that routes leave", of(vxlan, mtu(1400, 1400)), of(hostGW, mtu(1400, 1400)), map[string]model.Impact{
			"- link vxlan1": disruptive, "- address 172.245.0.0/32 on vxlan1": brief, "~ route 172.246.0.0/24": brief,
			"- fdb 02:00:00:00:01:46 on vxlan1": none, "- neighbour 172.246.0.0 on vxlan1": none,
		}},
		{"onto a device that is new", of(hostGW, mtu(1400, 1400)), of(vxlan, mtu(1400, 1400)), map[string]model.Impact{
			"+ link vxlan1": none, "+ address 172.245.0.0/32 on vxlan1": none, "~ route 172.246.0.0/24": disruptive,
			"+ fdb 02:00:00:00:01:46 on vxlan1": none, "+ neighbour 172.246.0.0 on vxlan1": none,
		}},
		{"onto a device that was there", of(direct), of(vxlan), map[string]model.Impact{
			"~ route 172.246.0.0/24": brief, "+ fdb 02:00:00:00:01:46 on vxlan1": none, "+ neighbour 172.246.0.0 on vxlan1": none,
		}},
		{"peer moved", of(vxlan), of(vxlan, movePeer), map[string]model.Impact{"~ fdb 02:00:00:00:01:46 on vxlan1": brief}},
		{"peer moved over host-gw", of(hostGW), of(hostGW, movePeer), map[string]model.Impact{"~ route 172.246.0.0/24": brief}},
		{"peer moved over ipip", of(ipip), of(ipip, movePeer), map[string]model.Impact{"~ route 172.246.0.0/24": disruptive}},
		{"both MTUs lower", of(vxlan, mtu(1400, 1400)), of(vxlan, mtu(1300, 1300)), map[string]model.Impact{
			"~ link br245": brief, "~ link veth-ns245": brief, "~ link eth0 in netns ns245": brief,
		}},
		{"port's MTU below its bridge's", of(vxlan, mtu(1400, 1400)), of(vxlan, mtu(1400, 1300)), map[string]model.Impact{
			"~ link veth-ns245": disruptive, "~ link eth0 in netns ns245": brief,
		}},
		{"bridge's MTU above its port's", of(vxlan, mtu(1300, 1300)), of(vxlan, mtu(1400, 1300)), map[string]model.Impact{"~ link br245": disruptive}},
		{"bridge gone", of(vxlan, second("172.244.0.1/24")), of(vxlan), map[string]model.Impact{
			"- link second": disruptive, "- address 172.244.0.1/24 on second": disruptive,
		}},
		{"bridge gone that nothing uses", of(vxlan, second()), of(vxlan), map[string]model.Impact{"- link second": none}},
		{"address gone that is elsewhere, too", of(vxlan, second("172.245.0.1/32")), of(vxlan, second()), map[string]model.Impact{
			"- address 172.245.0.1/32 on second": brief,
		}},
		{"route gone", of(vxlan, routes(elsewhere)), of(vxlan), map[string]model.Impact{"- route 172.246.0.0/24 in netns ns245": disruptive}},
		{"route gone, a wider one leads the same way", of(vxlan, routes(narrow)), of(vxlan), map[string]model.Impact{"- route 172.246.0.0/24 in netns ns245": none}},
		{"route gone, one with another metric stays", of(vxlan, routes(elsewhere, worse)), of(vxlan, routes(worse)), map[string]model.Impact{"- route 172.246.0.0/24 in netns ns245": none}},
		{"peer's VTEP MAC", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Nodes[1].Overlay.MAC = mac("02:00:00:00:02:46") }), map[string]model.Impact{
			"+ fdb 02:00:00:00:02:46 on vxlan1": none, "~ neighbour 172.246.0.0 on vxlan1": disruptive, "- fdb 02:00:00:00:01:46 on vxlan1": none,
		}},
		{"own VTEP MAC", of(vxlan), of(vxlan, func(t *spec.Topology) { t.Nodes[0].Overlay.MAC = mac("02:00:00:00:02:45") }), map[string]model.Impact{
			"~ link vxlan1": disruptive, "± neighbour 172.246.0.0 on vxlan1": disruptive,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := applied(t, tc.from())
			want := expand(t, tc.to())
			got := map[string]model.Impact{}
			for _, c := range diff.Compute(want, k.Observe(want), diff.Options{}).Changes {
				got[string(c.Action)+" "+c.Key().String()] = c.Impact
			}
			same(t, "impacts", tc.want, got)
		})
	}
}

func movePeer(t *spec.Topology) { t.Nodes[1].Addresses[0] = netip.MustParseAddr("192.168.32.99") }

// A link that is down carries nothing; one that is up may.
func TestImpactOfDown(t *testing.T) {
	for up, want := range map[bool]model.Impact{false: model.ImpactNone, true: model.ImpactDisruptive} {
		k := applied(t, classic(vxlan))
		k.Put(
			model.Link{Name: "stray", Type: model.Some(model.TypeVeth), Up: model.Some(up), Group: model.Some(model.MarkGroup), Peer: model.Some(model.EndRef{Name: "stray2"})},
			model.Link{Name: "stray2", Type: model.Some(model.TypeVeth), Up: model.Some(up), Group: model.Some(model.MarkGroup), Peer: model.Some(model.EndRef{Name: "stray"})},
		)
		s := expand(t, classic(vxlan))
		p := diff.Compute(s, k.Observe(s), diff.Options{})
		if got := p.Summary().Impact; got != want {
			t.Errorf("up %v: impact %s, want %s:\n%s", up, got, want, text(p))
		}
	}
}

// A switch in phases announces no more than what it does: when the old device goes,
// nothing has used it for long.
func TestImpactOfPhases(t *testing.T) {
	smaller := func(t *spec.Topology) {
		t.Nodes[0].Bridges[0].MTU, t.Nodes[0].Namespaces[0].Interfaces[0].MTU = 1400, 1400
	}
	k := applied(t, of(vxlan, smaller)())
	want := expand(t, of(ipip, smaller)())
	for _, tc := range []struct {
		phase diff.Phase
		want  map[string]model.Impact
	}{
		{diff.Prepare, map[string]model.Impact{"+ link ipip-overlay": model.ImpactNone, "+ address 172.245.0.0/32 on ipip-overlay": model.ImpactNone}},
		{diff.Commit, map[string]model.Impact{"~ route 172.246.0.0/24": model.ImpactBrief}},
		{diff.Whole, map[string]model.Impact{
			"- link vxlan1": model.ImpactNone, "- address 172.245.0.0/32 on vxlan1": model.ImpactBrief,
			"- fdb 02:00:00:00:01:46 on vxlan1": model.ImpactNone, "- neighbour 172.246.0.0 on vxlan1": model.ImpactNone,
		}},
	} {
		p := diff.Compute(want, k.Observe(want), diff.Options{Phase: tc.phase})
		got := map[string]model.Impact{}
		for _, c := range p.Changes {
			got[string(c.Action)+" "+c.Key().String()] = c.Impact
		}
		same(t, fmt.Sprintf("phase %q", tc.phase), tc.want, got)
		run(t, k, p)
	}
}

// What sysctls that go back to what they were do to traffic.
func TestImpactOfSysctl(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		want        model.Impact
	}{
		{"net.ipv4.ip_forward", "1", model.ImpactNone},
		{"net.ipv4.ip_forward", "0", model.ImpactDisruptive},
		{"net.ipv6.conf.all.forwarding", "0", model.ImpactDisruptive},
		{"net.ipv6.conf.eth0.disable_ipv6", "1", model.ImpactDisruptive},
		{"net.ipv6.conf.eth0.disable_ipv6", "0", model.ImpactNone},
		{"net.ipv6.conf.eth0.accept_ra", "2", model.ImpactNone},
		{"net.ipv4.conf.all.rp_filter", "1", model.ImpactBrief},
	} {
		if got := model.SysctlImpact(tc.name, tc.value); got != tc.want {
			t.Errorf("%s = %s: %s, want %s", tc.name, tc.value, got, tc.want)
		}
	}
	was := &model.State{}
	for _, saved := range []string{"0", "1"} {
		was.Put(model.Entry{Owner: model.OwnerOurs, Object: model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some("1"), Saved: model.Some(saved)}})
		p := diff.Compute(&model.State{}, was, diff.Options{})
		if want := model.SysctlImpact("net.ipv4.ip_forward", saved); p.Summary().Impact != want || len(p.Changes) != 1 {
			t.Errorf("back to %s: impact %s, want %s:\n%s", saved, p.Summary().Impact, want, text(p))
		}
	}
}

// Each kind of object that is deleted has the impact that is expected of it, in destroy.
func TestImpactOfDestroy(t *testing.T) {
	k := applied(t, classic(vxlan))
	nothing := &model.State{}
	got := map[string]model.Impact{}
	for _, c := range diff.Compute(nothing, k.Observe(nothing), diff.Options{}).Changes {
		got[c.Key().String()] = c.Impact
	}
	var harmless []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name] < model.ImpactDisruptive {
			harmless = append(harmless, name+": "+got[name].String())
		}
	}
	same(t, "less than disruptive", []string{
		"address 172.245.0.0/32 on vxlan1: brief", "fdb 02:00:00:00:01:46 on vxlan1: none", "neighbour 172.246.0.0 on vxlan1: none",
	}, harmless)
}
