package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writings are ways to write what the plain reader takes.
var writings = map[string]string{
	"block":          "a:\n  b: c\n  d:\n    e: f\ng: h\n",
	"flow":           "a: {b: c, d: [e, f, {g: h}], i: {}, j: []}\n",
	"flow in lines":  "a: {\n  b: c,\n\n  d: [e, # comment\n    f],\n}\ng: h\n",
	"JSON":           "{\n  \"a\": {\"b\":1,\"c\":[\"d\", 2]},\n  \"e\": null\n}\n",
	"JSON, one line": `{"a":{"b":1,"c":[true,"d"]},"e":{}}`,
	"lists":          "a:\n  - b\n  - c: d\n    e: f\n  - [g, h]\n  - {i: j}\nk:\n- l\n- m:\n  - n\n  o:\n    - p\n",
	"scalars":        "a: \"b c\"\nd: 'e: f # g'\nh: \"\"\ni: ''\n\"j\": 'k'\nl: m n  o\np: q:r\ns: fd00::1/64\nt: -1\nu: 10.0.0.1/24\n",
	"scalars, flow":  "a: {b: \"c, d\", 'e': f g, h: fd00::1/64, i: -1, j: 'k'}\n",
	"nothing":        "a:\nb: ~\nc: null\nd: \"null\"\ne: {f: , g: }\nh:\n  i:\nj:\n- k:\n- l\nm:",
	"comments":       "# a\n\na: b # c\n  # d\n#e\nf: # g — é\n  # h\n  i: [j] # k\n# l",
	"endings":        "a: b   \nc:   \n  d: {e: f}   \n\n\n",
	"no newline":     "a:\n  b: c",
	"keys":           "b: 1\na: 2\n10: 3\nc.d-e_f/g: 4\nh:i: 5\n-j: 6\n",
}

// refused are what the plain reader must leave to yaml.v3, beside what is wrong.
var refused = []string{
	"", "a", "- a\n", "---\na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n", "a: &b c\n", "a: *b\n", "a: !c d\n", "a: |\n  b\n", "a: >\n  b\n",
	"a: b\n  c\n", "a: \"b\n  c\"\n", "a:\tb\n", "a: b\r\n", "\ufeffa: b\n", "a: ü\n", "a: \"\\n\"\n", "a: 'b''c'\n", "? a\n: b\n", "<<: a\n",
	"a: b\na: c\n", "a: {b: c, b: d}\n", "a: [b\n  c]\n", "a: {b\n", "a: b: c\n", "a\n", "a: [b: c]\n", "a: {b, c}\n", "a: b\n c: d\n",
	"a:\n    b: c\n  d: e\n", "a:\n  - b\n c: d\n", "a: {b: c}d\n", "a: 'b'c\n", "a: {b: c}#d\n", "a:\u0085b: c\n", "a: b #\u2028 c\n", "a: b # \x01\n", "a:\n  b\n",
	strings.Repeat("k", 2000) + ": a\n", "a: " + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "\n", "%YAML 1.1\n",
}

