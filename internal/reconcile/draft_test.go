package reconcile

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/netplan-overlay/netplan-overlay/internal/desired"
	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// A draft is the note that the run's end would have made, whatever was done to what is wanted
// once it is read; if the run did not end well, the former note stays, and nothing else.
func TestDraft(t *testing.T) {
	top := version(t, "vxlan", rand.New(rand.NewPCG(1, 2)))
	r := &Reconciler{Topology: top, Node: &top.Nodes[0], place: Place{RunDir: t.TempDir()}}
	facts := desired.Assume(top, r.Node)
	expand := func() *desired.Expansion {
		x, err := desired.Expand(top, r.Node, facts)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	r.draft.wanted = true
	if r.beginDraft(expand(), facts); r.draft.of != nil {
		t.Error("a draft is begun for a node that nothing was done on")
	}
	dir := r.stateDir()
	d, err := kernel.MakeDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Replace(appliedFile, []byte("former")); err != nil {
		t.Fatal(err)
	}
	for _, failed := range []error{errors.New("a step failed"), nil} {
		x := expand()
		r.draft.wanted = true
		r.beginDraft(x, facts)
		r.draft.digested()
		objects := x.State.Makeable()
		for r := range x.State.Clone().Routes() {
			x.State.Remove(r.Key())
		}
		began := r.draft.of
		r.remember(&Result{Expansion: x, facts: facts}, failed, ApplyOptions{})
		if began != x || r.draft.of != nil {
			t.Error("the draft was not begun, or did not end")
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
			t.Error(files, err)
		}
		if failed != nil {
			if b, err := os.ReadFile(filepath.Join(dir, appliedFile)); err != nil || string(b) != "former" {
				t.Errorf("%q %v", b, err)
			}
			continue
		}
		var texts bytes.Buffer
		if err := writeApplied(&texts, top, nil, facts); err != nil {
			t.Fatal(err)
		}
		want := bytes.TrimSuffix(texts.Bytes(), append([]byte("\n"), appendFooter(nil, 0, facts)...))
		if got := readApplied(d, maxApplied); !bytes.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if l := readObjects(d, facts); len(l) != objects*digestSize { // it was begun before some were removed
			t.Errorf("%d bytes of digests, want %d", len(l), objects*digestSize)
		}
	}
}

// The draft of another expansion than the one that was applied in the end is dropped, and the
// note of that one is written.
func TestDraftOfAnother(t *testing.T) {
	top := version(t, "vxlan", rand.New(rand.NewPCG(1, 2)))
	facts := desired.Assume(top, &top.Nodes[0])
	other := *top
	other.Digest = "of another one"
	r := &Reconciler{Topology: &other, Node: &top.Nodes[0], place: Place{RunDir: t.TempDir()}}
	d, err := kernel.MakeDir(r.stateDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var l [2]*desired.Expansion
	for i := range l {
		if l[i], err = desired.Expand(top, &top.Nodes[0], facts); err != nil {
			t.Fatal(err)
		}
	}
	r.draft.wanted = true
	r.beginDraft(l[0], facts)
	r.Topology = top
	r.remember(&Result{Expansion: l[1], facts: facts}, nil, ApplyOptions{})
	if got := appliedDigest(d); got != top.Digest {
		t.Errorf("the note is of %q, want %q", got, top.Digest)
	}
}

// A note that waits to be confirmed is that of no other run.
func TestPendingNote(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	d, err := kernel.MakeDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, c := range []struct {
		name, pending, want string
		dropped             bool
	}{
		{name: "another topology", pending: "new\n[]", want: "new"},
		{name: "nothing any more", pending: ""},
		{name: "taken back", pending: "new\n[]", dropped: true, want: "former"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := errors.Join(d.Replace(appliedFile, []byte("former\n[]")), d.Replace(pendingFile, []byte(c.pending))); err != nil {
				t.Fatal(err)
			}
			if c.dropped {
				dropPending(dir)
			}
			keepApplied(dir)
			if got := appliedDigest(d); got != c.want {
				t.Errorf("%q is noted, want %q", got, c.want)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) > 1 || len(files) != min(1, len(c.want)) {
				t.Error(files, err)
			}
		})
	}
}
