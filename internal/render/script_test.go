package render_test

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/diff"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// hostile are names that a kernel takes, and a shell or a terminal must not.
func hostile() []string {
	var every strings.Builder
	for c := 1; c < 256; c++ {
		if c != '/' { // no name holds one
			every.WriteByte(byte(c))
		}
	}
	return []string{
		" ", "-x", "it's", `"`, "`id`", "$(id)", "${HOME}", "a b", "*", "~", "#", "a;b", "a&&b", "\\", `\n`, "%s", "!x",
		"\n", "a\n", "\na\n\n", "\nip link delete eth0\n", "\x1b[31mred", "\x7f", "\xff\xfe", "\u202eevil", "é", "\u0085", every.String(),
	}
}

// runScript runs a script with stand-ins for ip, bridge and sysctl, and returns what
// they were called with.
func runScript(t *testing.T, script string, env ...string) (calls [][]string, out string, err error) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	for _, name := range []string{"ip", "bridge", "sysctl"} {
		stub := "#!/bin/sh\nprintf '%s\\0' " + name + " \"$@\" >>'" + log + "'\nprintf 'end of call\\0' >>'" + log + "'\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(stub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh")
	cmd.Stdin = strings.NewReader(script)
	cmd.Env = append(env, "PATH="+dir)
	b, err := cmd.CombinedOutput()
	text, readErr := os.ReadFile(log)
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		t.Fatal(readErr)
	}
	for call := range strings.SplitAfterSeq(string(text), "\x00end of call\x00") {
		if call, ok := strings.CutSuffix(call, "\x00end of call\x00"); ok {
			calls = append(calls, strings.Split(call, "\x00"))
		}
	}
	return calls, string(b), err
}