func TestReaderTakesPlainFiles(t *testing.T) {
	for name, text := range writings {
		if !sameTree(t, []byte(text)) {
			t.Errorf("%s: the plain reader doesn't take\n%s", name, text)
		}
	}
	for _, path := range examples(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !sameTree(t, text) {
			t.Errorf("the plain reader doesn't take %s", path)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, text := range refused {
		if sameTree(t, []byte(text)) {
			t.Errorf("the plain reader takes %q", text)
		}
	}
}

// What is large, too, is the same for both readers, however it is written.
func TestReadersAgreeOnFleets(t *testing.T) {
	for name, node := range map[string]string{
		"flow":   "  n%[1]d:\n    address: 10.0.%[2]d.%[3]d\n    bridges: {br0: 10.%[4]d.%[3]d.1/24}\n    namespaces: {web: 10.%[4]d.%[3]d.2/24}\n",
		"block":  "  # node %[1]d\n  n%[1]d:\n    address: 10.0.%[2]d.%[3]d # é\n    bridges:\n      br0:\n        addresses:\n        - 10.%[4]d.%[3]d.1/24\n        mtu: 1400\n\n    namespaces:\n      web:\n",
		"quotes": "  \"n%[1]d\":\n    'address': \"10.0.%[2]d.%[3]d\"\n    bridges: {\"br0\": ['10.%[4]d.%[3]d.1/24', \"fd00:%[4]d:%[3]d::1/64\"]}\n    x-note: a b\n",
		"wrong":  "  n%[1]d:\n    addres: 10.0.%[2]d.%[3]d\n    bridges: {br0: 10.%[4]d.%[3]d.0/24, br1: 10.%[4]d.%[3]d.1/25}\n",
	} {
		var b strings.Builder
		b.WriteString("apiVersion: netplan-overlay/v1\nname: big\nbackend: vxlan\nnodes:\n")
		for i := range 2000 {
			fmt.Fprintf(&b, node, i*7919%2000, i/250, i%250+1, 100+i/250)
		}
		if !sameTree(t, []byte(b.String())) {
			t.Errorf("%s: the plain reader doesn't take it", name)
		}
		sameResult(t, []byte(b.String()))
	}
}

func examples(tb testing.TB) []string {
	l, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(l) == 0 {
		tb.Fatalf("no examples: %v", err)
	}
	return l
}

// signs are what files are spelt of: nearly any bytes of a fuzzer are no YAML at all.
var signs = [...]string{
	"a", "b", ": ", ":", "\n", "  ", " ", "- ", "-", "{", "}", "[", "]", ", ", ",", "#", " # c\n", "'", "\"", "~", "null", "a: b\n", "  a: b\n",
	"- a\n", "  - a\n", "1", ".", "...", "---", "<<", "?", "!", "&a ", "*a", "|", ">", "%", "@", "\t", "\r\n", "é", "\u2028", "\\", "nodes:\n", "  n:\n",
	"    address: 10.0.0.1\n", "    bridges: {br0: 10.1.0.1/24}\n", "name: x\n", "apiVersion: netplan-overlay/v1\n", "backend: vxlan\n",
}

func spell(data []byte) []byte {
	var b []byte
	for _, c := range data {
		b = append(b, signs[int(c)%len(signs)]...)
	}
	return b
}

// FuzzReader looks for files that the plain reader takes otherwise than yaml.v3.
func FuzzReader(f *testing.F) {
	for _, text := range writings {
		f.Add([]byte(text), false)
	}
	for _, text := range refused {
		if len(text) < 1000 {
			f.Add([]byte(text), false)
		}
	}
	for _, path := range examples(f) {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, false)
	}
	malformed, err := os.ReadFile("testdata/malformed.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range strings.Split(string(malformed), "\n") {
		if _, line, ok := strings.Cut(text, " | "); ok && strings.TrimSpace(line) != "^" {
			f.Add([]byte("nodes:\n"+line+"\n"), false)
		}
	}
	f.Add([]byte("\x00\x02\x04\x05\x06\x00\x02\x00"), true)
	f.Fuzz(func(t *testing.T, data []byte, spelt bool) {
		if spelt {
			data = spell(data)
		}
		if sameTree(t, data) {
			sameResult(t, data)
		}
	})
}

// sameTree says whether the plain reader takes the file, and checks that yaml.v3 finds
// the same in it.
func sameTree(t *testing.T, data []byte) bool {
	t.Helper()
	s := Source{Name: "a.yaml", Data: data}
	var plain tree
	got, ok := plain.plain(s)
	if !ok {
		if len(plain.files) > 0 || plain.cells > 1 {
			t.Errorf("%d files and %d cells are left of what was refused", len(plain.files), plain.cells)
		}
		return false
	}
	d := &decoder{tree: &tree{}, slow: true}
	want := d.parse(s)
	if len(d.problems) > 0 {
		t.Fatalf("the plain reader takes\n%s\nof which yaml.v3 says %v", data, d.problems)
	}
	if diff := cmp.Diff(outline(want), outline(got)); diff != "" {
		t.Fatalf("%s\nis read otherwise (-yaml.v3 +plain):\n%s", data, diff)
	}
	return true
}

// outline lists all that is in a tree.
func outline(n node) []string {
	l := []string{fmt.Sprintf("%s %s %s %q null=%v empty=%v", n.pos().Full(), n.path(), n.shape(), n.text(), n.null(), n.empty())}
	for k, v := range n.entries() {
		l = append(append(l, outline(k)...), outline(v)...)
	}
	for item := range n.items() {
		l = append(l, outline(item)...)
	}
	return l
}

// sameResult checks that the same topology and the same problems come of either reader.
func sameResult(t *testing.T, data []byte) {
	t.Helper()
	sources := []Source{{Name: "a.yaml", Data: data}}
	got, problems := (&decoder{}).topologyOf(sources)
	want, expected := (&decoder{slow: true}).topologyOf(sources)
	if diff := cmp.Diff(fmt.Sprint(expected), fmt.Sprint(problems)); diff != "" {
		t.Errorf("problems (-yaml.v3 +plain):\n%s", diff)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("the topology is\n%+v\nand with yaml.v3\n%+v", got, want)
	}
}
