package render

import (
	"io"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
)

// planDocument is the plan as JSON. No part of it depends on colour or width, and no
// list is null.
type planDocument struct {
	FormatVersion string             `json:"format_version"`
	Topology      string             `json:"topology"`
	Node          string             `json:"node"`
	Phase         diff.Phase         `json:"phase,omitempty"` // of a change in phases
	Basis         string             `json:"basis,omitempty"` // what stands for the host, where nobody looked at it
	Changes       []changeDocument   `json:"changes"`
	Steps         []stepDocument     `json:"steps"` // what apply executes, in this order
	Conflicts     []conflictDocument `json:"conflicts"`
	Harmed        []harmDocument     `json:"harmed"`
	Missing       []missingDocument  `json:"missing"`
	Management    []touchDocument    `json:"management"` // what may cut the management connection
	Summary       summaryDocument    `json:"summary"`
}

type changeDocument struct {
	Action string `json:"action"`
	objectName
	Attributes []attributeDocument `json:"attributes"`
	Impact     model.Impact        `json:"impact"`
	Reason     string              `json:"reason"`
	Origin     diff.Origin         `json:"origin,omitempty"`  // spec, drift, orphan, cascade; absent where it is not known
	Cause      string              `json:"cause,omitempty"`   // the object whose change forces this one
	Implied    bool                `json:"implied,omitempty"` // the kernel does it by itself, with the cause
	Intent     string              `json:"intent"`
	Source     string              `json:"source"`
}

// attributeDocument is a difference; null is on the side where there is no object.
type attributeDocument struct {
	Name   string  `json:"name"`
	Before *string `json:"before"`
	After  *string `json:"after"`
	Fixed  bool    `json:"fixed,omitempty"` // forces a replacement
}

type stepDocument struct {
	Op     string `json:"op"`
	Object string `json:"object"`
}

type conflictDocument struct {
	objectName
	Found      objectName          `json:"found"`
	Owner      model.Owner         `json:"owner"`
	Maker      string              `json:"maker"`
	Adoptable  bool                `json:"adoptable"`
	Attributes []attributeDocument `json:"attributes"`
	WaysOut    []string            `json:"ways_out"`
	Intent     string              `json:"intent"`
	Source     string              `json:"source"`
}

type harmDocument struct {
	objectName
	Maker string `json:"maker"`
	Cause string `json:"cause"`
}

type touchDocument struct {
	Action string `json:"action"`
	objectName
	Cause  string `json:"cause,omitempty"` // the object whose change does it
	Reason string `json:"reason"`
}

type missingDocument struct {
	objectName
	Intent string `json:"intent"`
	Source string `json:"source"`
}

type summaryDocument struct {
	Add       int          `json:"add"`
	Change    int          `json:"change"`
	Replace   int          `json:"replace"`
	Destroy   int          `json:"destroy"`
	Adopt     int          `json:"adopt"`
	Unchanged int          `json:"unchanged"`
	Impact    model.Impact `json:"impact"`
}

// PlanJSON writes the plan for machines.
func PlanJSON(w io.Writer, h Header, p *diff.Plan) error {
	return writeJSON(w, planOf(h, p))
}

// plansDocument is the plans of several nodes.
type plansDocument struct {
	FormatVersion string             `json:"format_version"`
	Nodes         []nodePlanDocument `json:"nodes"`
}

// nodePlanDocument is the plan of a node, or why there is none.
type nodePlanDocument struct {
	Node  string        `json:"node"`
	Plan  *planDocument `json:"plan"`
	Error string        `json:"error,omitempty"`
}

// plansJSON writes the plans of several nodes for machines.
func plansJSON(w io.Writer, plans []NodePlan) error {
	d := plansDocument{FormatVersion: FormatVersion, Nodes: []nodePlanDocument{}}
	for _, n := range plans {
		x := nodePlanDocument{Node: n.Header.Node}
		if n.Err != nil {
			x.Error = n.Err.Error()
		} else {
			p := planOf(n.Header, n.Plan)
			x.Plan = &p
		}
		d.Nodes = append(d.Nodes, x)
	}
	return writeJSON(w, d)
}

