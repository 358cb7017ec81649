package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inProcess runs a command in this process. It must be one that reads no topology: with
// those, the process would give up rights that other tests need.
func inProcess(t *testing.T, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	u := &ui{in: strings.NewReader(""), out: &out, err: &errs}
	root := newRoot(&common{ui: u})
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errs)
	code := u.exitCode(root.ExecuteContext(context.Background()))
	return result{out: out.String(), err: errs.String(), code: code}
}

func TestExplainKeys(t *testing.T) {
	hostOnly(t)
	for _, tc := range []struct {
		path string
		code int
		out  string // in what is printed
		err  string // all that is said
	}{
		{"nodes.address", exitOK, "nodes.NODE.address\n", ""},
		{"backend.vni", exitOK, "default   1\n", ""},
		{"nodes.vm1.bridges.br0.mtu", exitOK, "default   defaults.bridge.mtu, else the overlay device's;", ""},
		{"nodes.vm1", exitOK, "nodes.NODE\n", ""},
		{"nodes.NODE", exitOK, "nodes.NODE\n", ""},
		{"nodes.adress", exitOK, "nodes.NODE\n", "\"adress\" is taken for the name of a node; did you mean nodes.NODE.address?\n"},
		{"nodes.vm1.adress", exitError, "", "Error: nodes.NODE has no key \"adress\"; did you mean \"address\"?\n"},
		{"mut", exitError, "", "Error: the topology file has no key \"mut\"; did you mean \"mtu\"?\n"},
		{"backend.address", exitError, "", "Error: backend has no key \"address\"; its keys are type, vni, port, mode, directRouting, routeMetrics\n"},
		{"name.x", exitError, "", "Error: name is a plain value: there is no \"x\" in it\n"},
		{"backend.\x1b[31m", exitError, "", "Error: backend has no key \"\\x1b[31m\"; its keys are type, vni, port, mode, directRouting, routeMetrics\n"},
	} {
		r := inProcess(t, "explain", tc.path)
		if r.code != tc.code || !strings.Contains(r.out, tc.out) || r.err != tc.err {
			t.Errorf("explain %q: exit code %d, want %d, %q and %q\n%s%s", tc.path, r.code, tc.code, tc.out, tc.err, r.out, r.err)
		}
	}
	if r := inProcess(t, "explain"); !strings.Contains(r.out, "\n    bridges ") || r.code != exitOK {
		t.Errorf("explain: exit code %d\n%s", r.code, r.out)
	}
}

func TestErrorCodes(t *testing.T) {
	for arg, want := range map[string]bool{"NPO103": true, "npo7": true, "NPO": false, "nodes": false, "NPO1.x": false, "": false} {
		if got := isErrorCode(arg); got != want {
			t.Errorf("%q is a code: %v, want %v", arg, got, want)
		}
	}
}

// The shell is offered the keys of a level, whether names are given or not.
func TestCompleteKeys(t *testing.T) {
	hostOnly(t)
	for _, tc := range []struct {
		begun string
		want  []string
	}{
		{"", []string{"apiVersion", "name", "backend", "mtu", "probe", "defaults", "nodes"}},
		{"n", []string{"name", "nodes"}},
		{"nodes.", []string{"nodes.address", "nodes.interface", "nodes.overlay", "nodes.bridges", "nodes.namespaces", "nodes.probe"}},
		{"nodes.vm1.b", []string{"nodes.vm1.bridges"}},
		{"nodes.bridges.br0.m", []string{"nodes.bridges.br0.mtu", "nodes.bridges.br0.mac"}},
		{"backend.vni.", nil},
		{"nonesuch.", nil},
	} {
		r := inProcess(t, "__complete", "explain", tc.begun)
		var got []string
		for line := range strings.Lines(r.out) {
			if word, help, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && help != "" {
				got = append(got, word)
			}
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", tc.begun, d)
		}
	}
}

// What schema prints is the schema, whole.
func TestSchemaCommand(t *testing.T) {
	hostOnly(t)
	r := inProcess(t, "schema")
	if named := inProcess(t, "schema", "topology"); named != r || r.code != exitOK || !strings.Contains(r.out, `"apiVersion": {`) || r.err != "" {
		t.Errorf("exit code %d: %s\n%s", r.code, r.err, r.out)
	}
	r = inProcess(t, "schema", "nonesuch")
	if r.code != exitError || !strings.HasPrefix(r.err, "Error: there is no schema \"nonesuch\"; there is plan, snapshot, status, topology") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	if r = inProcess(t, "__complete", "schema", ""); !strings.Contains(r.out, "\ntopology\n") {
		t.Errorf("completion offers %q", r.out)
	}
}
