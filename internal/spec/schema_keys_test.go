package spec_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/spec/schema"
)

// The schema has the keys that the decoder knows, at every level. The decoder is asked:
// below each key, and each plain value, it is given a key that nothing knows.
func TestSchemaKeys(t *testing.T) {
	root, err := schema.Topology()
	if err != nil {
		t.Fatal(err)
	}
	levels := 0
	for _, k := range root.All() {
		known, ok := knownAt(t, k.Path)
		if ok {
			levels++
		}
		want := k.Names()
		slices.Sort(want)
		slices.Sort(known)
		if d := cmp.Diff(want, known); d != "" {
			t.Errorf("the keys at %q (-schema +decoder):\n%s", k.Path, d)
		}
	}
	if levels < 13 {
		t.Errorf("the decoder knows keys at only %d levels", levels)
	}
}

// Where only some words may stand, they are those that the decoder knows.
func TestSchemaWords(t *testing.T) {
	root, err := schema.Topology()
	if err != nil {
		t.Fatal(err)
	}
	const nonesuch = "nobody-has-ever-heard-of-this-word"
	asked := 0
	for _, k := range root.All() {
		_, problems := parse(nested(k, k.Name+": "+nonesuch))
		for _, p := range problems {
			list, ok := strings.CutPrefix(p.Hint, "known are ")
			if p.Path != k.Path || !ok || !strings.Contains(p.Message, nonesuch) {
				continue
			}
			asked++
			words := strings.Split(list, ", ")
			slices.Sort(words)
			slices.Sort(k.Words)
			if d := cmp.Diff(k.Words, words); d != "" {
				t.Errorf("the words at %s (-schema +decoder):\n%s", k.Path, d)
			}
		}
		if len(k.Words) > 0 {
			asked--
		}
	}
	if asked != 0 {
		t.Error("the decoder doesn't tell the words everywhere")
	}
}

// knownAt returns the keys that the decoder knows at a path of the schema; ok is false
// where it takes none.
func knownAt(t *testing.T, path string) (keys []string, ok bool) {
	t.Helper()
	const nonesuch = "nobody-has-ever-heard-of-this-key" // too far from all for "did you mean"
	text := fmt.Sprintf("{%s: 1}", nonesuch)
	steps := strings.Split(path, ".")
	for i := len(steps) - 1; i >= 0 && path != ""; i-- {
		if i > 0 && steps[i-1] == "routes" {
			text = fmt.Sprintf("[{%s: %s}]", steps[i], text)
			continue
		}
		text = fmt.Sprintf("{%s: %s}", steps[i], text)
	}
	if strings.HasSuffix(path, "routes") {
		text = strings.Replace(text, "{"+nonesuch+": 1}", "[{"+nonesuch+": 1}]", 1)
	}
	_, problems := parse(text)
	for _, p := range problems {
		if strings.Contains(p.Message, strconv.Quote(nonesuch)) && strings.HasPrefix(p.Message, "unknown key") {
			list, isList := strings.CutPrefix(p.Hint, "known are ")
			if !isList {
				t.Fatalf("the decoder doesn't tell its keys at %q: %s; %s", path, p.Message, p.Hint)
			}
			return strings.Split(list, ", "), true
		}
	}
	return nil, false
}
