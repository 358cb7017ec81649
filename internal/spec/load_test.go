package spec_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

func TestExamplesAreSound(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, f := range files {
		if _, problems, err := spec.Load([]string{f}, nil); err != nil {
			t.Errorf("%s: %v %v", f, err, problems)
		}
	}
}

// The problem as people see it.
func TestProblemText(t *testing.T) {
	_, problems := parse(strings.Replace(sound, "    interface: eth0", "    interfce: eth0", 1))
	want := `topology.yaml:8:5: nodes.vm1: unknown key "interfce"; did you mean "interface"? [NPO103]
     8 |     interfce: eth0
       |     ^`
	if got := problems[0].String(); got != want {
		t.Errorf("the problem reads\n%s\nwant\n%s", got, want)
	}
}

// All that is wrong is told at once, in order.
func TestAllAtOnce(t *testing.T) {
	text := strings.NewReplacer("mtu: 1500", "mtu: 15", "192.168.32.2", "192.168.32.x", "{br2: 10.2.0.1/24}", "{br2: 10.2.0.0/24}").Replace(sound)
	_, problems := parse(text)
	var got []string
	for _, p := range problems {
		got = append(got, place(p))
	}
	if d := cmp.Diff([]string{"4:6: ", "20:14: ", "21:20: "}, got); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}

// Warnings never block.
func TestWarning(t *testing.T) {
	top, problems := parse(strings.ReplaceAll(sound, "10.2.0", "172.245.0"))
	if top == nil || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].String(), "warning: nodes.vm2.bridges.br2: 172.245.0.0/24 is not private") {
		t.Errorf("topology %v, problems %v", top != nil, problems)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// split is the sound topology in two files.
func split() (head, tail string) {
	i := strings.Index(sound, "  vm2:")
	return sound[:i], "apiVersion: netplan-overlay/v1\nnodes:\n" + sound[i:]
}

func TestMerge(t *testing.T) {
	whole, _ := parse(sound)
	head, tail := split()
	dir := t.TempDir()
	a, b := write(t, dir, "a.yaml", head), write(t, dir, "b.yml", tail)
	write(t, dir, "c.txt", "not a topology")
	write(t, dir, ".hidden.yaml", "neither")
	for _, paths := range [][]string{{dir}, {a, b}, {b, a}} {
		top, problems, err := spec.Load(paths, nil)
		if err != nil {
			t.Fatalf("%v: %v %v", paths, err, problems)
		}
		ignore := cmpopts.IgnoreFields(spec.Topology{}, "Files", "Digest", "Sources")
		if d := cmp.Diff(whole, top, ignore, cmpopts.IgnoreTypes(spec.Pos{}), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}, model.MAC{})); d != "" {
			t.Errorf("%v is not the same as in one file (-want +got):\n%s", paths, d)
		}
	}
}

func TestMergeConflicts(t *testing.T) {
	head, tail := split()
	for _, tc := range []struct{ name, second, want string }{
		{"a node in both", "apiVersion: netplan-overlay/v1\nnodes:\n  vm1: {address: 10.9.9.9}\n", `b.yaml:3:3: nodes.vm1: the key "vm1" is here for the second time; the first one is at a.yaml:6`},
		{"a name in both", tail + "name: classic\n", `the key "name" is here for the second time; the first one is at a.yaml:2`},
		{"another version", strings.Replace(tail, "v1", "v2", 1), `b.yaml:1:13: apiVersion: "netplan-overlay/v2" is not a version`},
		{"no map", "hello\n", "b.yaml:1:1: a topology is a map, not a value"},
		{"not YAML", "{{{\n", "not readable as YAML"},
		{"a problem inside", strings.Replace(tail, "10.2.0.2/24", "10.3.0.2/24", 1), "b.yaml:6:23: nodes.vm2.namespaces.web: no bridge"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			top, problems := spec.Parse([]spec.Source{{Name: "a.yaml", Data: []byte(head)}, {Name: "b.yaml", Data: []byte(tc.second)}})
			if top != nil || len(problems) == 0 || !strings.Contains(fmt.Sprint(problems), tc.want) {
				t.Errorf("want %q, got %v", tc.want, problems)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good.yaml", sound)
	if top, _, err := spec.Load([]string{"-"}, strings.NewReader(sound)); err != nil || top.Name != "classic" {
		t.Errorf("from stdin: %v", err)
	}
	var invalid *spec.InvalidError
	if _, problems, err := spec.Load([]string{"-"}, strings.NewReader("a: b\n")); !errors.As(err, &invalid) || len(problems) != invalid.Errors {
		t.Errorf("a bad topology: %v, %v", err, problems)
	}
	for _, tc := range []struct {
		paths []string
		want  string
	}{
		{[]string{filepath.Join(dir, "nothing.yaml")}, "no such file"},
		{[]string{good, good}, "is given twice"},
		{[]string{t.TempDir()}, "there are no *.yaml files"},
	} {
		if _, _, err := spec.Load(tc.paths, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: the error is %v, want %q", tc.paths, err, tc.want)
		}
	}
}

// A small file must not take much time or memory.
func TestLimits(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		p := string(c - 1)
		laughs += fmt.Sprintf("%c: &%c [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]\n", c, c, p, p, p, p, p, p, p, p, p, p)
	}
	for _, tc := range []struct{ name, text, want string }{
		{"aliases", laughs, "aliases stand for more than 10000 nodes"},
		{"depth", "a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n", "nested more than 64 levels deep"},
		{"much depth", "a: " + strings.Repeat("[", 100_000) + "\n", "not readable as YAML"},
		{"a circle", "a: &a [*a]\n", ""},
		{"size", strings.Repeat("# comment\n", 2<<20), "more than the 16 MiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			top, problems := parse(tc.text)
			if top != nil || !strings.Contains(fmt.Sprint(problems), tc.want) {
				t.Errorf("want %q, got %.500s", tc.want, fmt.Sprint(problems))
			}
		})
	}
}

// An alias within the limits stands for what it names.
func TestAlias(t *testing.T) {
	text := strings.Replace(sound, "sysctls: {net.ipv4.ip_forward: 1}", "sysctls: &s {net.ipv4.ip_forward: 1}", 1)
	text = strings.Replace(text, "{web: 10.2.0.2/24}", "{web: {interfaces: {eth0: 10.2.0.2/24}, sysctls: *s}}", 1)
	top, problems := parse(text)
	if top == nil {
		t.Fatal(problems)
	}
	if got := top.Nodes[1].Namespaces[0].Sysctls; len(got) != 1 || got[0].Name != "net.ipv4.ip_forward" || got[0].Value != "1" {
		t.Errorf("the alias became %v", got)
	}
}
