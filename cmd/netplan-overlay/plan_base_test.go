package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stories returns the pairs of topologies of testdata/golden, by name: what was applied
// before, and what is asked for.
func stories(t *testing.T) map[string][2]string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	part := regexp.MustCompile(`(?ms)^-- (before|topology)\.yaml --\n(.*?)^-- `)
	l := map[string][2]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "\n-- ", "\n-- \n-- ") // each part has its own end
		m := part.FindAllStringSubmatch(text, -1)
		if len(m) == 2 {
			l[strings.TrimSuffix(filepath.Base(f), ".txtar")] = [2]string{m[0][2], m[1][2]}
		}
	}
	return l
}

// What plan --base says of a node is what plan says on its host, which has what the base
// asks for.
func TestPlanBaseIsThePlanOnTheHost(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, underlay+" 192.168.32.245/24")
	h := w.hosts[0]
	h.in("", "sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra=0") // that it lives on advertisements is not assumed
	much := plentiful("vxlan", 2, 3)
	cases := map[string]map[string]string{} // what is asked for, by name, by what was there before
	for name, c := range stories(t) {
		if cases[c[0]] == nil {
			cases[c[0]] = map[string]string{}
		}
		cases[c[0]][name] = c[1]
	}
	cases[much] = map[string]string{
		"peers come and go":     plentiful("vxlan", 3, 4, 5),
		"a namespace goes":      strings.Replace(much, "      web: [", "      www: [", 1),
		"sysctls go":            strings.Replace(much, "sysctls: {net.ipv4.ip_forward: 1, net.ipv4.conf.eth0.rp_filter: 2}", "sysctls: {}", 1),
		"a bridge goes":         strings.Replace(much, "      fw:", "      x-fw:", 1),
		"nodes change subnets":  strings.NewReplacer("172.16.1.", "172.16.2.", "172.16.2.", "172.16.1.").Replace(much),
		"direct routing begins": plentiful("{type: vxlan, directRouting: true}", 2, 3),
		"the underlay shrinks":  strings.Replace(much, "nodes:", "mtu: 1480\nnodes:", 1),
		"a longer way":          strings.Replace(much, "10.9.0.0/16", "10.9.0.0/17", 1),
		"no IPv6":               regexp.MustCompile(`, "fd42[^"]*"`).ReplaceAllString(much, ""),
		"host-gw":               plentiful("host-gw", 2, 3),
	}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 15 {
		cases[much][fmt.Sprint("random change ", i)] = edited(random, much)
	}
	changes := 0
	for base, l := range cases {
		before := w.file("before.yaml", base)
		h.apply(before)
		for name, text := range l {
			after := w.file("topology.yaml", text)
			there := h.tool("plan", "-f", after, "--format", "json")
			away := h.tool("plan", "-f", after, "--format", "json", "--base", before)
			if there.code != away.code {
				t.Fatalf("%s: exit codes %d and %d\n%s%s", name, there.code, away.code, there.err, away.err)
			}
			if there.out == "" && away.out == "" {
				continue // no such topology
			}
			want := comparable(t, there.out)
			if d := cmp.Diff(want, comparable(t, away.out)); d != "" {
				t.Errorf("%s (-on the host +away)\n%s", name, d)
			}
			changes += strings.Count(want, "\n")
		}
		if r := h.tool("destroy", "-f", before, "--auto-approve"); r.code != exitOK {
			t.Fatal(r.err)
		}
	}
	if changes < 200 {
		t.Errorf("only %d lines were compared", changes)
	}
}

// edited returns the topology with some of it changed by chance.
func edited(r *rand.Rand, text string) string {
	for _, edit := range [][2]string{
		{"br1: [172.16.1.1/24", "br9: [172.16.1.1/24"}, {"br3:", "br7:"}, {"      web: [", "      www: ["},
		{"172.16.1.10/24", "172.16.1.11/24"}, {"172.16.3.1/24", "172.16.13.1/24"}, {`, "fd42:0:0:2::1/64"`, ""}, {"mtu: 1400", "mtu: 1300"},
		{`mac: "02:00:00:00:67:02"`, `mac: "02:00:00:00:67:03"`}, {"rp_filter: 2", "rp_filter: 1"}, {"10.9.0.0/16", "10.8.0.0/16"},
		{"backend: vxlan", "backend: {type: vxlan, vni: 2}"}, {"192.168.32.2,", "192.168.32.22,"}, {"nodes:", "mtu: 1450\nnodes:"},
		{"    bridges: {br2:", "    overlay: {mac: \"02:00:00:00:02:02\"}\n    bridges: {br2:"}, {"overlay: false", "overlay: true"},
	} {
		if r.IntN(4) == 0 {
			text = strings.ReplaceAll(text, edit[0], edit[1])
		}
	}
	return text
}

