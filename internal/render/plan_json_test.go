package render_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// document is a JSON plan as a reader who has the documentation alone would take it.
type document struct {
	FormatVersion string `json:"format_version"`
	Topology      string `json:"topology"`
	Node          string `json:"node"`
	Changes       []struct {
		Action     string      `json:"action"`
		Kind       string      `json:"kind"`
		Namespace  *string     `json:"namespace"`
		Name       string      `json:"name"`
		Attributes []attribute `json:"attributes"`
		Impact     string      `json:"impact"`
		Reason     string      `json:"reason"`
		Cause      string      `json:"cause"`
		Implied    bool        `json:"implied"`
		Intent     string      `json:"intent"`
		Source     *string     `json:"source"`
	} `json:"changes"`
	Steps []struct {
		Op     string `json:"op"`
		Object string `json:"object"`
	} `json:"steps"`
	Conflicts []struct {
		Kind       string          `json:"kind"`
		Namespace  *string         `json:"namespace"`
		Name       string          `json:"name"`
		Found      json.RawMessage `json:"found"`
		Owner      string          `json:"owner"`
		Maker      string          `json:"maker"`
		Adoptable  *bool           `json:"adoptable"`
		Attributes []attribute     `json:"attributes"`
		WaysOut    []string        `json:"ways_out"`
		Intent     string          `json:"intent"`
		Source     string          `json:"source"`
	} `json:"conflicts"`
	Harmed []struct {
		Kind, Namespace, Name, Maker, Cause string
	} `json:"harmed"`
	Missing []struct {
		Kind, Namespace, Name, Intent, Source string
	} `json:"missing"`
	Management []struct {
		Action, Kind, Namespace, Name, Cause, Reason string
	} `json:"management"`
	Summary struct {
		Add, Change, Replace, Destroy, Adopt, Unchanged int
		Impact                                          string
	} `json:"summary"`
}

type attribute struct {
	Name   string  `json:"name"`
	Before *string `json:"before"`
	After  *string `json:"after"`
	Fixed  bool    `json:"fixed"`
}

func (c *planCase) json(t *testing.T) []byte {
	t.Helper()
	p, h := c.plan(t)
	var b bytes.Buffer
	if err := render.PlanJSON(&b, h, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// strict reads all of a document, and accepts nothing that the reader doesn't know.
func strict(t *testing.T, b []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
}

func TestPlanJSON(t *testing.T) {
	for _, name := range []string{"create", "no-changes", "peer-mac", "port", "drift", "adopt", "conflict-fixed", "harm", "management", "missing"} {
		t.Run(name, func(t *testing.T) {
			golden(t, "plan-"+name+".json", string(caseNamed(t, name).json(t)))
		})
	}
}

// Whatever the plan, its document says the same as the plan, and nothing is null
// that a reader would have to ask for.
func TestPlanJSONReads(t *testing.T) {
	for _, c := range planCases(t) {
		t.Run(c.name, func(t *testing.T) {
			p, h := c.plan(t)
			b := c.json(t)
			var d document
			strict(t, b, &d)
			if d.FormatVersion != "1.0" || d.Topology != h.Topology || d.Node != h.Node {
				t.Errorf("the head is %q %q %q", d.FormatVersion, d.Topology, d.Node)
			}
			for list, isNull := range map[string]bool{
				"changes": d.Changes == nil, "steps": d.Steps == nil, "conflicts": d.Conflicts == nil,
				"harmed": d.Harmed == nil, "missing": d.Missing == nil, "management": d.Management == nil,
			} {
				if isNull {
					t.Errorf("%s is null", list)
				}
			}
			if bytes.Contains(b, []byte(`\u001b`)) {
				t.Error("the document has escape sequences")
			}
			if !bytes.Equal(b, c.json(t)) {
				t.Error("a second document of the same plan differs")
			}
			d.checkCounts(t, p)
			d.checkChanges(t)
		})
	}
}

func (d *document) checkCounts(t *testing.T, p *diff.Plan) {
	t.Helper()
	counted := map[string]int{}
	for _, c := range d.Changes {
		counted[c.Action]++
	}
	s := d.Summary
	want := map[string]int{"create": s.Add, "update": s.Change, "replace": s.Replace, "delete": s.Destroy, "adopt": s.Adopt}
	for action, n := range want {
		if counted[action] != n {
			t.Errorf("the summary counts %d of %s, the list %d", n, action, counted[action])
		}
	}
	got := []int{len(d.Changes), len(d.Steps), len(d.Conflicts), len(d.Harmed), len(d.Missing), len(d.Management), s.Unchanged}
	if diff := cmp.Diff([]int{len(p.Changes), len(p.Steps), len(p.Conflicts), len(p.Harmed), len(p.Missing), len(p.Touched), p.Unchanged}, got); diff != "" {
		t.Errorf("changes, steps, conflicts, harmed, missing, management, unchanged (-want +got):\n%s", diff)
	}
	if s.Impact != p.Summary().Impact.String() {
		t.Errorf("impact %q, want %q", s.Impact, p.Summary().Impact)
	}
}

func (d *document) checkChanges(t *testing.T) {
	t.Helper()
	for _, c := range d.Changes {
		what := c.Action + " " + c.Kind + " " + c.Name
		if c.Kind == "" || c.Name == "" || c.Reason == "" || c.Intent == "" || c.Namespace == nil || c.Source == nil || c.Attributes == nil {
			t.Errorf("%s: something is missing: %+v", what, c)
		}
		if !slices.Contains([]string{"none", "brief", "disruptive"}, c.Impact) {
			t.Errorf("%s: impact %q", what, c.Impact)
		}
		for _, a := range c.Attributes {
			if a.Name == "" || (a.Before == nil) != (c.Action == "create") || (a.After == nil) != (c.Action == "delete") {
				t.Errorf("%s: attribute %+v", what, a)
			}
		}
	}
	for _, c := range d.Conflicts {
		if c.Maker == "" || c.Owner == "" || c.Adoptable == nil || len(c.WaysOut) == 0 || c.Attributes == nil || c.Source == "" {
			t.Errorf("conflict of %s %s: something is missing: %+v", c.Kind, c.Name, c)
		}
	}
}
