package render_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// plansBetween returns the plans of all nodes of a topology that changes, on hosts that
// are as the old one wants them.
func plansBetween(t *testing.T, was, is string) []render.NodePlan {
	t.Helper()
	top, problems := spec.Parse([]spec.Source{{Name: "topology.yaml", Data: []byte(is)}})
	if top == nil {
		t.Fatalf("topology: %v", problems)
	}
	old, _ := spec.Parse([]spec.Source{{Name: "topology.yaml", Data: []byte(was)}})
	known := map[string]bool{}
	for _, n := range old.Nodes {
		known[n.Name] = true
	}
	var l []render.NodePlan
	for _, n := range top.Nodes {
		host := bare()
		if known[n.Name] {
			host = made(t, was, n.Name)
		}
		p := diff.Compute(wantedBy(t, is, n.Name).State, host, diff.Options{LiveRename: true})
		l = append(l, render.NodePlan{Header: render.Header{Topology: top.Name, Node: n.Name}, Plan: p})
	}
	return l
}

func changeGraph(t *testing.T, plans []render.NodePlan, max int) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.ChangeGraph(&b, plans, max); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every plan that people review most has a drawing of its change.
func TestChangeGraph(t *testing.T) {
	for _, c := range planCases(t) {
		if c.topology == "" || strings.HasPrefix(c.name, "fleet-") && c.name != "fleet-cascade" || c.name == "no-changes" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			node := c.node
			if node == "" {
				node = "vm1"
			}
			p := diff.Compute(wantedBy(t, c.topology, node).State, c.host(t), c.opts)
			got := changeGraph(t, []render.NodePlan{{Header: header("classic", node), Plan: p}}, 0)
			golden(t, "change-"+c.name+".mmd", got)
		})
	}
}

// A node more in a fleet changes a line of each other node: that is one box.
func TestChangeGraphOfAFleet(t *testing.T) {
	const n = 30
	was, is := fleet(n), fleet(n+1)
	golden(t, "change-fleet-node-added.mmd", changeGraph(t, plansBetween(t, was, is), 0))
	all := changeGraph(t, plansBetween(t, rewrite(t, was, "vxlan", "{type: vxlan, vni: 7}"), was), 0)
	golden(t, "change-fleet-vni.mmd", all)
	if !strings.Contains(all, "more hosts that change") {
		t.Error("nothing says how many hosts are not drawn")
	}
}

// However much changes, the drawing keeps what GitHub takes.
func TestChangeGraphIsBounded(t *testing.T) {
	var plans []render.NodePlan
	for i := range 200 {
		p := &diff.Plan{}
		for j := range 30 {
			p.Changes = append(p.Changes, diff.Change{Action: diff.Create, After: model.Link{
				Name: fmt.Sprintf("br%d-%d", i, j), Type: model.Some(model.TypeBridge),
			}})
			p.Changes = append(p.Changes, diff.Change{Action: diff.Create, After: model.Netns{Name: strings.Repeat(`"<`, 100) + fmt.Sprint(j)}})
		}
		plans = append(plans, render.NodePlan{Header: header("x", fmt.Sprintf("n%d", i)), Plan: p})
	}
	got := changeGraph(t, plans, 1_000)
	if len(got) > 50_000 {
		t.Errorf("%d bytes", len(got))
	}
}
