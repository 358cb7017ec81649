package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Key is a place of the topology file: the file itself, a key of it, or what stands for
// each name of a map whose keys are names.
type Key struct {
	Path        string // nodes.NODE.bridges.BRIDGE.mtu; "" for the file
	Name        string // the last step of Path
	Free        bool   // Name is no key, but stands for names that the file's author gives
	Description string
	Forms       []string // what may stand there, in words
	Words       []string // the words that may stand there, if only some may
	Required    bool
	Default     string   // "" where none is constant
	Derived     string   // where the value comes from that the file doesn't give; "" for nowhere
	Examples    []string // in YAML
	Keys        []*Key   // in the order in which they are told; those of a list are its items'
}

// Topology returns the keys of the topology file, in a tree.
func Topology() (*Key, error) {
	text, _ := Text(TopologyName)
	var root document
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("read the topology's schema: %w", err)
	}
	return root.key(&root, &Key{})
}

// key fills in a key from what the schema says of it, with all that is below it.
func (root *document) key(d *document, k *Key) (*Key, error) {
	k.Forms = root.forms(d)
	if constant := string(d.Default); constant != "" {
		k.Default = strings.Trim(constant, `"`)
	}
	k.Description, k.Derived = d.Description, d.Derived
	examples := slices.Concat(d.Examples, d.Maps)
	for _, p := range root.parts(d) {
		if k.Description == "" {
			k.Description = p.Description
		}
		if len(examples) == 0 {
			examples = slices.Concat(p.Examples, p.Maps)
		}
		k.Words = append(k.Words, p.Enum...)
		if err := root.below(k, p); err != nil {
			return nil, err
		}
		if p.Items == nil {
			continue
		}
		if err := root.below(k, root.resolve(p.Items)); err != nil {
			return nil, err
		}
	}
	for _, e := range examples {
		text, err := yamlOf(k.Name, e)
		if err != nil {
			return nil, fmt.Errorf("read an example of %s: %w", k.Path, err)
		}
		k.Examples = append(k.Examples, text)
	}
	return k, nil
}

// below adds the keys that a part of the schema has.
func (root *document) below(k *Key, p *document) error {
	if p.Names != "" && p.Additional != nil {
		if err := root.add(k, p.Additional, &Key{Name: p.Names, Free: true}); err != nil {
			return err
		}
	}
	for _, prop := range p.Properties {
		if err := root.add(k, prop.document, &Key{Name: prop.name, Required: slices.Contains(p.Required, prop.name)}); err != nil {
			return err
		}
	}
	return nil
}

func (root *document) add(to *Key, d *document, k *Key) error {
	k.Path = k.Name
	if to.Path != "" {
		k.Path = to.Path + "." + k.Name
	}
	k, err := root.key(d, k)
	to.Keys = append(to.Keys, k)
	return err
}

// All returns the key and all keys below it, each before those below it.
func (k *Key) All() []*Key {
	l := []*Key{k}
	for _, c := range k.Keys {
		l = append(l, c.All()...)
	}
	return l
}

// Names returns the keys that may stand directly below, but for those that are free.
func (k *Key) Names() []string {
	var l []string
	for _, c := range k.Keys {
		if !c.Free {
			l = append(l, c.Name)
		}
	}
	return l
}
