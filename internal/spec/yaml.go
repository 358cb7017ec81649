package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
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

// parse turns a file into a tree. It returns nil where the text isn't YAML at all;
// what is merely not allowed is told, and left out.
func (d *decoder) parse(s Source) *node {
	if len(s.Data) > MaxFile {
		d.at(codeTooLarge, Pos{File: s.Name, Line: 1, Column: 1}, "the file has %d bytes, more than the %d MiB that are allowed", len(s.Data), MaxFile>>20)
		return nil
	}
	if !d.readable(s) {
		return nil
	}
	docs, err := documents(s.Data)
	if err != nil {
		d.syntax(s, err)
		return nil
	}
	if len(docs) == 0 || nothing(docs[0]) {
		d.at(codeEmpty, Pos{File: s.Name, Line: 1, Column: 1}, "the file is empty")
		return nil
	}
	if len(docs) > 1 {
		d.at(codeSecondDocument, Pos{File: s.Name, Line: docs[1].Line, Column: docs[1].Column}, "a second YAML document begins here; a file has one: put it into a file of its own")
		return nil
	}
	t := &treeMaker{decoder: d, file: s.Name}
	return t.make(docs[0].Content[0], nil, "", 0)
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

// treeMaker copies yaml.v3's tree into ours, with aliases expanded.
type treeMaker struct {
	decoder *decoder
	file    string
	aliased int  // nodes made for aliases
	inAlias int  // levels of aliases that we are in
	stopped bool // a limit was exceeded, and told
}

func (t *treeMaker) make(y *yaml.Node, parent *node, step string, depth int) *node {
	n := &node{parent: parent, step: step, pos: Pos{File: t.file, Line: y.Line, Column: y.Column}}
	if t.limited(n, depth) {
		n.null = true
		return n
	}
	if y.Style&yaml.TaggedStyle != 0 && y.Kind != yaml.AliasNode {
		t.decoder.errorf(codeNotSupported, n, "", "the tag %s has no meaning here", y.Tag)
	}
	switch y.Kind {
	case yaml.AliasNode:
		t.inAlias++
		at := n.pos
		n = t.make(y.Alias, parent, step, depth+1)
		n.pos = at
		t.inAlias--
	case yaml.ScalarNode:
		n.text = y.Value
		n.null = y.Tag == "!!null" && y.Style == 0
	case yaml.SequenceNode:
		n.shape = list
		for i, item := range y.Content {
			n.items = append(n.items, t.make(item, n, "["+strconv.Itoa(i)+"]", depth+1))
		}
	case yaml.MappingNode:
		n.shape = mapping
		t.mapping(y, n, depth)
	}
	return n
}

// limited counts, and says once where a limit is exceeded.
func (t *treeMaker) limited(n *node, depth int) bool {
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
func (t *treeMaker) mapping(y *yaml.Node, n *node, depth int) {
	seen := make(map[string]*node, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := t.make(y.Content[i], n, "", depth+1)
		k.step = k.text
		switch {
		case k.shape != scalar:
			t.decoder.errorf(codeNotSupported, k, "", "a key must be a plain value")
			continue
		case k.text == "<<" && y.Content[i].Style == 0:
			t.decoder.errorf(codeNotSupported, k, "what many nodes share goes under defaults:", "merge keys (<<) are not supported")
			continue
		}
		if first, ok := seen[k.text]; ok {
			t.decoder.errorf(codeKeyTwice, k, "", "the key %q is here for the second time; the first one is at %s", k.text, first.pos)
			continue
		}
		seen[k.text] = k
		n.keys = append(n.keys, k)
		n.items = append(n.items, t.make(y.Content[i+1], n, k.text, depth+1))
	}
}