func planOf(h Header, p *diff.Plan) planDocument {
	s := p.Summary()
	d := planDocument{
		FormatVersion: FormatVersion, Topology: h.Topology, Node: h.Node, Phase: h.Phase, Basis: h.Basis,
		Changes: []changeDocument{}, Steps: []stepDocument{},
		Conflicts: []conflictDocument{}, Harmed: []harmDocument{}, Missing: []missingDocument{}, Management: []touchDocument{},
		Summary: summaryDocument{s.Add, s.Change, s.Replace, s.Destroy, s.Adopt, p.Unchanged, s.Impact},
	}
	for _, c := range pointers(withIntents(p.Changes)) {
		d.Changes = append(d.Changes, changeOf(c))
	}
	for _, s := range p.Steps {
		d.Steps = append(d.Steps, stepDocument{s.Op.String(), s.Key().String()})
	}
	for i := range p.Conflicts {
		d.Conflicts = append(d.Conflicts, conflictOf(&p.Conflicts[i]))
	}
	for _, x := range p.Harmed {
		d.Harmed = append(d.Harmed, harmDocument{nameOf(x.Object), x.Maker, x.Cause.String()})
	}
	for _, e := range p.Missing {
		d.Missing = append(d.Missing, missingDocument{nameOf(e.Object), e.Intent, e.Source})
	}
	for _, x := range p.Touched {
		d.Management = append(d.Management, touchOf(x))
	}
	return d
}

func touchOf(x diff.Touch) touchDocument {
	d := touchDocument{Action: x.Action.String(), objectName: nameOf(x.Object), Reason: x.Why}
	if x.Cause != (model.Key{}) {
		d.Cause = x.Cause.String()
	}
	return d
}

func changeOf(c *diff.Change) changeDocument {
	d := changeDocument{
		Action: c.Action.String(), objectName: nameOf(c.Object()), Attributes: attributesOf(c),
		Impact: c.Impact, Reason: reason(c), Origin: c.Origin, Implied: c.Implied, Intent: c.Intent, Source: c.Source,
	}
	if c.Cause != nil {
		d.Cause = c.Cause.String()
	}
	return d
}

// attributesOf lists what differs; of an object that is made or removed, all that is
// specified.
func attributesOf(c *diff.Change) []attributeDocument {
	switch c.Action {
	case diff.Create:
		return specified(c.After, func(a *attributeDocument, v *string) { a.After = v })
	case diff.Delete:
		return specified(c.Before, func(a *attributeDocument, v *string) { a.Before = v })
	}
	return differences(c.Object().Key().Kind, c.Differences())
}

func specified(o model.Object, set func(*attributeDocument, *string)) []attributeDocument {
	l := []attributeDocument{}
	for _, a := range o.Attrs() {
		v := attrWord(o.Key().Kind, a.Name, a.Value)
		d := attributeDocument{Name: a.Name}
		set(&d, &v)
		l = append(l, d)
	}
	return l
}

func differences(k model.Kind, changes []model.AttrChange) []attributeDocument {
	l := []attributeDocument{}
	for _, a := range changes {
		before, after := attrWord(k, a.Name, a.Before), attrWord(k, a.Name, a.After)
		l = append(l, attributeDocument{a.Name, &before, &after, a.Fixed})
	}
	return l
}

func conflictOf(c *diff.Conflict) conflictDocument {
	return conflictDocument{
		objectName: nameOf(c.Want), Found: nameOf(c.Got), Owner: c.Owner, Maker: maker(c), Adoptable: c.Adoptable,
		Attributes: differences(c.Want.Key().Kind, c.Attrs), WaysOut: waysOut(c), Intent: c.Intent, Source: c.Source,
	}
}
