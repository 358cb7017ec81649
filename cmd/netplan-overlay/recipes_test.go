package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// recipe is a repository with a topology, on which the commands of a pipeline's
// configuration are run: with the tool itself, and with stand-ins for what a pipeline
// reaches beyond it.
type recipe struct {
	t   *testing.T
	dir string
	env []string
}

// newRecipe makes a repository in which one commit has changed the topology.
func newRecipe(t *testing.T, before, after string) *recipe {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &recipe{t: t, dir: t.TempDir()}
	bin := t.TempDir()
	for name, text := range map[string]string{
		"netplan-overlay": asTool + `=1 exec '` + self + `' "$@"`,
		"go":              `echo "$@" >>installed`,
		"sudo":            `echo "$@" >>sudo-calls`,
		// The comments of a pull request, a file each; what it is told is in the last one.
		"gh": `echo "$@" >>gh-calls
case "$*" in
*"-X PATCH"* | *"-X POST"*) cp plan.md comment ;;
*) [ -e comment ] && jq -n --rawfile body comment '[{id: 1, body: "another"}, {id: 7, body: $body}]' || echo '[]' ;;
esac`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "NO_COLOR=1", "GITHUB_STEP_SUMMARY="+filepath.Join(r.dir, "summary"),
		"GITHUB_REPOSITORY=example/network", "GIT_CONFIG_GLOBAL=/dev/null", "PLANFILE="+filepath.Join(r.dir, "overlay.tfplan"), "BASE_BRANCH_NAME=main")
	r.git("init", "--quiet", "--initial-branch=main")
	for _, text := range []string{before, after} {
		r.write("topology.yaml", text)
		r.git("add", "topology.yaml")
		r.git("-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "--message=m")
	}
	return r
}

func (r *recipe) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *recipe) read(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func (r *recipe) git(args ...string) {
	r.t.Helper()
	if out, err := r.run("bash", "git "+strings.Join(args, " ")); err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// run runs a script in the repository by a shell, which stops at the first failure as
// those of pipelines do.
func (r *recipe) run(shell, script string, env ...string) (string, error) {
	cmd := exec.Command(shell, "-e", "-c", script)
	cmd.Dir = r.dir
	cmd.Env = append(r.env, env...)
	b, err := cmd.CombinedOutput()
	return string(b), err
}

// must is run, and ends the test where that fails.
func (r *recipe) must(shell, script string, env ...string) string {
	r.t.Helper()
	out, err := r.run(shell, script, env...)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

func readRecipe(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../examples/ci", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// aPeerMore is a change that concerns both hosts.
func aPeerMore() (before, after string) {
	before = two("vxlan")
	return before, before + `  vm3:
    address: 192.168.32.247
    bridges:    {br247: 172.247.0.1/24}
    namespaces: {ns247: 172.247.0.2/24}
`
}

type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Name string            `yaml:"name"`
			Run  string            `yaml:"run"`
			Env  map[string]string `yaml:"env"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func TestRecipeGitHub(t *testing.T) {
	hostOnly(t)
	needRoot(t)
	var w workflow
	readRecipe(t, "github-actions.yml", &w)
	before, after := aPeerMore()
	r := newRecipe(t, before, after)
	// What is checked out is the merge of the branch into what it is to be merged into.
	r.git("checkout", "--quiet", "-b", "base", "HEAD^")
	r.git("-c", "user.name=n", "-c", "user.email=e", "merge", "--quiet", "--no-ff", "--message=m", "main")
	for _, s := range w.Jobs["review"].Steps {
		if s.Run == "" {
			continue
		}
		var env []string
		for k := range s.Env {
			env = append(env, k+"=12")
		}
		r.must("bash", s.Run, env...)
		if s.Name == "Comment" { // the second push
			r.must("bash", s.Run, env...)
		}
	}
	if !strings.Contains(r.read("plan.md"), "vm3") || r.read("summary") != r.read("plan.md") {
		t.Errorf("the summary is not the plan:\n%s", r.read("summary"))
	}
	calls := r.read("gh-calls")
	for _, want := range []string{"-X POST repos/example/network/issues/12/comments ", "-X PATCH repos/example/network/issues/comments/7 "} {
		if strings.Count(calls, want) != 1 {
			t.Errorf("not just one %q:\n%s", want, calls)
		}
	}
}

func TestRecipeGitLab(t *testing.T) {
	hostOnly(t)
	var jobs map[string]struct {
		Script    []string `yaml:"script"`
		Artifacts struct {
			Reports map[string]string `yaml:"reports"`
		} `yaml:"artifacts"`
	}
	readRecipe(t, "gitlab-ci.yml", &jobs)
	before, after := aPeerMore()
	r := newRecipe(t, before, after)
	script := func(job string) string { return strings.Join(jobs[job].Script, "\n") }
	r.must("bash", script("validate"))
	var found []any
	if err := json.Unmarshal([]byte(r.read(jobs["validate"].Artifacts.Reports["codequality"])), &found); err != nil {
		t.Error(err)
	}
	r.must("bash", script("plan"), "CI_MERGE_REQUEST_DIFF_BASE_SHA=HEAD^")
	var n struct{ Create, Update, Delete int }
	if err := json.Unmarshal([]byte(r.read(jobs["plan"].Artifacts.Reports["terraform"])), &n); err != nil {
		t.Error(err)
	}
	if n.Create < 10 || n.Update != 1 || n.Delete > 0 { // the new node begins to forward
		t.Errorf("a node more: %+v", n)
	}

	r.write("topology.yaml", strings.Replace(after, "address:", "adress:", 1))
	if out, err := r.run("bash", script("validate")); err == nil || !strings.Contains(out, "did you mean") {
		t.Errorf("a mistake: %v\n%s", err, out)
	}
	if err := json.Unmarshal([]byte(r.read("gl-code-quality-report.json")), &found); err != nil || len(found) == 0 {
		t.Errorf("a mistake is not reported: %v", err)
	}
}

func TestRecipeAtlantis(t *testing.T) {
	hostOnly(t)
	var server struct {
		Workflows map[string]struct {
			Plan struct {
				Steps []struct {
					Run string `yaml:"run"`
				} `yaml:"steps"`
			} `yaml:"plan"`
		} `yaml:"workflows"`
	}
	readRecipe(t, "atlantis/repos.yaml", &server)
	var repository struct {
		Projects []struct {
			Workflow string `yaml:"workflow"`
		} `yaml:"projects"`
	}
	readRecipe(t, "atlantis/atlantis.yaml", &repository)
	before, after := aPeerMore()
	r := newRecipe(t, before, after)
	r.git("checkout", "--quiet", "--detach")
	r.git("branch", "--force", "main", "HEAD^")
	r.git("remote", "add", "origin", r.dir)
	out := ""
	for _, s := range server.Workflows[repository.Projects[0].Workflow].Plan.Steps {
		out += r.must("sh", s.Run)
	}
	if !strings.Contains(out, "peer vm3") || r.read("overlay.tfplan") != after {
		t.Errorf("the plan:\n%s", out)
	}
}

// The hook names a command that there is, and is found under the name that the example
// gives it.
func TestRecipePreCommit(t *testing.T) {
	hostOnly(t)
	var hooks []struct {
		ID    string   `yaml:"id"`
		Entry string   `yaml:"entry"`
		Args  []string `yaml:"args"`
		Files string   `yaml:"files"`
	}
	readRecipe(t, "../../.pre-commit-hooks.yaml", &hooks)
	var config struct {
		Repos []struct {
			Hooks []struct {
				ID string `yaml:"id"`
			} `yaml:"hooks"`
		} `yaml:"repos"`
	}
	readRecipe(t, "pre-commit-config.yaml", &config)
	if got := config.Repos[0].Hooks[0].ID; got != hooks[0].ID {
		t.Errorf("the example wants %s, there is %s", got, hooks[0].ID)
	}
	if files := regexp.MustCompile(hooks[0].Files); !files.MatchString("topology.yaml") || files.MatchString("topology.yaml.orig") {
		t.Errorf("the hook is run for the wrong files: %s", files)
	}
	before, after := aPeerMore()
	r := newRecipe(t, before, after)
	hook := fmt.Sprintf("%s %s", hooks[0].Entry, strings.Join(hooks[0].Args, " "))
	r.must("sh", hook)
	r.write("topology.yaml", "name: x")
	if out, err := r.run("sh", hook); err == nil {
		t.Errorf("a mistake passes:\n%s", out)
	}
}
