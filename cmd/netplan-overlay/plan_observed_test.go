package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// basis is what a plan from elsewhere says more.
var basis = regexp.MustCompile(`(?m)^ *"basis": .*\n`)

// A plan from a snapshot is the plan that the host itself would make, of whatever file:
// also of one that nobody had in mind when the snapshot was made.
func TestPlanObservedIsThePlanOnTheHost(t *testing.T) {
	hostOnly(t)
	w := newWorld(t, underlay+" 192.168.32.245/24")
	h := w.hosts[0]
	h.ip("route", "add", "default", "via", "192.168.32.254")
	much := plentiful("vxlan", 2, 3)
	files := map[string]string{
		"much": much, "two": two("vxlan"), "host-gw": plentiful("host-gw", 2, 4), "direct": plentiful("{type: vxlan, directRouting: true}", 3),
		"spread":  plentiful("{type: vxlan, routeMetrics: spread}", 2, 3, 4),
		"renamed": strings.NewReplacer("br1:", "br9:", "web:", "www:", "rp_filter", "log_martians").Replace(much),
		"far":     strings.Replace(plentiful("{type: vxlan, directRouting: true}", 2, 3), "192.168.32.3,", "10.77.0.3,", 1),
	}
	states := []struct {
		name string
		make func()
	}{
		{"nothing", func() {}},
		{"applied", func() { h.apply(w.file("much.yaml", much)) }},
		{"drifted", func() {
			h.ip("route", "delete", "172.16.2.0/24")
			h.ip("link", "set", "vxlan1", "mtu", "1300")
			h.inside("fw", "address", "add", "10.7.0.77/24", "dev", "eth1")
			h.in("fw", "sysctl", "-qw", "net.ipv4.conf.eth1.log_martians=1")
			h.ip("link", "add", "br245", "type", "bridge")
			h.ip("link", "add", "br9", "type", "bridge")
			h.ip("route", "add", "172.16.4.0/24", "via", "192.168.32.4", "proto", "static")
			h.ip("link", "add", "x1", "type", "veth", "peer", "name", "x2")
			h.ip("link", "set", "x1", "master", "br1", "up")
		}},
		{"managed through the bridge", func() { h.ip("route", "replace", "default", "via", "172.16.1.77", "dev", "br1") }},
	}
	plans, touched := 0, 0
	for i, s := range states {
		s.make()
		shot := filepath.Join(w.dir, s.name+".json")
		if r := h.tool("observe", "--out", shot); r.code != exitOK {
			t.Fatal(r.err)
		}
		for name, text := range files {
			file := w.file("topology.yaml", text)
			for _, flags := range [][]string{nil, [][]string{{"--adopt"}, {"--phase", "prepare"}}[i%2]} {
				args := append([]string{"plan", "-f", file, "--format", "json", "--detailed-exitcode"}, flags...)
				there, away := h.tool(args...), h.tool(append(args, "--observed", shot)...)
				got := basis.ReplaceAllString(away.out, "")
				if d := cmp.Diff(there.out, got); d != "" || there.code != away.code {
					t.Errorf("%s, %s, %v: exit codes %d and %d (-on the host +from the snapshot)\n%s%s%s", s.name, name, flags, there.code, away.code, d, there.err, away.err)
				}
				if strings.Contains(there.out, `"op"`) {
					plans++
				}
				if !strings.Contains(there.out, `"management": []`) {
					touched++
				}
			}
		}
	}
	redacted := h.tool("observe", "--out", "-", "--redact")
	for _, word := range []string{"eth0", "192.168.32.1", "2001:db8:32::1", "172.16.1.", "classic", "br245", "vxlan1", "\"fw\""} {
		if redacted.code != exitOK || strings.Contains(redacted.out, word) {
			t.Errorf("%q is left in a redacted snapshot: exit code %d, %s", word, redacted.code, redacted.err)
		}
	}
	if plans < 30 || touched < 3 {
		t.Errorf("only %d plans do something, %d to the management connection", plans, touched)
	}
}

// Snapshots of a fleet are planned from in one go, and each that cannot be used is told.
func TestPlanObservedFleet(t *testing.T) {
	hostOnly(t)
	w := twoHosts(t)
	file := w.file("topology.yaml", two("vxlan"))
	dir := filepath.Join(w.dir, "shots")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	shot := func(i int, args ...string) string {
		t.Helper()
		h := w.hosts[i]
		path := filepath.Join(dir, h.name+".json")
		if r := h.in("", os.Args[0], append([]string{"observe", "--out", path, "--netns-dir", h.dir, "--run-dir", h.runDir()}, args...)...); r.code != exitOK {
			t.Fatal(r.err)
		}
		return path
	}
	w.hosts[0].apply(file)
	shot(0)           // the marks tell which node it is
	second := shot(1) // its address does
	plan := func(want int, args ...string) result {
		t.Helper()
		r := runTool(t, toolCommand(t, append([]string{"plan", "--format", "json", "--detailed-exitcode", "-f", file}, args...)...))
		if r.code != want {
			t.Fatalf("plan %v: exit code %d; want %d\n%s", args, r.code, want, r.err)
		}
		return r
	}
	if got := nodesOf(t, plan(exitChanges, "--observed", dir).out); got != "vm1, vm2 create 13" {
		t.Errorf("the fleet: %s", got)
	}
	if got := nodesOf(t, plan(exitOK, "--observed", dir, "--node", "vm1").out); got != "vm1" {
		t.Errorf("one node: %s", got)
	}
	refused := func(what, want string, args ...string) {
		t.Helper()
		if r := plan(exitError, append(args, "--observed", dir)...); !strings.Contains(r.err, want) {
			t.Errorf("%s: %s", what, r.err)
		}
	}
	refused("an old one", "more than --max-age 1ns", "--max-age", "1ns")
	refused("two ways", "--base and --observed: only one of them", "--base", file)
	refused("a plan to save", "does not go with --observed", "--out", filepath.Join(w.dir, "p"))
	good, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, now string) {
		t.Helper()
		text := regexp.MustCompile(old).ReplaceAllString(string(good), now)
		if text == string(good) {
			t.Fatalf("there is no %s", old)
		}
		if err := os.WriteFile(second, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace(`"time": "[^"]*"`, `"time": "`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`"`)
	refused("one of the future", "still to come")
	replace(`"hostname"`, `"topology": "other", "hostname"`)
	refused("one of another topology", "of the topology other")
	replace(`"format_version": "1.0"`, `"format_version": "2.0"`)
	refused("one of a later form", `its format is "2.0"`)
	replace(`^\{`, ``)
	refused("none", "it is no snapshot")
	replace(`"prefix": "192[^"]*"`, `"prefix": ""`)
	refused("a broken one", "it is broken: an address that is none")
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	refused("a missing one", "node vm2: there is no snapshot of it")
	if r := plan(exitOK, "--observed", dir, "--node", "vm1"); r.err != "" {
		t.Errorf("one that is there: %s", r.err)
	}
}
