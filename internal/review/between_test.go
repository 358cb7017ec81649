package review

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/fake"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// unchanged is what a reduced view counts differently.
var unchanged = regexp.MustCompile(`"unchanged": \d+`)

func document(t *testing.T, n render.NodePlan) string {
	t.Helper()
	return unchanged.ReplaceAllString(full(t, n), "")
}

func full(t *testing.T, n render.NodePlan) string {
	t.Helper()
	if n.Err != nil {
		return n.Err.Error()
	}
	var b bytes.Buffer
	if err := render.PlanJSON(&b, n.Header, n.Plan); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// To look at the peers that differ, and no others, finds the same plans, of any phase.
func TestReducedViewsAreExact(t *testing.T) {
	reduced := 0
	pairs(t, 150, func(t *testing.T, seed uint64, from, to *spec.Topology) {
		for _, phase := range []diff.Phase{diff.Whole, diff.Prepare, diff.Commit} {
			v := Versions{From: from, To: to, Options: diff.Options{LiveRename: true, Phase: phase}}
			c := compare(from, to)
			all := compare(from, to)
			all.whole = true
			for _, name := range c.names() {
				if !c.full(name) {
					reduced++
				}
				got, _ := v.plan(c, name)
				want, _ := v.plan(all, name)
				if d := cmp.Diff(document(t, want), document(t, got)); d != "" {
					t.Errorf("seed %d, phase %q, %s (-full +reduced):\n%s", seed, phase, name, d)
				}
			}
		}
	})
	if reduced < 150 {
		t.Errorf("only %d views were reduced", reduced)
	}
}

// Nodes that look alike get the plan that each would get by itself, of any phase.
func TestAlikeIsExact(t *testing.T) {
	alike := 0
	pairsBy(t, 400, generator.changeOne, func(t *testing.T, seed uint64, from, to *spec.Topology) {
		for _, phase := range []diff.Phase{diff.Whole, diff.Prepare, diff.Commit} {
			v := Versions{From: from, To: to, Options: diff.Options{LiveRename: true, Phase: phase}}
			c := compare(from, to)
			m := models{of: map[outlook]*diff.Plan{}}
			for _, name := range c.names() {
				if o, ok := c.outlookOf(name); ok && m.of[o] != nil && !m.of[o].Empty() {
					alike++
				}
				got, gotWarnings := m.plan(v, c, name)
				want, wantWarnings := v.plan(c, name)
				if d := cmp.Diff(full(t, want), full(t, got)); d != "" {
					t.Errorf("seed %d, phase %q, %s (-by itself +alike):\n%s", seed, phase, name, d)
				}
				if d := cmp.Diff(wantWarnings, gotWarnings); d != "" {
					t.Errorf("seed %d, phase %q, %s, warnings (-by itself +alike):\n%s", seed, phase, name, d)
				}
			}
		}
	})
	if alike < 200 {
		t.Errorf("only %d plans were taken from others", alike)
	}
}

// What is left out of a view is counted: where no peer differs, all that the node has
// beside what leads to peers.
func TestUnchangedCount(t *testing.T) {
	counted := 0
	pairs(t, 100, func(t *testing.T, seed uint64, from, _ *spec.Topology) {
		v := Versions{From: from, To: from}
		c := compare(from, from)
		for _, name := range c.names() {
			alone := *from
			alone.Nodes = []spec.Node{*nodeOf(from, name)}
			x, err := expand(&alone, &alone, name)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for e := range x.State.All() {
				if !e.Ref {
					want++
				}
			}
			got, _ := v.plan(c, name)
			if got.Plan.Unchanged != want || !got.Plan.Empty() {
				t.Errorf("seed %d, %s: %d unchanged; want %d", seed, name, got.Plan.Unchanged, want)
			}
			counted += want
		}
	})
	if counted < 1000 {
		t.Errorf("only %d objects were counted", counted)
	}
}

// Of many nodes, as many are planned for as can be in a few seconds; one always is.
func TestLeftOut(t *testing.T) {
	from := parsed(t, fleet(700, -1))
	to := parsed(t, []byte(strings.Replace(string(fleet(700, -1)), "backend: vxlan", "backend: {type: vxlan, vni: 7}", 1)))
	in, out := affordable(compare(from, to), compare(from, to).names())
	if len(in) != maxWhole/1400 || len(in)+len(out) != 700 {
		t.Errorf("all change: %d in, %d out", len(in), len(out))
	}
	if in, out = affordable(compare(from, to), []string{"n9"}); len(in) != 1 || len(out) != 0 {
		t.Errorf("one is asked for: %d in, %d out", len(in), len(out))
	}
	to = parsed(t, fleet(700, 3))
	if in, out = affordable(compare(from, to), compare(from, to).names()); len(in) != 700 || len(out) != 0 {
		t.Errorf("one changes: %d in, %d out", len(in), len(out))
	}
}

// When the number of subnets crosses the line beyond which metrics are spread, nothing
// changes but what is added or removed, and no node has to be compared with all.
func TestCrossingTheLine(t *testing.T) {
	few, many := parsed(t, fleet(2000, -1)), parsed(t, fleet(2001, -1))
	if few.Backend.Spread || !many.Backend.Spread {
		t.Fatal("the line is elsewhere")
	}
	for _, tc := range []struct {
		from, to *spec.Topology
		want     string
	}{
		{few, many, "+ fdb 96:55:41:c2:1b:67 on vxlan1\n+ neighbour 10.7.208.0 on vxlan1\n+ route 10.7.208.0/24 metric 1337\n"},
		{many, few, "- route 10.7.208.0/24 metric 1337\n- neighbour 10.7.208.0 on vxlan1\n- fdb 96:55:41:c2:1b:67 on vxlan1\n"},
	} {
		c := compare(tc.from, tc.to)
		if c.full("n5") {
			t.Error("a node that stays as it is would be compared with all")
		}
		n, _ := Versions{From: tc.from, To: tc.to}.plan(c, "n5")
		var got strings.Builder
		for _, c := range n.Plan.Changes {
			fmt.Fprintf(&got, "%c %s\n", c.Action, c.Key())
		}
		if d := cmp.Diff(tc.want, got.String()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

// What changes between two versions is what a plan says on a host that is as the first
// one has it.
func TestPlanIsThatOfAConvergedHost(t *testing.T) {
	changes := 0
	pairs(t, 300, func(t *testing.T, seed uint64, from, to *spec.Topology) {
		phase := []diff.Phase{diff.Whole, diff.Whole, diff.Prepare, diff.Commit}[seed%4]
		v := Versions{From: from, To: to, Options: diff.Options{LiveRename: true, Phase: phase}}
		c := compare(from, to)
		for _, name := range c.names() {
			if phase != diff.Whole && c.after[name] == nil {
				continue // destroyed, which knows no phases
			}
			got, _ := v.plan(c, name)
			if got.Err != nil {
				t.Fatalf("seed %d: %v", seed, got.Err)
			}
			changes += len(got.Plan.Changes)
			want := onHost(t, v, name)
			if d := cmp.Diff(lines(want), lines(got.Plan)); d != "" {
				t.Errorf("seed %d, %s (-host +review):\n%s", seed, name, d)
			}
		}
	})
	if changes < 1000 {
		t.Errorf("only %d changes", changes)
	}
}

// onHost applies the old version on a host of plain Go, and plans the new one there.
func onHost(t *testing.T, v Versions, name string) *diff.Plan {
	t.Helper()
	k := fake.New(model.Identity{Topology: v.To.Name, Node: name})
	for _, dev := range []string{"eth0", "eth1"} {
		k.Put(model.Link{Name: dev, Up: model.Some(true), MTU: model.Some[uint32](9000)})
	}
	putUnderlay(k, nodeOf(v.From, name), nodeOf(v.To, name))
	base, err := expand(v.From, v.To, name)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range k.Do(context.Background(), diff.Compute(base.State, k.Observe(base.State), diff.Options{}).Steps) {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	want, err := expand(v.To, v.From, name)
	if err != nil {
		t.Fatal(err)
	}
	observed := k.Observe(want.State)
	desired.Adapt(want.State, observed)
	return diff.Compute(want.State, observed, v.Options)
}

// putUnderlay gives the host the addresses of its node in both versions.
func putUnderlay(k *fake.Kernel, versions ...*spec.Node) {
	dev := "eth0"
	for _, n := range versions {
		if n != nil && n.Interface != "" {
			dev = n.Interface
		}
	}
	for _, n := range versions {
		if n == nil {
			continue
		}
		for _, a := range n.Addresses {
			bits := map[bool]int{true: 24, false: 64}[a.Is4()]
			k.Put(model.Address{Link: dev, Prefix: netip.PrefixFrom(a, bits)})
		}
	}
}

// lines are the changes and steps of a plan, without the values that only the kernel
// knows.
func lines(p *diff.Plan) string {
	var b strings.Builder
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "%s %s %s implied %v cause %s", c.Action, c.Key(), c.Impact, c.Implied, c.Cause)
		if c.Action == diff.Update || c.Action == diff.Replace {
			for _, a := range c.Differences() {
				fmt.Fprintf(&b, " %s=%s", a.Name, a.After)
			}
		}
		b.WriteByte('\n')
	}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%s %s\n", s.Op, s.Key())
	}
	fmt.Fprintf(&b, "%d conflicts, %d harmed, %d missing\n", len(p.Conflicts), len(p.Harmed), len(p.Missing))
	return b.String()
}
