package render_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
	"github.com/netplan-overlay/netplan-overlay/internal/status"
)

// noon is when all statuses are taken.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func ago(d time.Duration) time.Time { return noon().Add(-d) }

// watched is a host that is as it should be.
func watched() *status.Status {
	change := status.Change{
		Time: ago(5 * time.Minute), Action: "update", Kind: "link", Object: "link br245", Attrs: []string{"mtu 1400 -> 1450"},
		Reason: "drift", Impact: "brief", Duration: 3200 * time.Microsecond,
	}
	return &status.Status{
		FormatVersion: status.FormatVersion, Version: "1.2.3", PID: 4711, Now: noon(), Started: ago(72 * time.Hour),
		Topology: "classic", Node: "vm1", State: status.InSync, Since: ago(2 * time.Hour),
		Source:   status.Source{Paths: []string{"/etc/netplan-overlay/"}, OK: true, Since: ago(72 * time.Hour)},
		Revision: &status.Revision{Digest: strings.Repeat("3f2a1b0c", 8), Commit: strings.Repeat("0123456789", 4), Since: ago(30 * time.Hour)},
		Objects:  13, Last: &change, Recent: []status.Change{change},
		Limits: status.Limits{ApproveImpact: "disruptive", FullPass: time.Minute, Contested: 5},
		Counters: status.Counters{
			Changes: status.Changes{{Action: "update", Kind: "link", Reason: "drift"}: 3, {Action: "create", Kind: "route", Reason: "spec"}: 10},
			Drift:   map[string]uint64{"link": 2, "route": 1}, Passes: map[status.PassKind]uint64{status.PassTimer: 4320, status.PassPoint: 7},
			Failures: map[status.PassKind]uint64{status.PassTimer: 2}, Events: 123456, Relevant: 99,
			Revisions: map[status.RevisionFate]uint64{status.FateApplied: 1},
		},
		Passes: status.PassTimes{Full: ago(20 * time.Second), Last: ago(3 * time.Second)},
	}
}