func scriptOf(t *testing.T, p *diff.Plan) string {
	t.Helper()
	var b strings.Builder
	if err := render.PlanScript(&b, render.NodePlan{Header: header("classic", "vm1"), Plan: p}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Whatever names and texts hold, the script's commands get them as they are, nothing
// else is run, and what is printed of them does no harm to a terminal.
func TestScriptOfHostileNames(t *testing.T) {
	for _, name := range hostile() {
		link := model.Link{Name: name, Type: model.Some("bridge"), Alias: model.Some(""), Up: model.Some(true)}
		steps := []model.Step{
			{Op: model.OpCreate, After: model.Netns{Name: name}},
			{Op: model.OpCreate, After: link},
			{Op: model.OpDelete, Before: link},
		}
		p := &diff.Plan{Steps: steps, Harmed: []diff.Harm{{Object: link, Cause: link.Key()}}, Touched: []diff.Touch{{Object: link, Action: diff.Delete, Why: name}}}
		for _, s := range steps {
			p.Changes = append(p.Changes, diff.Change{Action: diff.Update, Before: s.Object(), After: s.Object(), Intent: name, Source: name})
		}
		h := render.Header{Topology: name, Node: name, Files: []string{name}}
		var script strings.Builder
		if err := render.PlanScript(&script, render.NodePlan{Header: h, Plan: p}); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(script.String(), func(r rune) bool {
			return r != '\n' && r != '\t' && !unicode.IsPrint(r) || r == unicode.ReplacementChar
		}); i >= 0 {
			t.Errorf("%q: the script has the byte %#x", name, script.String()[i])
		}
		calls, out, err := runScript(t, script.String(), "ALLOW_HARM=1", "ALLOW_MGMT=1")
		if err != nil {
			t.Fatalf("%q: %v\n%s\n%s", name, err, out, script.String())
		}
		var want [][]string
		for _, s := range steps {
			for _, c := range model.Commands(s) {
				want = append(want, c.Args())
			}
		}
		if d := cmp.Diff(want, calls); d != "" {
			t.Errorf("%q: commands (-want +got):\n%s", name, d)
		}
	}
}

// Each step has its commands, in order; only to forget a sysctl needs none.
func TestScriptFollowsSteps(t *testing.T) {
	p := diff.Compute(wantedBy(t, rewrite(t, classic, "172.245.0.1/24", "172.245.0.9/24", "vni: 1", "vni: 2"), "vm1").State, made(t, classic, "vm1"), diff.Options{})
	var want [][]string
	for _, s := range p.Steps {
		cmds := model.Commands(s)
		if len(cmds) == 0 {
			t.Errorf("%s %s: no command", s.Op, s.Key())
		}
		for _, c := range cmds {
			want = append(want, slices.Concat(c.Args(), c.Mark))
		}
	}
	calls, out, err := runScript(t, scriptOf(t, p))
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	calls = slices.DeleteFunc(calls, func(c []string) bool { return c[0] == "sysctl" || slices.Contains(c, "show") })
	if d := cmp.Diff(want, calls); d != "" {
		t.Errorf("commands (-want +got):\n%s", d)
	}
}

// An address is deleted while its siblings are promoted, and the sysctl gets its value
// back, also if that fails.
func TestScriptHoldsSysctl(t *testing.T) {
	a := model.Address{Netns: "web", Link: "eth0", Prefix: netip.MustParsePrefix("10.0.0.1/24")}
	p := &diff.Plan{Steps: []model.Step{{Op: model.OpDelete, Before: a}}}
	script := scriptOf(t, p)
	for _, tc := range []struct {
		name, script string
		ok           bool
	}{
		{"deleted", script, true},
		{"not deleted", strings.Replace(script, "ip -n web address delete", "false ip -n web address delete", 1), false},
	} {
		calls, _, err := runScript(t, tc.script+"ip done\n")
		var got []string
		for _, c := range calls {
			got = append(got, strings.Join(c, " "))
		}
		want := []string{
			"ip netns exec web sysctl -n net.ipv4.conf.eth0.promote_secondaries",
			"ip netns exec web sysctl -q -w net.ipv4.conf.eth0.promote_secondaries=1",
			"ip -n web address delete 10.0.0.1/24 dev eth0",
			"ip netns exec web sysctl -q -w net.ipv4.conf.eth0.promote_secondaries=",
			"ip done",
		}
		if !tc.ok {
			want = slices.Delete(slices.Delete(want, 4, 5), 2, 3)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// What apply does only with a flag, the script does only with a variable.
func TestScriptGuards(t *testing.T) {
	link := model.Link{Name: "br0"}
	for _, tc := range []struct {
		variable string
		plan     diff.Plan
	}{
		{"ALLOW_HARM", diff.Plan{Harmed: []diff.Harm{{Object: link, Cause: link.Key()}}}},
		{"ALLOW_MGMT", diff.Plan{Touched: []diff.Touch{{Object: link, Why: "br0 carries the default route"}}}},
	} {
		tc.plan.Steps = []model.Step{{Op: model.OpDelete, Before: link}}
		script := scriptOf(t, &tc.plan)
		if calls, out, err := runScript(t, script); err == nil || len(calls) > 0 || !strings.Contains(out, tc.variable+"=1") {
			t.Errorf("%s not set: %v, commands %q, output %q", tc.variable, err, calls, out)
		}
		if calls, out, err := runScript(t, script, tc.variable+"=1"); err != nil || len(calls) != 1 {
			t.Errorf("%s set: %v, commands %q, output %q", tc.variable, err, calls, out)
		}
	}
}

// A script that was made elsewhere says with what it was compared.
func TestScriptOfBasis(t *testing.T) {
	h := header("classic", "vm1")
	h.Basis = "a snapshot\nip link delete eth0"
	var b strings.Builder
	if err := render.PlanScript(&b, render.NodePlan{Header: h, Plan: &diff.Plan{}}); err != nil {
		t.Fatal(err)
	}
	if want := "\n# It was not made on the host, but compared with a snapshot\\nip link delete eth0:\n"; !strings.Contains(b.String(), want) {
		t.Errorf("no %q in\n%s", want, b.String())
	}
}

// A plan that cannot be executed, and plans of several nodes, have no script.
func TestNoScript(t *testing.T) {
	blocked := &diff.Plan{Conflicts: make([]diff.Conflict, 2), Missing: make([]model.Entry, 1)}
	for _, tc := range []struct {
		name  string
		plans []render.NodePlan
		want  string
	}{
		{"blocked", []render.NodePlan{{Plan: blocked}}, "there is no script for a plan that cannot be executed: 2 conflicts and 1 missing object; --format text shows them"},
		{"several", []render.NodePlan{{Header: render.Header{Node: "vm1"}, Plan: &diff.Plan{}}, {Header: render.Header{Node: "vm2"}, Err: errors.New("no answer")}}, "a script is for one node: choose it with --node: vm1, vm2"},
		{"no plan", []render.NodePlan{{Err: errors.New("no answer")}}, "no answer"},
	} {
		var b strings.Builder
		err := render.Plans(&b, render.FormatScript, tc.plans, render.Options{})
		if err == nil || err.Error() != tc.want || b.Len() > 0 {
			t.Errorf("%s: error %v, want %s; output %q", tc.name, err, tc.want, b.String())
		}
	}
}
