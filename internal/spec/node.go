package spec

import "strings"

// shape is what kind of YAML a node is.
type shape uint8

const (
	scalar shape = iota
	list
	mapping
)

func (s shape) String() string { return [...]string{"value", "list", "map"}[s] }

// node is a place in the tree of a file. A scalar is the text that stands there;
// what YAML would take it for doesn't count.
type node struct {
	shape  shape
	text   string // of a scalar
	null   bool   // nothing stands there, or ~ or null without quotes
	items  []*node
	keys   []*node // of a mapping, with the values in items
	parent *node
	step   string // the key or index that leads here from the parent
	pos    Pos
}

// get returns the value of a key, or nil.
func (n *node) get(key string) *node {
	for i, k := range n.keys {
		if k.text == key {
			return n.items[i]
		}
	}
	return nil
}

// path returns the keys that lead to the node: nodes.vm1.bridges.br0.
func (n *node) path() string {
	var steps []string
	for ; n != nil && n.parent != nil; n = n.parent {
		steps = append(steps, n.step)
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		if b.Len() > 0 && !strings.HasPrefix(steps[i], "[") {
			b.WriteByte('.')
		}
		b.WriteString(steps[i])
	}
	return b.String()
}

// empty says whether nothing is given there.
func (n *node) empty() bool { return n.null || n.shape != scalar && len(n.items) == 0 }
