package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// switchLoss is what was lost while two hosts were switched from one backend to another.
type switchLoss struct {
	From, To string
	Way      string
	Runs     [][]loss
	conditions
}

// carrier is a way to carry packets between two hosts.
type carrier struct {
	name    string
	backend string
	edit    []string // texts of the topology and what stands there instead
	ipip    bool
}

// carriers are what is switched between; MTUs are derived.
var carriers = []carrier{
	{name: "host-gw", backend: "host-gw"},
	{name: "vxlan", backend: "vxlan"},
	{name: "vxlan, another VNI", backend: "{type: vxlan, vni: 2}"},
	{name: "vxlan, another port", backend: "{type: vxlan, port: 4789}"},
	{name: "vxlan, direct routes", backend: "{type: vxlan, directRouting: true}"},
	{name: "vxlan over IPv6", backend: "vxlan", edit: []string{"192.168.32.1, ", "", "192.168.32.2, ", ""}},
	{name: "ipip", backend: "ipip", ipip: true},
	{name: "ipip, a device a peer", backend: "{type: ipip, mode: per-peer}", ipip: true},
}

// topology has the two nodes joined by the carrier.
func (c carrier) topology() string {
	text := measuredTopology(c.backend, func(int) string { return "" })
	if c.ipip {
		text = withoutIPv6.Replace(text)
	}
	return strings.NewReplacer(append(c.edit, ", mtu: 1400", "")...).Replace(text)
}

// withoutIPv6 takes away what ipip does not carry.
var withoutIPv6 = strings.NewReplacer(`, "fd01::1/64"`, "", `, "fd01::2/64"`, "", `, "fd02::1/64"`, "", `, "fd02::2/64"`, "",
	`, {to: "::/0", via: "fd01::1"}`, "", `, {to: "::/0", via: "fd02::1"}`, "")

// ways are how two hosts can be switched: each round is a command that is run on one host
// after the other, before the next one begins.
var ways = []struct {
	name   string
	rounds [][]string
	anew   bool // the namespaces are made anew
	most   int  // packets that may be lost; below zero: any number
}{
	{name: "apply", rounds: [][]string{{"apply"}}, most: -1},
	{name: "destroy and apply", rounds: [][]string{{"destroy"}, {"apply"}}, anew: true, most: -1},
	{name: "phases", rounds: [][]string{{"apply", "--phase", "prepare"}, {"apply", "--phase", "commit"}, {"apply"}}, most: 2}, // of the large ones, to learn of a smaller path MTU
}

// TestSwitching switches two hosts from each backend to each other while packets flow.
// Without runsVar it is a sample of what must not lose anything. Others may: where the new
// device cannot stand beside the old one, phases don't help.
func TestSwitching(t *testing.T) {
	runs := impactRuns()
	inVM := slow()
	for _, from := range carriers {
		for _, to := range carriers {
			sample := from.name == "vxlan" && to.name == "host-gw" // TestPhases has the others, without large packets
			if from.name == to.name || (from.ipip || to.ipip) != inVM || runs == 0 && !sample || inVM && strings.Contains(from.name+to.name, "vxlan, ") {
				continue
			}
			for _, way := range ways {
				if runs == 0 && way.most < 0 {
					continue
				}
				t.Run(from.name+" to "+to.name+" by "+way.name, func(t *testing.T) {
					p := ourPace()
					s := switchLoss{From: from.name, To: to.name, Way: way.name, conditions: p.conditions(t)}
					for range max(runs, 1) {
						s.Runs = append(s.Runs, switchOnce(t, p, from, to, way.rounds, way.anew))
					}
					t.Log(s.Runs)
					for _, l := range slices.Concat(s.Runs...) {
						if sample && way.most >= 0 && l.Lost > way.most {
							t.Errorf("lost on the way: %v", l)
						}
					}
					if runs > 0 {
						tell(t, s)
					}
				})
			}
		}
	}
}

// switchOnce switches two hosts and returns what was lost.
func switchOnce(t *testing.T, p pace, from, to carrier, rounds [][]string, anew bool) []loss {
	t.Helper()
	w := measuredWorld(t, 2)
	file := w.file("topology.yaml", from.topology())
	for _, h := range w.hosts {
		h.apply(file)
	}
	one := end{w.hosts[0], "web1", netip.MustParseAddr("10.1.0.2")}
	two := end{w.hosts[1], "web2", netip.MustParseAddr("10.2.0.2")}
	l := w.bothWays(p, "IPv4", one, two, 1500)
	defer l.stop()
	next := w.file("next.yaml", to.topology())
	losses := l.during(t, func() {
		for _, round := range rounds {
			for _, h := range w.hosts {
				if r := h.tool(append(slices.Clone(round), "-f", next, "--auto-approve")...); r.code != exitOK {
					t.Fatalf("%s: %v: exit code %d\n%s%s", h.name, round, r.code, r.out, r.err)
				}
			}
		}
		for _, f := range l {
			if anew {
				f.open(t)
			}
		}
	})
	for _, h := range w.hosts {
		h.converged(next)
	}
	for _, x := range losses {
		if x.Dead {
			t.Errorf("the way is closed after the switch: %v", x)
		}
	}
	return losses
}
