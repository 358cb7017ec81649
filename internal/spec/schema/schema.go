// Package schema holds the JSON Schemas (draft-07) of what the program reads and prints,
// and explains the keys of the topology file from its schema. It performs no I/O.
//
// Editors and people are told from one source: beside the keywords of JSON Schema, the
// topology's has "x-derived", what a key's value is where the file gives none; "x-names",
// what stands for the names that a map's keys are; "x-form", what may stand there, in words
// (else that is the title); and "x-examples", examples that editors should not
// offer: maps, which they would insert as a whole, and further ones.
package schema

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// files are the schemas: one that is put here is printed by the command schema.
//
//go:embed *.schema.json
var files embed.FS

const suffix = ".schema.json"

// TopologyName is the name of the topology file's schema. PartName is that of the same one
// for a file that is merged with others: what the topology must have may stand there.
const (
	TopologyName = "topology"
	PartName     = "topology-part"
)

// What differs in the schema of a part.
const (
	topologyTitle = `"title": "the topology file",`
	partTitle     = `"title": "a file of several that are merged into a topology",`
	musts         = `"required": ["apiVersion", "name", "backend", "nodes"],` + "\n  "
)

// Named is a schema's name and title.
type Named struct{ Name, Title string }

// List returns the schemas by name.
func List() ([]Named, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list the schemas: %w", err)
	}
	l := []Named{{Name: PartName}}
	for _, e := range entries {
		l = append(l, Named{Name: strings.TrimSuffix(e.Name(), suffix)})
	}
	slices.SortFunc(l, func(a, b Named) int { return strings.Compare(a.Name, b.Name) })
	for i := range l {
		text, _ := Text(l[i].Name)
		if l[i].Title, err = titleOf(text); err != nil {
			return nil, fmt.Errorf("read the title of the schema %s: %w", l[i].Name, err)
		}
	}
	return l, nil
}

// titleOf reads a schema up to its title, which stands near its beginning: every command
// has the list in its help.
func titleOf(text []byte) (title string, err error) {
	found := errors.New("that is all")
	err = eachMember(text, func(name string, value json.RawMessage) error {
		if name != "title" {
			return nil
		}
		return errors.Join(json.Unmarshal(value, &title), found)
	})
	if title != "" && errors.Is(err, found) {
		return title, nil
	}
	return "", errors.Join(errors.New("there is none"), err)
}

// Text returns a schema as it is printed; ok is false where there is none of the name.
func Text(name string) (text []byte, ok bool) {
	if name == PartName {
		b, ok := Text(TopologyName)
		b = bytes.Replace(b, []byte(topologyTitle), []byte(partTitle), 1)
		return bytes.Replace(b, []byte(musts), nil, 1), ok
	}
	b, err := files.ReadFile(name + suffix)
	return b, err == nil
}
