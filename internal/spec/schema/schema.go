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
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), suffix))
	}
	names = append(names, PartName)
	slices.Sort(names)
	var l []Named
	for _, name := range names {
		b, _ := Text(name)
		n := Named{Name: name}
		if err := json.Unmarshal(b, &n); err != nil { // only its title
			return nil, fmt.Errorf("read the schema %s: %w", n.Name, err)
		}
		l = append(l, n)
	}
	return l, nil
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