// statuses are hosts in all states that people meet.
func statuses() map[string]*status.Status {
	m := map[string]*status.Status{"in-sync": watched()}
	with := func(name string, change func(s *status.Status)) {
		s := watched()
		change(s)
		m[name] = s
	}
	with("starting", func(s *status.Status) {
		*s = status.Status{Version: "1.2.3", PID: 4711, Now: noon(), Started: ago(time.Second), State: status.Starting, Since: ago(time.Second), Limits: s.Limits}
	})
	with("waiting", func(s *status.Status) {
		s.State, s.Reason, s.Revision, s.Topology, s.Node, s.Last, s.Recent, s.Objects = status.Waiting, "no device has the address 192.168.32.245 of vm1", nil, "", "", nil, nil, 0
		s.Pending = &status.Pending{Revision: status.Revision{Digest: strings.Repeat("77", 32), Since: ago(time.Minute)}, Why: status.PendingWaiting, Detail: s.Reason}
		s.Last = &status.Change{Time: noon(), Action: "delete", Kind: "netns", Object: "netns old", Impact: "none", Duration: time.Second}
		s.Counters, s.Passes = status.Counters{Changes: status.Changes{{Action: "delete", Kind: "netns"}: 1}}, status.PassTimes{}
	})
	with("invalid", func(s *status.Status) {
		s.Source = status.Source{Paths: []string{"topology.yaml"}, Error: "topology.yaml:3:1: backends: unknown key\n  hint: backend\ntopology.yaml:9:2: no", Since: ago(4 * time.Minute)}
		s.Pending = &status.Pending{Revision: status.Revision{Digest: strings.Repeat("77", 32), Since: ago(4 * time.Minute)}, Why: status.PendingInvalid, Detail: s.Source.Error}
	})
	with("restored", func(s *status.Status) {
		s.Revision.Restore = true
		s.Source = status.Source{Paths: []string{"/srv/git/current"}, Error: "open /srv/git/current: no such file or directory", Since: ago(time.Minute)}
	})
	with("contested", func(s *status.Status) {
		s.State, s.Reason = status.Drifted, "2 objects are left alone"
		s.Held = []status.Held{
			{Kind: "link", Object: "link vxlan1", Why: status.HeldContested, Since: ago(time.Minute), Detail: "mtu was put right 5 times in 1m0s, and each time changed again, by flanneld (process 77); stop that, then reload"},
			{Kind: "route", Object: "route 172.246.0.0/24", Why: status.HeldFailing, Since: ago(26 * time.Hour), Detail: "no such device\nmore", Next: noon().Add(time.Minute), Tries: 7},
		}
		s.Counters.Contested, s.Counters.Overruns = 1, 1
	})
	with("dry-run", func(s *status.Status) {
		s.State, s.Reason, s.DryRun = status.Drifted, "25 objects differ; this is a dry run", true
		s.Drift = []status.Drift{
			{Kind: "link", Object: "link br245", Action: "update", Attrs: []string{"mtu 1400 -> 1450", "up false -> true"}, Since: ago(time.Hour)},
			{Kind: "address", Object: "address 172.245.0.1/24 on br245", Action: "create", Since: ago(time.Hour)},
		}
		for i := range 23 {
			s.Drift = append(s.Drift, status.Drift{Kind: "route", Object: fmt.Sprintf("route 10.0.%d.0/24", i), Action: "delete", Since: ago(time.Minute)})
		}
	})
	with("failed-revision", func(s *status.Status) {
		s.Pending = &status.Pending{
			Revision: status.Revision{Digest: strings.Repeat("77", 32), Commit: strings.Repeat("ab", 20), Since: ago(time.Hour)}, Why: status.PendingFailed,
			Detail: "topology.yaml:12: create link br9: operation not supported; all was taken back\nit is not tried again until the file changes, or on reload",
		}
	})
	with("impact", func(s *status.Status) {
		s.Pending = &status.Pending{Revision: status.Revision{Digest: strings.Repeat("77", 32), Since: ago(time.Hour)}, Why: status.PendingImpact, Detail: "the plan is disruptive; approved is brief"}
	})
	with("failing", func(s *status.Status) {
		s.State, s.Reason, s.Revision = status.Failing, "dump links: interrupted system call", nil
	})
	with("unattended", func(s *status.Status) {
		s.State, s.Reason = status.Unattended, "the run of 11:58 waits to be confirmed"
	})
	with("peers-down", func(s *status.Status) {
		s.Peers = []status.Peer{
			{Node: "vm2", Address: "192.168.32.246", State: status.Up, Since: ago(72 * time.Hour), RTT: 412 * time.Microsecond, Sent: 1000, Loss: .01, Lost: 7},
			{Node: "vm3", Address: "192.168.32.247", State: status.Down, Since: ago(42 * time.Second), RTT: 38 * time.Millisecond, Sent: 1000, Loss: 1, Lost: 21},
			{Node: "vm3", Namespace: "ns247", Address: "172.247.0.2", State: status.Unknown, Since: ago(42 * time.Second)},
			{Node: "vm4", Address: "fd00::4", State: status.Unknown, Since: ago(42 * time.Second), Sent: 3, Lost: 3, Loss: 1, Error: "network is unreachable\x1b[2J"},
		}
	})
	with("thousand-peers", func(s *status.Status) {
		for i := range 1000 {
			p := status.Peer{Node: fmt.Sprintf("n%d", i), Address: fmt.Sprintf("10.0.%d.%d", i/250, i%250), State: status.Up, Since: ago(time.Hour), RTT: time.Millisecond, Sent: 9}
			if i%30 == 0 {
				p.State, p.Loss = status.Down, 1
			}
			s.Peers = append(s.Peers, p)
		}
	})
	return m
}

