package render_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// wellFormed fails where a picture is not XML, or asks for something from elsewhere.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok {
			if slices.Contains([]string{"script", "image", "use", "a", "foreignObject"}, e.Name.Local) {
				t.Errorf("there is an element %s", e.Name.Local)
			}
			for _, a := range e.Attr {
				if a.Name.Local == "href" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("there is an attribute %s", a.Name.Local)
				}
			}
		}
	}
}

func TestSVG(t *testing.T) {
	for name, d := range drawings(t) {
		t.Run(name, func(t *testing.T) {
			svg := graph(t, render.GraphSVG, d, 0)
			wellFormed(t, svg)
			for _, want := range []string{`role="img"`, "viewBox=", "<title id=", "<desc id=", "prefers-color-scheme:dark"} {
				if !strings.Contains(svg, want) {
					t.Errorf("there is no %s", want)
				}
			}
		})
	}
}

// The picture in the documentation is that of the example.
func TestDocumentedPicture(t *testing.T) {
	const path = "../../docs/campus.svg"
	svg := graph(t, render.GraphSVG, drawings(t)["campus"], 0)
	if *update {
		if err := os.WriteFile(path, []byte(svg), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(b), svg); d != "" {
		t.Errorf("%s is not current; -update writes it (-want +got):\n%s", path, d)
	}
}

// The same drawing gives the same bytes.
func TestGraphIsDeterministic(t *testing.T) {
	for _, f := range render.GraphFormats() {
		text := randomTopology(rand.New(rand.NewPCG(1, 2)))
		first := graph(t, f, render.DrawingOf(parse(t, text), nil, nil), 0)
		for range 5 {
			if again := graph(t, f, render.DrawingOf(parse(t, text), nil, nil), 0); again != first {
				t.Fatalf("%s: two drawings of one topology differ", f)
			}
		}
	}
}

// hostileNames are names that would mean something to those who read the drawings.
func hostileNames() []string {
	return []string{
		`"]; click x "javascript:alert(1)`, "end", "`code`", "<script>alert(1)</script>", "]]>", "a\\", "\\N", "&lt;", "#quot;",
		"%%{init: {}}%%", "1. one", "- two", "--> b", "style classDef:#fff;", "\x1b[31mred\x1b[0m", "a\nb", "\xff\xfe", "ünïcödé", "名前", "🦊",
	}
}

// hostileChanges has every name of hostileNames where a kernel may have one.
func hostileChanges() *diff.Plan {
	p := &diff.Plan{}
	add := func(a diff.Action, o model.Object, intent string) {
		c := diff.Change{Action: a, After: o, Intent: intent}
		if a == diff.Delete {
			c.Before, c.After = o, nil
		}
		p.Changes = append(p.Changes, c)
	}
	for _, name := range hostileNames() {
		add(diff.Delete, model.Link{Name: name, Type: model.Some(model.TypeBridge)}, "")
		add(diff.Create, model.Netns{Name: name}, "namespace "+name)
		add(diff.Update, model.Link{Netns: name, Name: name, Peer: model.Some(model.EndRef{Name: name})}, "namespace "+name)
		add(diff.Replace, model.Link{Name: "o" + name, Type: model.Some(model.TypeVXLAN)}, "overlay o"+name)
		add(diff.Adopt, model.Sysctl{Name: name, Value: model.Some(name)}, "host")
		add(diff.Create, model.Route{Dst: prefix("10.0.0.0/8"), Table: model.TableMain}, "peer "+name)
	}
	return p
}

func TestHostileNames(t *testing.T) {
	plans := []render.NodePlan{
		{Header: header("x", "vm1"), Plan: hostileChanges()},
		{Header: header("x", "vm2"), Err: errors.New(strings.Join(hostileNames(), " "))},
	}
	d := render.DrawingOf(parse(t, classic), nil, plans)
	svg := graph(t, render.GraphSVG, d, 0)
	wellFormed(t, svg)
	mmd := graph(t, render.GraphMermaid, d, 0)
	dot := graph(t, render.GraphDOT, d, 0)
	golden(t, "hostile.mmd", mmd)
	golden(t, "hostile.dot", dot)
	for form, text := range map[string]string{"mermaid": mmd + changeGraph(t, plans, 0), "dot": dot, "svg": svg} {
		if strings.Contains(text, "\x1b") || !utf8.ValidString(text) || strings.Contains(text, "<script>") && form != "dot" {
			t.Errorf("%s: a hostile name came through", form)
		}
	}
	for line := range strings.Lines(mmd) {
		if _, label, ok := strings.Cut(line, `"`); ok && strings.Count(label, `"`) != 1 {
			t.Errorf("mermaid: a label ends early: %s", line)
		}
	}
}

// Who sees no colours sees the symbols: each class that colours comes with one.
func TestEveryColourHasASymbol(t *testing.T) {
	symbols := map[string]string{"create": "+", "update": "~", "replace": "±", "delete": "-", "adopt": "=", "blocked": "!"}
	plan := hostileChanges()
	plan.Changes = plan.Changes[:6]
	plan.Conflicts = []diff.Conflict{{Want: model.Link{Name: "br245", Type: model.Some(model.TypeBridge)}}}
	d := render.DrawingOf(parse(t, classic), nil, []render.NodePlan{{Header: header("x", "vm1"), Plan: plan}})

	svg := graph(t, render.GraphSVG, d, 0)
	_, body, _ := strings.Cut(svg, "</style>")
	for word, symbol := range symbols {
		coloured := len(regexp.MustCompile(`class="[^"]*(m|x|b)-`+word).FindAllString(body, -1))
		told := strings.Count(body, "x-"+word+`">`+symbol+"</text>")
		if coloured == 0 || told == 0 {
			t.Errorf("svg: %s is coloured %d times, and %q stands there %d times", word, coloured, symbol, told)
		}
	}
	mmd := graph(t, render.GraphMermaid, d, 0)
	for line := range strings.Lines(mmd) {
		if m := regexp.MustCompile(`"(.*)".*:::(\w+)\n`).FindStringSubmatch(line); m != nil && symbols[m[2]] != "" {
			escaped := fmt.Sprintf("#%d;", []rune(symbols[m[2]])[0])
			if !strings.HasPrefix(m[1], escaped) && !strings.HasPrefix(m[1], symbols[m[2]]) {
				t.Errorf("mermaid: a colour without its symbol: %s", line)
			}
		}
	}
	dot := graph(t, render.GraphDOT, d, 0)
	lines := regexp.MustCompile(`label="([^"]*)".*color="(#1a7f37|#9a6700|#8250df|#cf222e|#0b7285|#82071e)"`)
	for _, m := range lines.FindAllStringSubmatch(dot, -1) {
		if !strings.ContainsAny(m[1][:min(2, len(m[1]))], "+~±-=!") {
			t.Errorf("dot: a colour without its symbol: %s", m[0])
		}
	}
}

// randomTopology is a topology of many shapes: hosts on some links, up to five bridges,
// some of them local, and namespaces on any of them.
func randomTopology(r *rand.Rand) string {
	name := func(n int) string { return strings.Repeat("w", r.IntN(n)) }
	var s strings.Builder
	backend := []string{"vxlan", "ipip", "{type: vxlan, directRouting: true}", "{type: ipip, mode: per-peer}"}[r.IntN(4)]
	fmt.Fprintf(&s, "apiVersion: netplan-overlay/v1\nname: random%s\nbackend: %s\nnodes:\n", name(50), backend)
	links := 1 + r.IntN(4)
	for i := range 1 + r.IntN(12) {
		fmt.Fprintf(&s, "  n%d%s:\n    address: 192.168.%d.%d\n    bridges:\n", i, name(60), r.IntN(links), i+1)
		bridges := 1 + r.IntN(5)
		for b := range bridges {
			fmt.Fprintf(&s, "      br%d%s: {addresses: [10.%d.%d.1/24], overlay: %t}\n", b, "", i, b, r.IntN(3) > 0 || b == 0)
		}
		fmt.Fprintf(&s, "    namespaces:\n")
		for k := range 1 + r.IntN(5) {
			fmt.Fprintf(&s, "      ns%d%s: {interfaces: {", k, name(40))
			for b := range bridges {
				if b == 0 || r.IntN(2) == 0 {
					fmt.Fprintf(&s, "%seth%d%s: {bridge: br%d, addresses: [10.%d.%d.%d/24]}", map[bool]string{true: ", "}[b > 0], b, name(10), b, i, b, k+2)
				}
			}
			s.WriteString("}}\n")
		}
	}
	return s.String()
}

// In a picture no boxes overlap, all text is in its box, and lines cross nothing but
// lines.
func TestLayout(t *testing.T) {
	r := rand.New(rand.NewPCG(20, 4))
	d := drawings(t)
	d["hostile"] = render.DrawingOf(parse(t, classic), nil, []render.NodePlan{{Header: header("x", "vm1"), Plan: hostileChanges()}})
	d["fleet"] = render.DrawingOf(parse(t, fleet(300)), nil, nil).Fold(70)
	for i := range 24 {
		text := randomTopology(r)
		top := parse(t, text)
		d[fmt.Sprint("random ", i)] = render.DrawingOf(top, nil, nil)
		if i%2 == 0 {
			was := randomTopology(r)
			d[fmt.Sprint("random change ", i)] = render.DrawingOf(top, parse(t, was), plansBetween(t, was, text))
		}
	}
	for name, d := range d {
		for _, fault := range render.LayoutFaults(d) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// A fleet is drawn at once, with the hosts first of which something changes, and what
// is written for Mermaid is what GitHub takes.
func TestGraphOfAFleet(t *testing.T) {
	top := parse(t, fleet(10_000))
	plans := []render.NodePlan{{Header: header("fleet", "n9999"), Plan: hostileChanges()}}
	start := time.Now()
	d := render.DrawingOf(top, nil, plans)
	for _, f := range render.GraphFormats() {
		text := graph(t, f, d, 0)
		if !strings.Contains(text, "n9999") {
			t.Errorf("%s: the host that changes is not drawn", f)
		}
		if !strings.Contains(text, "more hosts") {
			t.Errorf("%s: nothing says how many hosts are not drawn", f)
		}
		if f == render.GraphMermaid && len(text) > 50_000 {
			t.Errorf("mermaid: %d bytes", len(text))
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// One host alone is drawn, and nothing at all.
func TestGraphOfSmallest(t *testing.T) {
	const one = "apiVersion: netplan-overlay/v1\nname: one\nbackend: vxlan\nnodes:\n  only: {address: 10.0.0.1}\n"
	d := render.DrawingOf(parse(t, one), nil, nil)
	for _, f := range render.GraphFormats() {
		text := graph(t, f, d, 0)
		if f == render.GraphSVG {
			wellFormed(t, text)
		}
		if !strings.Contains(text, "only") {
			t.Errorf("%s: the host is not drawn", f)
		}
	}
	wellFormed(t, graph(t, render.GraphSVG, &render.Drawing{Title: "nothing"}, 0))
}
