package reconcile

import (
	"bytes"
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
	facts := desired.Assume(top, &top.Nodes[0])
	dir := filepath.Join(t.TempDir(), "state")
	if n := beginDraft(dir, top, nil, facts); n != nil {
		t.Error("a draft is begun for a node that nothing was done on")
	}
	d, err := kernel.MakeDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Replace(appliedFile, []byte("former")); err != nil {
		t.Fatal(err)
	}
	for _, keep := range []bool{false, true} {
		x, err := desired.Expand(top, &top.Nodes[0], facts)
		if err != nil {
			t.Fatal(err)
		}
		res := &Result{Expansion: x, facts: facts}
		n := beginDraft(dir, top, x, facts)
		n.digested()
		objects := makeable(x.State)
		for r := range x.State.Clone().Routes() {
			x.State.Remove(r.Key())
		}
		if n.end(keep) != keep {
			t.Errorf("to keep it or not: %v, and it did not", keep)
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
			t.Error(files, err)
		}
		if !keep {
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
		if l := readObjects(d, facts); len(l) != objects*digestSize {
			t.Errorf("%d bytes of digests, want %d", len(l), objects*digestSize)
		}
		if noted(d, top, res) {
			t.Error("what was wanted before some was taken from it is taken for all")
		}
	}
}

// What is to be applied with another note than a draft's keeps that one.
func TestDraftOfAnother(t *testing.T) {
	top := version(t, "vxlan", rand.New(rand.NewPCG(1, 2)))
	facts := desired.Assume(top, &top.Nodes[0])
	r := &Reconciler{Topology: top, Node: &top.Nodes[0], place: Place{RunDir: t.TempDir()}}
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
	other := *top
	other.Digest = "of another one"
	r.draft = beginDraft(r.stateDir(), &other, l[0], facts)
	r.remember(&Result{Expansion: l[1], facts: facts}, nil, ApplyOptions{})
	if got := appliedDigest(d); got != top.Digest {
		t.Errorf("the note is of %q, want %q", got, top.Digest)
	}
}
