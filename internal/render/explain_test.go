package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

func keyTree(t *testing.T) *schema.Key {
	t.Helper()
	root, err := schema.Topology()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// What is said of each key reads as it did; the keys are one after the other.
func TestExplain(t *testing.T) {
	root := keyTree(t)
	var tree, all bytes.Buffer
	if err := render.Keys(&tree, root, render.Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain-tree.txt", tree.String())
	for _, k := range root.All() {
		if err := render.Key(&all, k, render.Options{}); err != nil {
			t.Fatal(err)
		}
		all.WriteString("\n\n")
	}
	golden(t, "explain-keys.txt", all.String())
	for line := range strings.Lines(tree.String()) {
		if len(line) > 120 {
			t.Errorf("a line of the tree has %d bytes: %s", len(line), line)
		}
	}
}

// Without colours, no escape sequence is printed; with colours, the text is the same.
func TestExplainColour(t *testing.T) {
	for _, k := range keyTree(t).All() {
		var plain, coloured bytes.Buffer
		if err := render.Key(&plain, k, render.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := render.Key(&coloured, k, render.Options{Color: true}); err != nil {
			t.Fatal(err)
		}
		without := coloured.String()
		for _, sgr := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[36m"} {
			without = strings.ReplaceAll(without, sgr, "")
		}
		if without != plain.String() || coloured.Len() == plain.Len() {
			t.Errorf("%s: in colours:\n%q\nwithout:\n%q", k.Path, coloured.String(), plain.String())
		}
	}
}
