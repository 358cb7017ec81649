package render_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// told tells a drawing in a line for each link: its subnets, and the hosts with their
// marks and those of the ways to them.
func told(d *render.Drawing) []string {
	symbol := func(m render.Mark) string {
		if m == 0 {
			return ""
		}
		return string(rune(m))
	}
	var l []string
	for _, link := range d.Links {
		s := strings.Join(link.Subnets, " ") + ":"
		for _, h := range link.Hosts {
			s += " " + symbol(h.Mark) + h.Name
			if h.Joint != 0 {
				s += "(" + symbol(h.Joint) + ")"
			}
		}
		if link.More > 0 {
			s += fmt.Sprintf(" and %d more, %d marked", link.More, link.Marked)
		}
		l = append(l, s)
	}
	return l
}

func expect(t *testing.T, d *render.Drawing, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, told(d)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nodes that share a subnet of either family share a link, also by way of others.
func TestDrawingLinks(t *testing.T) {
	top := parse(t, `apiVersion: netplan-overlay/v1
name: links
backend: vxlan
nodes:
  n1:  {address: [10.0.1.1, "2001:db8:1::1"]}
  n2:  {address: [10.0.2.2, "2001:db8:2::2"]}
  n10: {address: [10.0.2.3, "2001:db8:1::3"]}
  n3:  {address: [10.0.3.3, "2001:db8:3::3"]}
`)
	d := render.DrawingOf(top, nil, nil)
	expect(t, d, "10.0.1.0/24 2001:db8:1::/64 10.0.2.0/24 2001:db8:2::/64: n1 n2 n10", "10.0.3.0/24 2001:db8:3::/64: n3")
	if !d.Routed {
		t.Error("nothing joins the links")
	}
}

// What comes and goes is marked, and where the ways to it arrive; a node of which there
// is no plan says why.
func TestDrawingOfPlans(t *testing.T) {
	was := classic
	is := rewrite(t, classic, vm3, "  vm4:\n    address: 192.168.33.4\n")
	plans := plansBetween(t, was, is)
	expect(t, render.DrawingOf(parse(t, is), parse(t, was), plans),
		"192.168.32.0/24: ~vm1(~) ~vm2(~) -vm3(-)", "192.168.33.0/24: +vm4(+)")
	expect(t, render.DrawingOf(parse(t, is), nil, plans[:1]), "192.168.32.0/24: ~vm1(-) vm2", "192.168.33.0/24: vm4")
	plans[0] = render.NodePlan{Header: plans[0].Header, Err: errors.New("out of reach")}
	d := render.DrawingOf(parse(t, is), nil, plans[:1])
	expect(t, d, "192.168.32.0/24: !vm1 vm2", "192.168.33.0/24: vm4")
	if l := d.Links[0].Hosts[0].Lines; len(l) != 1 || l[0].Text != "no plan: out of reach" {
		t.Errorf("of vm1 is told %v", l)
	}
}

// Of too many hosts those are drawn first of which something changes.
func TestDrawingFold(t *testing.T) {
	was := fleet(12)
	plans := []render.NodePlan{plansBetween(t, was, rewrite(t, was, "10.100.7.1/24", "10.100.77.1/24"))[9]}
	if plans[0].Header.Node != "n7" {
		t.Fatalf("the plan is of %s", plans[0].Header.Node)
	}
	d := render.DrawingOf(parse(t, was), nil, plans)
	expect(t, d.Fold(2), "10.0.1.0/24: n1", "10.0.7.0/24: ~n7", ": and 10 more, 0 marked")
	all := plansBetween(t, was, rewrite(t, was, "10.100.7.1/24", "10.100.77.1/24"))
	expect(t, render.DrawingOf(parse(t, was), nil, all).Fold(2), "10.0.1.0/24: ~n1(±)", "10.0.7.0/24: ~n7(±)", ": and 10 more, 10 marked")
	if n := d.Fold(12).Hosts(); n != 12 {
		t.Errorf("%d of 12 hosts are drawn", n)
	}
}

// A host with more than a picture bears has the first of each kind, and a word on the
// others.
func TestDrawingFoldsParts(t *testing.T) {
	var s strings.Builder
	s.WriteString("apiVersion: netplan-overlay/v1\nname: big\nbackend: vxlan\nnodes:\n  n1:\n    address: 10.0.0.1\n    bridges: {br0: 172.16.0.1/16}\n    namespaces:\n")
	for i := range 300 {
		fmt.Fprintf(&s, "      ns%d: 172.16.%d.%d/16\n", i, i/200, i%200+2)
	}
	p := &diff.Plan{Changes: []diff.Change{{Action: diff.Delete, Before: model.Netns{Name: "ns99"}}}}
	d := render.DrawingOf(parse(t, s.String()), nil, []render.NodePlan{{Header: header("big", "n1"), Plan: p}})
	h := d.Links[0].Hosts[0]
	if n := len(h.Namespaces); n != 20 || h.Namespaces[19].Name != "ns99" {
		t.Errorf("%d namespaces are drawn, the last is %s", n, h.Namespaces[n-1].Name)
	}
	if last := h.Lines[len(h.Lines)-1].Text; last != "and 280 more namespaces" {
		t.Errorf("the last line is %q", last)
	}
}

// A way between two hosts of which both plans tell is one wire, with the objects of
// both ends.
func TestWires(t *testing.T) {
	was := rewrite(t, classic, vm3, "")
	d := render.ChangesOf(plansBetween(t, was, rewrite(t, was, "172.246.0.1/24}", "172.246.0.1/24}\n    overlay: {mac: '02:00:00:00:00:46'}")), 0)
	if len(d.Wires) != 1 || d.Wires[0] != (render.Wire{From: "vm2", To: "vm1", Mark: '±', Text: "neighbour, fdb"}) {
		t.Errorf("the wires are %+v", d.Wires)
	}
}