func statusText(t *testing.T, s *status.Status, o render.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Status(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func statusJSON(t *testing.T, s *status.Status) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.StatusJSON(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestStatus(t *testing.T) {
	for name, s := range statuses() {
		golden(t, "status-"+name+".txt", statusText(t, s, render.Options{}))
	}
	golden(t, "status-contested.json", statusJSON(t, statuses()["contested"]))
	golden(t, "status-peers-down.json", statusJSON(t, statuses()["peers-down"]))
}

// Colour adds nothing but colour.
func TestStatusColour(t *testing.T) {
	for name, s := range statuses() {
		plain, coloured := statusText(t, s, render.Options{}), statusText(t, s, render.Options{Color: true})
		if plain == coloured {
			t.Errorf("%s: there is no colour", name)
		}
		if d := cmp.Diff(plain, uncoloured(coloured)); d != "" {
			t.Errorf("%s (-plain +coloured):\n%s", name, d)
		}
	}
}

func uncoloured(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}

// However many peers and objects there are, a person can read it.
func TestStatusIsShort(t *testing.T) {
	s := statuses()["thousand-peers"]
	for i := range 5000 {
		s.Held = append(s.Held, status.Held{Kind: "route", Object: fmt.Sprintf("route 10.%d.%d.0/24", i/250, i%250), Why: status.HeldFailing, Detail: strings.Repeat("line\n", 3)})
	}
	if n := strings.Count(statusText(t, s, render.Options{}), "\n"); n > 150 {
		t.Errorf("there are %d lines", n)
	}
}

// The JSON of each fits the published schema, has nothing that it doesn't list, and says
// the same when it is read again.
func TestStatusSchema(t *testing.T) {
	schema := schemaOf(t, "status", true)
	for name, s := range statuses() {
		text := statusJSON(t, s)
		fits(t, schema, text)
		var again status.Status
		if err := json.Unmarshal([]byte(text), &again); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(statusText(t, s, render.Options{}), statusText(t, &again, render.Options{})); d != "" {
			t.Errorf("%s (-before +again):\n%s", name, d)
		}
	}
}

// Each word that there is for a state or a reason is in the schema, and has a text.
func TestStatusWords(t *testing.T) {
	schema := schemaOf(t, "status", true)
	for _, x := range status.States() {
		s := watched()
		s.State = x
		fits(t, schema, statusJSON(t, s))
	}
	for _, why := range status.PendingWhys() {
		s := watched()
		s.Pending = &status.Pending{Why: why}
		fits(t, schema, statusJSON(t, s))
		if strings.Contains(statusText(t, s, render.Options{}), ": "+string(why)+".") {
			t.Errorf("pending %s has no words", why)
		}
	}
	for _, why := range status.HeldWhys() {
		s := watched()
		s.Held = []status.Held{{Kind: "link", Object: "link x", Why: why}}
		fits(t, schema, statusJSON(t, s))
		if strings.Contains(statusText(t, s, render.Options{}), "  "+string(why)+": \n") {
			t.Errorf("held %s has no words", why)
		}
	}
	s := watched()
	for _, k := range status.PassKinds() {
		s.Counters.Passes[k], s.Counters.Failures[k] = 1, 1
	}
	for _, f := range status.RevisionFates() {
		s.Counters.Revisions[f] = 1
	}
	fits(t, schema, statusJSON(t, s))
}

// What is not so is refused.
func TestStatusSchemaRefuses(t *testing.T) {
	schema := schemaOf(t, "status", false)
	for _, spoil := range []func(map[string]any){
		func(m map[string]any) { delete(m, "state") },
		func(m map[string]any) { m["state"] = "fine" },
		func(m map[string]any) { m["format_version"] = "2.0" },
		func(m map[string]any) { m["counters"].(map[string]any)["changes"] = map[string]any{} },
		func(m map[string]any) { m["held"].([]any)[0].(map[string]any)["why"] = "bored" },
	} {
		var m map[string]any
		if err := json.Unmarshal([]byte(statusJSON(t, statuses()["contested"])), &m); err != nil {
			t.Fatal(err)
		}
		spoil(m)
		if schema.Validate(m) == nil {
			t.Error("a document that is wrong fits")
		}
	}
}

// Names and errors come from the kernel and from files, which hold any byte.
func TestStatusOfHostileNames(t *testing.T) {
	const evil = "\x1b[2J\x07\r\u202e\xff\t"
	s := &status.Status{
		Version: evil, Topology: evil, Node: evil, State: status.State(evil), Reason: evil, Now: noon(),
		Source:   status.Source{Paths: []string{evil}, Error: evil},
		Revision: &status.Revision{Digest: evil, Commit: evil},
		Pending:  &status.Pending{Revision: status.Revision{Digest: evil, Commit: evil}, Why: status.PendingWhy(evil), Detail: evil + "\n" + evil},
		Last:     &status.Change{Action: evil, Kind: evil, Object: evil, Attrs: []string{evil}, Reason: evil, Impact: evil},
		Drift:    []status.Drift{{Kind: evil, Object: evil, Action: evil, Attrs: []string{evil}}},
		Held:     []status.Held{{Kind: evil, Object: evil, Why: status.HeldWhy(evil), Detail: evil}},
		Peers:    []status.Peer{{Node: evil, Namespace: evil, Address: evil, State: status.Reach(evil)}, {Node: evil, State: status.Up}},
		Limits:   status.Limits{ApproveImpact: evil},
	}
	states := append(status.States(), status.State(evil))
	for _, state := range states {
		s.State = state
		text := statusText(t, s, render.Options{})
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
				t.Fatalf("%q has %q", text, r)
			}
		}
	}
	var again status.Status
	if err := json.Unmarshal([]byte(statusJSON(t, s)), &again); err != nil {
		t.Error(err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestStatusWriteError(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"text": func(w io.Writer) error { return render.Status(w, watched(), render.Options{}) },
		"json": func(w io.Writer) error { return render.StatusJSON(w, watched()) },
	} {
		if err := write(fullDisk{}); err == nil || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
