package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// document is a schema, or a part of one: as much of it as explaining takes.
type document struct {
	Ref         string               `json:"$ref"`
	Title       string               `json:"title"`
	Form        string               `json:"x-form"`
	Description string               `json:"description"`
	Enum        []string             `json:"enum"`
	Default     json.RawMessage      `json:"default"`
	Derived     string               `json:"x-derived"`
	Names       string               `json:"x-names"`
	Examples    []json.RawMessage    `json:"examples"`
	Maps        []json.RawMessage    `json:"x-examples"`
	Required    []string             `json:"required"`
	Properties  properties           `json:"properties"`
	Additional  *document            `json:"additionalProperties"`
	Items       *document            `json:"items"`
	AnyOf       []*document          `json:"anyOf"`
	AllOf       []*document          `json:"allOf"`
	Definitions map[string]*document `json:"definitions"`
}

// UnmarshalJSON reads a schema; true and false are schemas, too, that say nothing here.
func (d *document) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return nil
	}
	type plain document // without this method
	return json.Unmarshal(b, (*plain)(d))
}

// properties are those of a map, in the order of the schema.
type properties []property

type property struct {
	name string
	*document
}

// UnmarshalJSON keeps the order, which a map of Go's would lose.
func (p *properties) UnmarshalJSON(b []byte) error {
	return eachMember(b, func(name string, value json.RawMessage) error {
		var d document
		if err := json.Unmarshal(value, &d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*p = append(*p, property{name, &d})
		return nil
	})
}

// eachMember calls f with the members of a JSON object, in their order.
func eachMember(b []byte, f func(name string, value json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("no object"), err)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if err := f(fmt.Sprint(name), value); err != nil {
			return err
		}
	}
	return nil
}

// resolve follows a reference to a definition of the root.
func (root *document) resolve(d *document) *document {
	if name, ok := strings.CutPrefix(d.Ref, "#/definitions/"); ok {
		if to := root.Definitions[name]; to != nil {
			return to
		}
	}
	return d
}

// parts returns a schema and all that it consists of or may be, as they are written.
func (root *document) parts(d *document) []*document {
	d = root.resolve(d)
	l := []*document{d}
	for _, p := range d.AllOf {
		l = append(l, root.parts(p)...)
	}
	for _, p := range d.AnyOf {
		l = append(l, root.parts(p)...)
	}
	return l
}

// forms says in words what may stand at a place: each alternative by its form, words or
// title.
func (root *document) forms(d *document) []string {
	d = root.resolve(d)
	switch {
	case d.Form != "":
		return []string{d.Form}
	case len(d.Enum) > 0:
		return []string{either(d.Enum)}
	case d.Title != "":
		return []string{d.Title}
	}
	var l []string
	for _, p := range append(d.AllOf, d.AnyOf...) {
		l = append(l, root.forms(p)...)
	}
	return l
}

// either joins words to "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
