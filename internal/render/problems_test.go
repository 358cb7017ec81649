package render_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// hostileProblems are problems whose names hold what formats and terminals take for their own.
func hostileProblems() []spec.Problem {
	return []spec.Problem{
		{Code: "NPO902", Pos: spec.Pos{File: "/repo/a b,c:d%.yaml", Line: 3, Column: 7}, Path: "nodes.vm1", Message: "doubtful", Warning: true},
		{Code: "NPO103", Pos: spec.Pos{File: "net/t.yaml", Line: 2, Column: 1}, Message: "a\n::error::b \x1b[31m\u202e \xff 100% \"q\", <b>", Hint: "do, this: 1%0A"},
		{Code: "NPO101", Pos: spec.Pos{File: "t.yaml"}, Message: "the first one is at t.yaml:4"},
		{Code: "NPO101", Pos: spec.Pos{File: "t.yaml", Line: 9, Column: 1}, Message: "the first one is at t.yaml:5"},
	}
}

func goldenOf(t *testing.T, file string, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("%s is stale; -update rewrites it (-want +got):\n%s", file, d)
	}
	return b.Bytes()
}

func TestProblemFormats(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"problems.json": func(w io.Writer) error { return render.ProblemsJSON(w, hostileProblems(), "/repo") },
		"github.txt":    func(w io.Writer) error { return render.ProblemsGitHub(w, hostileProblems(), "/repo") },
		"gitlab.json":   func(w io.Writer) error { return render.ProblemsGitLab(w, hostileProblems(), "/repo") },
		"sarif.json":    func(w io.Writer) error { return render.ProblemsSARIF(w, hostileProblems(), "/repo", "1.0") },
	} {
		b := goldenOf(t, "testdata/problems/"+name, write)
		if bytes.ContainsAny(b, "\x1b\u202e") {
			t.Errorf("%s disturbs a terminal", name)
		}
		if name == "problems.json" {
			fits(t, schemaOf(t, "validate", true), string(b))
		}
		if strings.HasSuffix(name, ".json") && !json.Valid(b) {
			t.Errorf("%s is no JSON", name)
		}
	}
}

// The ten worst are annotated; the others are counted.
func TestProblemsGitHubAreFew(t *testing.T) {
	var b bytes.Buffer
	l := make([]spec.Problem, 12)
	if err := render.ProblemsGitHub(&b, append(l, hostileProblems()[0]), ""); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "::error ") != 10 || strings.Contains(b.String(), "::warning ") || !strings.Contains(b.String(), "::notice::3 more") {
		t.Error(b.String())
	}
}

// Where lines shift, the fingerprints stay, and no two problems have the same one.
func TestFingerprints(t *testing.T) {
	prints := func(shift int) (l []string) {
		problems := hostileProblems()
		for i := range problems {
			problems[i].Pos.Line += shift
		}
		if shift > 0 {
			problems[2].Message = "the first one is at t.yaml:14"
		}
		var b bytes.Buffer
		if err := render.ProblemsGitLab(&b, problems, ""); err != nil {
			t.Fatal(err)
		}
		var issues []struct{ Fingerprint string }
		if err := json.Unmarshal(b.Bytes(), &issues); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, i := range issues {
			if seen[i.Fingerprint] {
				t.Errorf("%s is there twice", i.Fingerprint)
			}
			seen[i.Fingerprint] = true
			l = append(l, i.Fingerprint)
		}
		return l
	}
	if d := cmp.Diff(prints(0), prints(10)); d != "" {
		t.Errorf("the fingerprints move with the lines (-want +got):\n%s", d)
	}
}

// docs/errors.md has the page of every code.
func TestProblemPages(t *testing.T) {
	goldenOf(t, "../../docs/errors.md", render.ProblemPages)
}
