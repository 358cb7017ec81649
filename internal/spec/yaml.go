package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// MaxFile is how long a file may be, in bytes.
const MaxFile = 16 << 20

// More limits of a file; they keep a small one from taking much time or memory.
const (
	maxDepth   = 64     // levels of lists and maps
	maxAliased = 10_000 // nodes that aliases stand for, all together
)

// parse turns a file into a tree. It returns nowhere where the text isn't YAML at all;
// what is merely not allowed is told, and left out.
func (d *decoder) parse(s Source) node {
	if len(s.Data) > MaxFile {
		d.at(codeTooLarge, Pos{File: s.Name, Line: 1, Column: 1}, "the file has %d bytes, more than the %d MiB that are allowed", len(s.Data), MaxFile>>20)
		return node{}
	}
	if !d.readable(s) {
		return node{}
	}
	if !d.slow {
		if n, ok := d.tree.plain(s); ok {
			return n
		}
	}
	docs, err := documents(s.Data)
	if err != nil {
		d.syntax(s, err)
		return node{}
	}
	if len(docs) == 0 || nothing(docs[0]) {
		d.at(codeEmpty, Pos{File: s.Name, Line: 1, Column: 1}, "the file is empty")
		return node{}
	}
	if len(docs) > 1 {
		d.at(codeSecondDocument, Pos{File: s.Name, Line: docs[1].Line, Column: docs[1].Column}, "a second YAML document begins here; a file has one: put it into a file of its own")
		return node{}
	}
	texts := make([]string, 1, 1+scalars(docs[0]))
	d.tree.open(file{name: s.Name, texts: texts})
	return node{d.tree, (&treeMaker{decoder: d}).make(docs[0].Content[0], 0, 0, 0)}
}

// nothing says whether a document is empty but for its marker ("---"): yaml.v3 puts its
// null behind the end of the file.
func nothing(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].Value == "" && doc.Content[0].Style == 0
}

// readable tells bytes that aren't UTF-8, which a YAML parser explains badly.
func (d *decoder) readable(s Source) bool {
	if utf8.Valid(s.Data) {
		return true
	}
	for i, line := range linesOf(s.Data) {
		if !utf8.Valid(line) {
			d.at(codeNotUTF8, Pos{File: s.Name, Line: i + 1, Column: 1}, "this line is not UTF-8 text")
			break
		}
	}
	return false
}

// documents parses the first two documents of a file.
func documents(data []byte) (docs []*yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // yaml.v3 has panicked on hostile input before
			docs, err = nil, fmt.Errorf("yaml: not readable as YAML: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for len(docs) < 2 {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, &doc)
	}
	return docs, nil
}

// scalars counts those of a tree, but for what aliases stand for.
func scalars(y *yaml.Node) int {
	if y.Kind == yaml.ScalarNode {
		return 1
	}
	n := 0
	for _, child := range y.Content {
		n += scalars(child)
	}
	return n
}

// treeMaker copies yaml.v3's tree into ours, with aliases expanded.
type treeMaker struct {
	decoder *decoder
	aliased int  // nodes made for aliases
	inAlias int  // levels of aliases that we are in
	stopped bool // a limit was exceeded, and told
}

// make returns the cell that it has made for a node, which is at an index of a list, or
// else is whatever.
func (t *treeMaker) make(y *yaml.Node, up uint32, index, depth int) uint32 {
	tree := t.decoder.tree
	i := tree.add(cell{line: uint32(y.Line), column: uint32(y.Column), up: up, kind: uint32(index << indexShift)})
	n := node{tree, i}
	if t.limited(n, depth) {
		n.cell().kind |= nullBit
		return i
	}
	if y.Style&yaml.TaggedStyle != 0 && y.Kind != yaml.AliasNode {
		t.decoder.errorf(codeNotSupported, n, "", "the tag %s has no meaning here", y.Tag)
	}
	switch y.Kind {
	case yaml.AliasNode:
		tree.removeLast() // a value follows its key
		t.inAlias++
		i = t.make(y.Alias, up, index, depth+1)
		t.inAlias--
		c := tree.at(i)
		c.line, c.column = uint32(y.Line), uint32(y.Column)
	case yaml.ScalarNode:
		tree.setText(i, y.Value)
		if y.Tag == "!!null" && y.Style == 0 {
			n.cell().kind |= nullBit
		}
	case yaml.SequenceNode:
		n.cell().kind |= uint32(list)
		last := uint32(0)
		for j, item := range y.Content {
			child := t.make(item, i, j, depth+1)
			tree.append(i, last, child)
			last = child
		}
	case yaml.MappingNode:
		n.cell().kind |= uint32(mapping)
		t.mapping(y, n, depth)
	}
	return i
}

// limited counts, and says once where a limit is exceeded.
func (t *treeMaker) limited(n node, depth int) bool {
	if t.inAlias > 0 {
		t.aliased++
	}
	if t.stopped {
		return true
	}
	switch {
	case depth > maxDepth:
		t.decoder.errorf(codeTooDeep, n, "", "lists and maps are nested more than %d levels deep", maxDepth)
		t.stopped = true
	case t.aliased > maxAliased:
		t.decoder.errorf(codeTooDeep, n, "", "aliases stand for more than %d nodes", maxAliased)
		t.stopped = true
	}
	return t.stopped
}

// mapping adds the entries of a map. The same key twice is an error that names both
// places; of the two, the first one counts.
func (t *treeMaker) mapping(y *yaml.Node, n node, depth int) {
	keys := keySet{tree: n.tree, of: n.i}
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := node{n.tree, t.make(y.Content[i], n.i, 0, depth+1)}
		switch {
		case k.shape() != scalar:
			t.decoder.errorf(codeNotSupported, k, "", "a key must be a plain value")
			continue
		case k.text() == "<<" && y.Content[i].Style == 0:
			t.decoder.errorf(codeNotSupported, k, "what many nodes share goes under defaults:", "merge keys (<<) are not supported")
			continue
		}
		if first := keys.first(k.text()); first != 0 {
			t.decoder.errorf(codeKeyTwice, k, "", "the key %q is here for the second time; the first one is at %s", k.text(), t.decoder.place(first).pos())
			continue
		}
		keys.add(k.i)
		t.make(y.Content[i+1], k.i, 0, depth+1)
	}
}
