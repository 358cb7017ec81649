package render_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A story is a file of testdata/golden: what was applied before, what else is on the
// host, the topology, and the plan in every format. The names of its parts:
//
//	before.yaml     the topology whose objects are there already; none: an empty host
//	observed.json   objects that are there beside them, or differ from them
//	gone.txt        keys of objects that are not there any more, a line each
//	topology.yaml   what is asked for
//	adopt           present: with --adopt
//	plan.txt, plan.json, steps.txt, plan.sh, plan.md, gitlab.json   what comes of it; -update rewrites them
func TestStories(t *testing.T) {
	files, err := filepath.Glob("../../testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := readStory(string(b))
			s.play(t)
			if *update {
				if err := os.WriteFile(file, []byte(s.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(b), s.String()); d != "" {
				t.Errorf("run with -update if the new plan is right (-want +got):\n%s", d)
			}
		})
	}
}

// story is a txtar archive: a comment, and named parts in order.
type story struct {
	comment string
	names   []string
	parts   map[string]string
}

var partName = regexp.MustCompile(`(?m)^-- (.+) --\n`)

func readStory(text string) *story {
	s := &story{parts: map[string]string{}}
	at := partName.FindAllStringSubmatchIndex(text, -1)
	s.comment = text
	if len(at) > 0 {
		s.comment = text[:at[0][0]]
	}
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		s.set(text[m[2]:m[3]], text[m[1]:end])
	}
	return s
}

func (s *story) set(name, text string) {
	if _, ok := s.parts[name]; !ok {
		s.names = append(s.names, name)
	}
	s.parts[name] = text
}

func (s *story) String() string {
	var b strings.Builder
	b.WriteString(s.comment)
	for _, n := range s.names {
		fmt.Fprintf(&b, "-- %s --\n%s", n, s.parts[n])
	}
	return b.String()
}

// play computes the plan and writes it into the story.
func (s *story) play(t *testing.T) {
	t.Helper()
	observed := s.observed(t)
	_, adopt := s.parts["adopt"]
	top, x := expand(t, "topology.yaml", s.parts["topology.yaml"])
	desired.Adapt(x.State, observed)
	p := diff.Compute(x.State, observed, diff.Options{Adopt: adopt, LiveRename: true})
	h := render.Header{Topology: top.Name, Node: top.Nodes[0].Name, Files: top.Files}
	var text, document bytes.Buffer
	if err := render.Plan(&text, h, p, render.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := render.PlanJSON(&document, h, p); err != nil {
		t.Fatal(err)
	}
	var steps strings.Builder
	for _, step := range p.Steps {
		fmt.Fprintln(&steps, step.Op, step.Key())
	}
	s.set("plan.txt", text.String())
	s.set("steps.txt", steps.String())
	s.set("plan.json", document.String())
	s.set("plan.sh", script(h, p))
	one := []render.NodePlan{{Header: h, Plan: p}}
	s.set("plan.md", written(t, render.FormatMarkdown, one))
	s.set("gitlab.json", written(t, render.FormatGitLab, one))
}

// script is the plan as a script, or why there is none.
func script(h render.Header, p *diff.Plan) string {
	var b strings.Builder
	if err := render.PlanScript(&b, render.NodePlan{Header: h, Plan: p}); err != nil {
		return err.Error() + "\n"
	}
	return b.String()
}

// expand expands a topology for its first node, by assumed facts.
func expand(t *testing.T, name, text string) (*spec.Topology, *desired.Expansion) {
	t.Helper()
	top, problems := spec.Parse([]spec.Source{{Name: name, Data: []byte(text)}})
	if top == nil {
		t.Fatalf("%s: %v", name, problems)
	}
	node := &top.Nodes[0]
	x, err := desired.Expand(top, node, desired.Assume(top, node))
	if err != nil {
		t.Fatal(err)
	}
	return top, x
}

// observed is what was applied before, less what is gone, and what else there is.
func (s *story) observed(t *testing.T) *model.State {
	t.Helper()
	observed := &model.State{}
	observed.Put(model.Entry{Object: model.Link{Name: "eth0", Type: model.Some(""), Up: model.Some(true), MTU: model.Some[uint32](1500)}})
	observed.Put(model.Entry{Object: model.Sysctl{Name: "net.ipv4.ip_forward", Value: model.Some("0")}, Owner: model.OwnerShared})
	if before, ok := s.parts["before.yaml"]; ok {
		_, x := expand(t, "before.yaml", before)
		for e := range x.State.All() {
			if e.Ref {
				continue
			}
			o := e.Object
			if sysctl, ok := o.(model.Sysctl); ok {
				sysctl.Saved = model.Some("0")
				o = sysctl
			}
			observed.Put(model.Entry{Object: o, Owner: model.OwnerOurs})
		}
	}
	for line := range strings.Lines(s.parts["gone.txt"]) {
		key := strings.TrimSpace(line)
		i := slices.IndexFunc(observed.Keys(), func(k model.Key) bool { return k.String() == key })
		if i < 0 {
			t.Fatalf("gone.txt: there is no %q", key)
		}
		observed.Remove(observed.Keys()[i])
	}
	s.others(t, observed)
	return observed
}

// others reads observed.json.
func (s *story) others(t *testing.T, observed *model.State) {
	t.Helper()
	var l []struct {
		Owner, Maker string
		Link         *model.Link
		Address      *model.Address
		Route        *model.Route
		Neighbour    *model.Neighbour
		FDB          *model.FDBEntry
		Netns        *model.Netns
	}
	text, ok := s.parts["observed.json"]
	if !ok {
		return
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	for _, x := range l {
		e := model.Entry{Maker: x.Maker}
		for o := range model.OwnerShared + 1 {
			if o.String() == x.Owner {
				e.Owner = o
			}
		}
		switch {
		case x.Link != nil:
			e.Object = *x.Link
		case x.Address != nil:
			e.Object = *x.Address
		case x.Route != nil:
			e.Object = *x.Route
		case x.Neighbour != nil:
			e.Object = *x.Neighbour
		case x.FDB != nil:
			e.Object = *x.FDB
		case x.Netns != nil:
			e.Object = *x.Netns
		default:
			t.Fatal("observed.json: an object of no kind")
		}
		if old, ok := observed.Get(e.Object.Key()); ok {
			e.Object = e.Object.Fill(old.Object)
		}
		observed.Put(e)
	}
}
