package render_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// schemaOf compiles a published schema; strict refuses keys that it doesn't list, as its
// readers must not: nothing is printed that isn't documented.
func schemaOf(t *testing.T, name string, strict bool) *jsonschema.Schema {
	t.Helper()
	text, ok := schema.Text(name)
	if !ok {
		t.Fatalf("there is no schema %s", name)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if strict {
		forbidMore(doc)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func forbidMore(doc any) {
	switch x := doc.(type) {
	case map[string]any:
		if _, ok := x["properties"]; ok && x["type"] == "object" {
			x["additionalProperties"] = false
		}
		for _, v := range x {
			forbidMore(v)
		}
	case []any:
		for _, v := range x {
			forbidMore(v)
		}
	}
}

// fits ends the test unless the JSON is what the schema says.
func fits(t *testing.T, s *jsonschema.Schema, text string) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestPlanSchema(t *testing.T) {
	s := schemaOf(t, "plan", true)
	for _, c := range planCases(t) {
		p, h := c.plan(t)
		fits(t, s, written(t, render.FormatJSON, []render.NodePlan{{Header: h, Plan: p}}))
		for i := range p.Changes {
			p.Changes[i].Origin = 1 + p.Changes[i].Origin%4
		}
		h.Basis, h.Phase = "topology.yaml at main", 1
		fits(t, s, written(t, render.FormatJSON, []render.NodePlan{{Header: h, Plan: p}}))
	}
	for _, plans := range fleets(t) {
		fits(t, s, written(t, render.FormatJSON, plans))
	}
}

// What is not so is refused.
func TestPlanSchemaRefuses(t *testing.T) {
	s := schemaOf(t, "plan", false)
	c := planCases(t)[0]
	p, h := c.plan(t)
	text := written(t, render.FormatJSON, []render.NodePlan{{Header: h, Plan: p}})
	for _, spoil := range []func(map[string]any){
		func(m map[string]any) { delete(m, "steps") },
		func(m map[string]any) { m["format_version"] = "2.0" },
		func(m map[string]any) { m["changes"].([]any)[0].(map[string]any)["action"] = "burn" },
		func(m map[string]any) { m["summary"].(map[string]any)["add"] = "many" },
	} {
		var m map[string]any
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		spoil(m)
		if s.Validate(m) == nil {
			t.Error("a document that is wrong fits")
		}
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	m["later"] = true
	if err := s.Validate(m); err != nil {
		t.Errorf("a key that comes later is refused: %v", err)
	}
}
