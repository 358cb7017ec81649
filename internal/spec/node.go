package spec

import (
	"iter"
	"strconv"
	"strings"
)

// shape is what kind of YAML a node is.
type shape uint8

const (
	scalar shape = iota
	list
	mapping
)

func (s shape) String() string { return [...]string{"value", "list", "map"}[s] }

// node is a place in the tree of the files; the zero node is nowhere. A scalar is the
// text that stands there; what YAML would take it for doesn't count.
type node struct {
	tree *tree
	i    uint32
}

func (n node) given() bool { return n.tree != nil }

func (n node) cell() *cell { return n.tree.at(n.i) }

func (n node) shape() shape { return shape(n.cell().kind & shapeMask) }

// null says whether nothing stands there, or ~ or null without quotes.
func (n node) null() bool { return n.cell().kind&nullBit != 0 }

// empty says whether nothing is given there.
func (n node) empty() bool { return n.null() || n.shape() != scalar && n.cell().in == 0 }

// text returns what stands there; "" for a list or a map.
func (n node) text() string {
	c, f := n.cell(), n.tree.fileOf(n.i)
	switch {
	case c.kind&shapeMask != uint32(scalar):
		return ""
	case f.texts != nil:
		return f.texts[c.in]
	}
	return f.text[c.in : c.in+c.size]
}

func (n node) pos() Pos {
	c := n.cell()
	return Pos{File: n.tree.fileOf(n.i).name, Line: int(c.line), Column: int(c.column)}
}

// entries are the keys of a map, with their values.
func (n node) entries() iter.Seq2[node, node] {
	return func(yield func(key, value node) bool) {
		if n.shape() != mapping {
			return
		}
		for i := n.cell().in; i != 0; {
			next := n.tree.at(i).next // a merge may move the entry
			if k := (node{n.tree, i}); !yield(k, k.value()) {
				return
			}
			i = next
		}
	}
}

// value returns the value of a key.
func (n node) value() node { return node{n.tree, n.i + 1} }

// items are those of a list.
func (n node) items() iter.Seq[node] {
	return func(yield func(node) bool) {
		if n.shape() != list {
			return
		}
		for i := n.cell().in; i != 0; i = n.tree.at(i).next {
			if !yield(node{n.tree, i}) {
				return
			}
		}
	}
}

// get returns the value of a key, or nowhere.
func (n node) get(key string) node {
	for k, v := range n.entries() {
		if k.text() == key {
			return v
		}
	}
	return node{}
}

// path returns the keys that lead to the node: nodes.vm1.bridges.br0.
func (n node) path() string {
	var steps []string
	for i := n.i; i != 0; {
		up := n.tree.at(i).up
		if up == 0 {
			break
		}
		switch in := (node{n.tree, up}); in.shape() {
		case mapping:
			steps = append(steps, node{n.tree, i}.text())
		case list:
			steps = append(steps, "["+strconv.Itoa(int(n.tree.at(i).kind>>indexShift))+"]")
		}
		i = up
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
