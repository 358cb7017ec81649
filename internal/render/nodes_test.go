package render_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

func written(t *testing.T, f render.PlanFormat, plans []render.NodePlan) string {
	t.Helper()
	return writtenWithin(t, f, plans, 0)
}

func writtenWithin(t *testing.T, f render.PlanFormat, plans []render.NodePlan, most int) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Plans(&b, f, plans, render.Options{MaxBytes: most}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// planned is the plan of a node that has what the topology before asked for.
func planned(t *testing.T, before, after, node string) render.NodePlan {
	t.Helper()
	c := planCase{node: node, topology: after, host: was(before, node)}
	if before == "" {
		c.host = func(*testing.T) *model.State { return bare() }
	}
	p, h := c.plan(t)
	return render.NodePlan{Header: h, Plan: p}
}

// fleets are plans of several nodes, as people review them.
func fleets(t *testing.T) map[string][]render.NodePlan {
	more := classic + "  vm4:\n    address: 192.168.32.248\n    bridges: {br248: 172.248.0.1/24}\n"
	vni := rewrite(t, classic, "vni: 1", "vni: 2")
	all := func(before, after string, names ...string) []render.NodePlan {
		var l []render.NodePlan
		for _, n := range names {
			l = append(l, planned(t, before, after, n))
		}
		return l
	}
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("n%d", i+1))
	}
	unreachable := render.NodePlan{Header: render.Header{Topology: "classic", Node: "vm3"}, Err: errors.New("ssh: connect to host vm3 port 22: No route to host")}
	conflict := planCase{topology: classic, host: byHand}
	p, h := conflict.plan(t)
	return map[string][]render.NodePlan{
		"peer-added":  all(classic, more, "vm1", "vm2", "vm3"),
		"vni-changed": all(classic, vni, "vm1", "vm2", "vm3"),
		"one-changed": {planned(t, classic, rewrite(t, classic, "ns245: 172.245.0.2/24", "ns245: 172.245.0.3/24"), "vm1"), planned(t, classic, classic, "vm2"), planned(t, classic, classic, "vm3")},
		"unchanged":   all(classic, classic, "vm1", "vm2", "vm3"),
		"trouble":     {planned(t, classic, more, "vm1"), unreachable, {Header: h, Plan: p}, planned(t, classic, classic, "vm2")},
		"fleet":       all(fleet(40), rewrite(t, fleet(40), "vxlan", "{type: vxlan, vni: 7}"), names...),
	}
}

func TestPlansOfNodes(t *testing.T) {
	for name, plans := range fleets(t) {
		for ext, f := range map[string]render.PlanFormat{"txt": render.FormatText, "md": render.FormatMarkdown} {
			golden(t, "nodes-"+name+"."+ext, written(t, f, plans))
		}
	}
}

func TestPlansForGitLab(t *testing.T) {
	all := fleets(t)
	for name, want := range map[string]string{
		"peer-added":  `{"create":9,"update":0,"delete":0}`,
		"one-changed": `{"create":1,"update":0,"delete":1}`,
		"unchanged":   `{"create":0,"update":0,"delete":0}`,
	} {
		if got := strings.TrimSpace(written(t, render.FormatGitLab, all[name])); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	var b bytes.Buffer
	if err := render.Plans(&b, render.FormatGitLab, all["trouble"], render.Options{}); err == nil || b.Len() > 0 {
		t.Errorf("numbers that lack a node are given: %s", b.String())
	}
}

// Whatever is planned, and to whatever size it is cut: each fence and fold is closed, the
// rows of the table have as many cells as its head, and the size is kept.
func TestMarkdownIsWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for name, plans := range fleets(t) {
		plans = append(plans, hostilePlan())
		all := written(t, render.FormatMarkdown, plans)
		full := len(all)
		for range 60 {
			most := render.MinMaxBytes + r.IntN(max(1, full+600-render.MinMaxBytes))
			text := writtenWithin(t, render.FormatMarkdown, plans, most)
			if len(text) > most && most < full {
				t.Errorf("%s: %d bytes, more than %d", name, len(text), most)
			}
			if dir := os.Getenv("NETPLAN_OVERLAY_TEST_MARKDOWN"); dir != "" { // for hack/markdown
				if err := os.WriteFile(fmt.Sprintf("%s/%s-%d.md", dir, name, most), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := wholeMarkdown(text); err != nil {
				t.Fatalf("%s in %d bytes: %v\n%s", name, most, err, text)
			}
			if whole := text == all; whole != (most >= full+300) && most >= full+300 {
				t.Errorf("%s: cut in %d bytes, although it has %d", name, most, full)
			} else if !whole && !strings.Contains(text, "_Cut to ") && !strings.Contains(text, " more node") {
				t.Errorf("%s: cut to %d of %d bytes without a word", name, len(text), full)
			}
		}
	}
	var b bytes.Buffer
	if err := render.Plans(&b, render.FormatMarkdown, fleets(t)["fleet"], render.Options{MaxBytes: 10}); err == nil || b.Len() > 0 {
		t.Error("10 bytes are taken for enough")
	}
}

// hostilePlan has names that would end whatever they stand in.
func hostilePlan() render.NodePlan {
	bad := "a|b`c``` </details> <!-- @everyone\n```\n| x | y |\x1b[31m"
	l := model.Link{Name: bad, Type: model.Some("bridge"), Alias: model.Some("```\n</details>")}
	return render.NodePlan{
		Header: render.Header{Topology: "x --> " + bad, Node: bad, Files: []string{bad}},
		Plan:   &diff.Plan{Changes: []diff.Change{{Action: diff.Delete, Before: l, Impact: model.ImpactBrief}}},
	}
}

var fenceLine = regexp.MustCompile("^(`{3,})([a-z]*)$")

// wholeMarkdown reads Markdown as GitHub does, as far as that matters here.
func wholeMarkdown(text string) error {
	fence, folds, cells := "", 0, 0
	for i, line := range strings.Split(text, "\n") {
		m := fenceLine.FindStringSubmatch(line)
		switch {
		case fence != "" && m != nil && len(m[1]) >= len(fence) && m[2] == "":
			fence = ""
			continue
		case fence != "":
			continue
		case m != nil:
			fence = m[1]
			continue
		}
		switch { // elsewhere in a line, it is in code
		case strings.HasPrefix(line, "<details"):
			folds++
		case strings.HasPrefix(line, "</details"):
			folds--
		}
		if folds < 0 || folds > 1 {
			return fmt.Errorf("line %d: %d folds are open", i+1, folds)
		}
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if cells != 0 && n != cells {
			return fmt.Errorf("line %d has %d bars, those before it %d: %s", i+1, n, cells, line)
		}
		cells = n
	}
	if fence != "" || folds != 0 {
		return fmt.Errorf("a fence %q and %d folds stay open", fence, folds)
	}
	return nil
}
