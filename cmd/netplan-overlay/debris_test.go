package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a run may leave that died, made by hand: the next apply finishes it or cleans it
// up, without a word. What only looks like it is somebody's, and refused or left alone.
func TestDebris(t *testing.T) {
	hostOnly(t)
	stateDir := func(h *host) string { return filepath.Join(h.runDir(), "classic@vm1") }
	put := func(h *host, path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			h.w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			h.w.t.Fatal(err)
		}
	}
	topology := plentiful("{type: vxlan, vni: 1, port: 8472}", 2, 3)
	sound := newWorld(t, underlay)
	sound.hosts[0].apply(sound.file("topology.yaml", topology))
	want := sound.hosts[0].everything()
	for i, tc := range []struct {
		name string
		make func(h *host)
		code int
		want string // in the error
		left []string
	}{
		{name: "a link without alias that nobody wants", make: func(h *host) { h.ip("link", "add", "debris", "group", "157", "type", "bridge") }},
		{name: "a bridge without alias that is wanted", make: func(h *host) { h.ip("link", "add", "br1", "group", "157", "type", "bridge") }},
		{name: "a vxlan device without alias with the VNI that is wanted", make: func(h *host) {
			h.ip("link", "add", "debris", "group", "157", "type", "vxlan", "id", "1", "dstport", "8472")
		}},
		{name: "a veth whose other end is not where it belongs", make: func(h *host) {
			h.ip("link", "add", "veth-web", "group", "157", "type", "veth", "peer", "name", "tmp0", "group", "157")
		}},
		{name: "a veth whose other end alone has lost its group", make: func(h *host) {
			h.ip("link", "add", "veth-web", "group", "157", "type", "veth", "peer", "name", "tmp0")
		}, code: exitError, want: "--allow-harm"},
		{name: "the file of a namespace that is wanted", make: func(h *host) { put(h, filepath.Join(h.dir, "web"), "") }},
		{name: "an empty file of nobody", make: func(h *host) { put(h, filepath.Join(h.dir, "other"), "") }, left: []string{"netns other"}},
		{name: "a file with something in it", make: func(h *host) { put(h, filepath.Join(h.dir, "web"), "precious") }, code: exitRolledBack, want: "file exists"},
		{name: "a namespace without the mark", make: func(h *host) {
			put(h, filepath.Join(h.dir, "web"), "")
			h.w.must("unshare", "--net="+filepath.Join(h.dir, "web"), "true")
		}, code: exitError, want: "conflict"},
		{name: "a journal that was begun", make: func(h *host) { put(h, filepath.Join(stateDir(h), "journal.new"), "0123") }},
		{name: "a memory of sysctls that was begun", make: func(h *host) { put(h, filepath.Join(stateDir(h), "sysctl.json.new"), `{"boot":`) }},
		{name: "a memory of sysctls that is cut off", make: func(h *host) { put(h, filepath.Join(stateDir(h), "sysctl.json"), `{"boot":`) },
			code: exitError, want: "remove the file to forget them"},
		{name: "a journal that is cut off", make: func(h *host) { put(h, filepath.Join(stateDir(h), "journal"), "0123") },
			code: exitError, want: "remove it to forget that run"},
	} {
		if slow() && i%6 != 1 {
			continue // it is slow
		}
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, underlay)
			h := w.hosts[0]
			file := w.file("topology.yaml", topology)
			tc.make(h)
			before := h.everything()
			r := h.tool("apply", "-f", file, "--auto-approve")
			if r.code != tc.code || !strings.Contains(r.err, tc.want) {
				t.Errorf("exit code %d, want %d and %q\n%s", r.code, tc.code, tc.want, r.err)
			}
			if tc.code == exitOK {
				before = append(slices.Clone(want), tc.left...)
				slices.Sort(before)
				h.converged(file)
			}
			if d := cmp.Diff(before, h.everything()); d != "" {
				t.Errorf("the host (-want +got):\n%s", d)
			}
			proved(t, "half-made objects and files are there, and such as look like them", 1, "ours are finished or removed, others are left alone")
		})
	}
}

// A journal of another boot says nothing of this one: whatever it tells of went with the
// machine's power.
func TestJournalOfAnotherBoot(t *testing.T) {
	hostOnly(t)
	if sameThere(t) {
		return
	}
	w := newWorld(t, underlay)
	h := w.hosts[0]
	file := w.file("topology.yaml", plentiful("vxlan", 2, 3))
	if r := h.toolWith([]string{dieVar + "=20"}, "apply", "-f", file, "--auto-approve"); r.code != -1 {
		t.Fatalf("it lives: exit code %d", r.code)
	}
	if r := h.tool("plan", "-f", file); !strings.Contains(r.err, "was interrupted") {
		t.Fatalf("the crash is not told: %s", r.err)
	}
	forge(t, filepath.Join(h.runDir(), "classic@vm1", "journal"))
	before := h.settledTruth()
	r := h.tool("apply", "-f", file, "--recover")
	if r.code != exitError || !strings.Contains(r.err, "nothing to recover") {
		t.Errorf("recover: exit code %d\n%s", r.code, r.err)
	}
	if d := lineDiff(before, h.truth()); len(d) > 0 {
		t.Errorf("recover has changed the host:\n%s", strings.Join(d, "\n"))
	}
	if r := h.tool("apply", "-f", file, "--auto-approve"); r.code != exitOK || strings.Contains(r.err, "interrupted") {
		t.Errorf("apply: exit code %d\n%s", r.code, r.err)
	}
	h.converged(file)
	proved(t, "the journal is one of another boot", 1, "it says nothing of this one")
}

// forge gives a journal another boot's ID, and the checksum that belongs to it.
func forge(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	_, document, _ := bytes.Cut(first, []byte(" "))
	document = regexp.MustCompile(`"boot":"[^"]*"`).ReplaceAll(document, []byte(`"boot":"00000000-0000-0000-0000-000000000000"`))
	b = fmt.Appendf(nil, "%08x %s\n%s", crc32.ChecksumIEEE(document), document, rest)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
