package render_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

func parse(t *testing.T, text string) *spec.Topology {
	t.Helper()
	top, problems := spec.Parse([]spec.Source{{Name: "topology.yaml", Data: []byte(text)}})
	if top == nil {
		t.Fatalf("topology: %v", problems)
	}
	return top
}

func graph(t *testing.T, f render.GraphFormat, d *render.Drawing, hosts int) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Graph(&b, f, d, hosts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// drawings are what the golden files show.
func drawings(t *testing.T) map[string]*render.Drawing {
	l := map[string]*render.Drawing{}
	examples, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		l[strings.TrimSuffix(filepath.Base(path), ".yaml")] = render.DrawingOf(parse(t, string(text)), nil, nil)
	}
	l["changes"] = render.DrawingOf(parse(t, changedCampus(t)), parse(t, campus(t)), changesOfEachKind(t))
	return l
}

// changesOfEachKind are the plans for a changed campus, with a device that is made anew
// and a namespace that is taken over.
func changesOfEachKind(t *testing.T) []render.NodePlan {
	plans := plansBetween(t, campus(t), changedCampus(t))
	vtep, cache := model.Link{Name: "vxlan42", Type: model.Some(model.TypeVXLAN)}, model.Netns{Name: "cache"}
	for _, p := range plans {
		switch p.Header.Node {
		case "rack2":
			p.Plan.Changes = append(p.Plan.Changes, diff.Change{Action: diff.Replace, Before: vtep, After: vtep, Intent: "overlay vxlan42"})
		case "rack3":
			p.Plan.Changes = append(p.Plan.Changes, diff.Change{Action: diff.Adopt, Before: cache, After: cache, Intent: "namespace cache"})
		}
	}
	return plans
}

func campus(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../examples/campus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// changedCampus is the example with a change of each kind.
func changedCampus(t *testing.T) string {
	return rewrite(t, campus(t),
		"      db:  [10.42.1.20/24, fd42:0:0:1::20/64]\n", "      mail: [10.42.1.30/24, fd42:0:0:1::30/64]\n",
		"10.42.2.10/24, fd42:0:0:2::10/64", "10.42.2.11/24, fd42:0:0:2::10/64",
		"mtu: 1400", "mtu: 1300",
		"host: vethfw1", "host: vethfw9",
	) + "  rack4:\n    address: [10.0.7.14, 2001:db8:0:7::14]\n    bridges: {br0: [10.42.4.1/24, fd42:0:0:4::1/64]}\n"
}

func TestGraph(t *testing.T) {
	for name, d := range drawings(t) {
		for _, f := range render.GraphFormats() {
			golden(t, fmt.Sprintf("graph-%s.%s", name, suffix(f)), graph(t, f, d, 0))
		}
	}
}

func suffix(f render.GraphFormat) string {
	if f == render.GraphMermaid {
		return "mmd"
	}
	return string(f)
}