// comparable is a plan without what only the kernel, or only the base, knows: the values
// of what goes, what it was part of, and how much was looked at.
func comparable(t *testing.T, document string) string {
	t.Helper()
	var p struct {
		Changes []struct {
			Action, Kind, Namespace, Name, Impact, Cause, Source string
			Implied                                              bool
			Attributes                                           []struct {
				Name          string
				Before, After *string
			}
		}
		Steps      []struct{ Op, Object string }
		Conflicts  []any
		Harmed     []any
		Missing    []any
		Management []any
	}
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	var b strings.Builder
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "%s %s %s/%s %s %s %s %v", c.Action, c.Kind, c.Namespace, c.Name, c.Impact, c.Cause, c.Source, c.Implied)
		for _, a := range c.Attributes {
			if c.Action == "update" || c.Action == "replace" {
				fmt.Fprintf(&b, " %s: %s -> %s", a.Name, *a.Before, *a.After)
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintln(&b, p.Steps, len(p.Conflicts), len(p.Harmed), len(p.Missing), len(p.Management))
	return b.String()
}

// repository makes a Git repository with the files as they were, and leaves them as they
// are to be.
func repository(t *testing.T, before, after map[string]string) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("this machine has no git")
	}
	dir := t.TempDir()
	put := func(files map[string]string) {
		for name, text := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(before)
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-q", "--allow-empty", "-m", "before"}} {
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, b)
		}
	}
	put(after)
	return dir
}

// The base comes from a revision, whatever the topology's files are.
func TestPlanBaseFromGit(t *testing.T) {
	hostOnly(t)
	head, nodes, _ := strings.Cut(two("vxlan"), "nodes:\n")
	nodes = "nodes:\n" + nodes
	old := map[string]string{"topology.yaml": two("vxlan"), "site/head.yaml": head, "site/nodes.yaml": nodes}
	third := "  vm3:\n    address: 192.168.32.247\n    bridges: {br247: 172.16.3.1/24}\n"
	dir := repository(t, old, map[string]string{
		"topology.yaml": two("vxlan") + third, "site/nodes.yaml": nodes + third, "new.yaml": two("vxlan"), "renamed.yaml": strings.Replace(two("vxlan"), "name: ", "name: other-", 1),
		"broken.yaml": "nodes: {",
	})
	const one = "vm1 create 3, vm2 create 3, vm3 create 11"
	for _, tc := range []struct {
		name string
		args []string
		want string // node by node, or in stderr
		code int
	}{
		{"a file", []string{"-f", "topology.yaml", "--base", "git:main:topology.yaml"}, one, exitChanges},
		{"the same file", []string{"-f", "topology.yaml", "--base", "git:HEAD"}, one, exitChanges},
		{"the same directory", []string{"-f", "site", "--base", "git:HEAD"}, one, exitChanges},
		{"the same files", []string{"-f", "site/head.yaml", "-f", "site/nodes.yaml", "--base", "git:HEAD"}, one, exitChanges},
		{"several bases", []string{"-f", "topology.yaml", "--base", "git:HEAD:site/head.yaml", "--base", "git:HEAD:site/nodes.yaml"}, one, exitChanges},
		{"one node", []string{"-f", "topology.yaml", "--base", "git:HEAD", "--node", "vm3"}, "vm3 create 11", exitChanges},
		{"nothing changes", []string{"-f", "new.yaml", "--base", "git:HEAD:topology.yaml"}, "vm1, vm2", exitOK},
		{"a node goes", []string{"-f", "new.yaml", "--base", "topology.yaml", "--node", "vm3"}, "vm3 delete 11", exitChanges},
		{"a new file", []string{"-f", "new.yaml", "--base", "git:HEAD", "--node", "vm2"}, "vm2 create 13", exitChanges},
		{"no such node", []string{"-f", "new.yaml", "--base", "git:HEAD", "--node", "vm9"}, `neither version of topology classic has a node "vm9"`, exitError},
		{"no such revision", []string{"-f", "new.yaml", "--base", "git:main2"}, "no revision main2; fetch it first", exitError},
		{"another topology", []string{"-f", "renamed.yaml", "--base", "git:HEAD:topology.yaml"}, "refuses the other", exitError},
		{"a broken base", []string{"-f", "new.yaml", "--base", "broken.yaml"}, "the base broken.yaml: ", exitError},
		{"to be saved", []string{"-f", "new.yaml", "--base", "git:HEAD", "--out", "p"}, "does not go with --base", exitError},
		{"a script", []string{"-f", "new.yaml", "--base", "git:HEAD:topology.yaml", "--format", "iproute2"}, "at which --base does not look", exitError},
		{"from stdin twice", []string{"-f", "-", "--base", "-"}, "only one of them can come from stdin", exitError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := toolCommand(t, append([]string{"plan", "--format", "json", "--detailed-exitcode"}, tc.args...)...)
			cmd.Dir = dir
			r := runTool(t, cmd)
			if r.code != tc.code {
				t.Errorf("exit code %d; want %d\n%s", r.code, tc.code, r.err)
			}
			got := r.err
			if tc.code != exitError {
				got = nodesOf(t, r.out)
			}
			if !strings.Contains(got, tc.want) || tc.code != exitError && got != tc.want {
				t.Errorf("got %q; want %q\n%s", got, tc.want, r.err)
			}
		})
	}
}

// nodesOf counts the changes of a document, node by node.
func nodesOf(t *testing.T, document string) string {
	t.Helper()
	type plan struct {
		Node    string
		Changes []struct{ Action string }
	}
	var d struct {
		plan
		Nodes []struct{ Plan plan }
	}
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		t.Fatalf("%v\n%s", err, document)
	}
	all := []plan{d.plan}
	if d.Nodes != nil {
		all = nil
		for _, n := range d.Nodes {
			all = append(all, n.Plan)
		}
	}
	var l []string
	for _, p := range all {
		s := p.Node
		if n := len(p.Changes); n > 0 {
			s += fmt.Sprintf(" %s %d", p.Changes[0].Action, n)
		}
		l = append(l, s)
	}
	return strings.Join(l, ", ")
}
